//! Pairs of versions of a struct that do not fit.

use anyhow::bail;
use shared_value::{DynLayout, DynValue, SharedValue, Synchronized};

/// Two versions of a struct that do not fit.
pub struct Misfit {
    /// The name of the pair.
    pub name: &'static str,
    /// The reason why the newer version does not open a value of the older one.
    pub reason: &'static str,
    /// The field that the reason names, or the size of the struct.
    pub field: &'static str,
    /// Whether a pin of the newer version to the older one holds. It panics if not.
    pub pin: fn(),
    run: fn(&str, &str, &str) -> anyhow::Result<()>,
}

/// Does an operation, `create` or `open`, as the `old` or the `new` version of a pair.
///
/// # Errors
/// The errors of the library, and errors for unknown words.
pub fn run(pair: &str, version: &str, operation: &str, name: &str) -> anyhow::Result<()> {
    match MISFITS.iter().find(|misfit| misfit.name == pair) {
        Some(misfit) => (misfit.run)(version, operation, name),
        None => bail!("there is no pair `{pair}`"),
    }
}

fn run_as<T: SharedValue>(operation: &str, name: &str) -> anyhow::Result<()> {
    match operation {
        "create" => create(DynLayout::of::<T>()?, name),
        "open" => {
            drop(Synchronized::<T>::open(name)?);
            Ok(())
        }
        other => bail!("there is no operation `{other}`"),
    }
}

/// Creates a value of zeros, or of ones, which are a value of all types here of which zeros are not.
fn create(layout: DynLayout, name: &str) -> anyhow::Result<()> {
    let bytes = |byte| layout.decode(&vec![byte; layout.size()]);
    let value = bytes(0).or_else(|_| bytes(1))?;
    drop(DynValue::create(name, (layout, value))?);
    Ok(())
}

macro_rules! evolving {
    ($name:ident { $($fields:tt)* }) => {
        #[derive(SharedValue, Clone, Copy)]
        #[repr(C)]
        #[shared(evolves)]
        pub(crate) struct $name { $($fields)* }
    };
}

macro_rules! strict {
    ($name:ident { $($fields:tt)* }) => {
        #[derive(SharedValue, Clone, Copy)]
        #[repr(C)]
        pub(crate) struct $name { $($fields)* }
    };
}

macro_rules! newtype {
    ($name:ident($inner:ty)) => {
        #[derive(SharedValue, Clone, Copy)]
        #[repr(transparent)]
        pub(crate) struct $name($inner);
    };
}

macro_rules! numbered {
    ($name:ident($repr:ident) { $($variants:tt)* }) => {
        #[derive(SharedValue, Clone, Copy)]
        #[repr($repr)]
        pub(crate) enum $name { $($variants)* }
    };
}

macro_rules! misfits {
    ($($name:ident: { $($old:item)* } { $($new:item)* } $field:literal $reason:literal;)*) => {
        $(
            mod $name {
                pub(crate) mod old {
                    #[allow(unused_imports)]
                    use {core::num::*, shared_value::*};
                    $($old)*
                }

                pub(crate) mod new {
                    #[allow(unused_imports)]
                    use {core::num::*, shared_value::*};
                    $($new)*
                }

                pub(super) fn run(version: &str, operation: &str, name: &str) -> anyhow::Result<()> {
                    match version {
                        "old" => super::run_as::<old::Account>(operation, name),
                        "new" => super::run_as::<new::Account>(operation, name),
                        other => anyhow::bail!("there is no version `{other}`"),
                    }
                }
            }
        )*

        /// All pairs.
        pub const MISFITS: &[Misfit] = &[$(Misfit {
            name: stringify!($name),
            reason: $reason,
            field: $field,
            pin: shared_value::__private::assert_released::<$name::new::Account, $name::old::Account>,
            run: $name::run,
        }),*];
    };
}

misfits! {
    new_is_strict: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { strict! { Account { balance: i64, spare: [u8; 8] } } } "Account"
        "expected `spare: [u8; 8] at byte 8`, found `spare: Reserved<8> at byte 8`; open it with the struct \
         it was created with, or remove it and create it again; its struct evolves, so other versions fit if they are `#[shared(evolves)]` too";
    old_is_strict: { strict! { Account { balance: i64, spare: [u8; 8] } } }
        { evolving! { Account { balance: i64, spare: Reserved<8> } } } "evolves"
        "the `Account` of the segment is not `#[shared(evolves)]`, and both must be";
    inner_new_is_strict: { evolving! { Limit { cents: u32 } } evolving! { Account { limit: Limit, spare: Reserved<4> } } }
        { strict! { Limit { cents: u32 } } evolving! { Account { limit: Limit, spare: Reserved<4> } } } "`Limit`"
        "the `Limit` of this program is not `#[shared(evolves)]`, and both must be";
    inner_old_is_strict: { strict! { Limit { cents: u32 } } evolving! { Account { limit: Limit, spare: Reserved<4> } } }
        { evolving! { Limit { cents: u32 } } evolving! { Account { limit: Limit, spare: Reserved<4> } } } "`Limit`"
        "the `Limit` of the segment is not `#[shared(evolves)]`, and both must be";
    outer_is_strict: { evolving! { Limit { cents: u32, spare: Reserved<4> } } strict! { Account { limit: Limit, days: u32 } } }
        { evolving! { Limit { cents: u32, spare: Reserved<4> } } strict! { Account { limit: Limit, hours: u32 } } } "hours"
        "expected `hours: u32 at byte 8`, found `days: u32 at byte 8`: `Account` is not \
         `#[shared(evolves)]`, so it cannot change";
    longer: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: i64, spare: Reserved<8>, limit: u64 } } } "Account"
        "the size of `Account` cannot change: expected 24 bytes, found 16";
    shorter: { evolving! { Account { balance: i64, spare: Reserved<16> } } }
        { evolving! { Account { balance: i64, limit: u64 } } } "Account"
        "the size of `Account` cannot change: expected 16 bytes, found 24";
    renamed_field: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { amount: i64, spare: Reserved<8> } } } "amount"
        "this program has a field `amount` where the segment has `balance`, at byte 0";
    renamed_type: { evolving! { Limit { cents: u64 } } evolving! { Account { limit: Limit, spare: Reserved<8> } } }
        { evolving! { Bound { cents: u64 } } evolving! { Account { limit: Bound, spare: Reserved<8> } } } "limit"
        "expected `limit: Bound at byte 0`, found `limit: Limit at byte 0`: the name of a type cannot change";
    moved_field: { evolving! { Account { balance: i64, limit: u32, spare: Reserved<12> } } }
        { evolving! { Account { balance: i64, spare: Reserved<4>, limit: u32, last: Reserved<8> } } } "limit"
        "expected `limit: u32 at byte 12`, found `limit: u32 at byte 8`: a field cannot move";
    swapped_fields: { evolving! { Account { balance: i64, limit: i64 } } }
        { evolving! { Account { limit: i64, balance: i64 } } } "balance"
        "expected `limit: i64 at byte 0`, found `limit: i64 at byte 8`: a field cannot move";
    other_sign: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: u64, spare: Reserved<8> } } } "balance"
        "expected `balance: u64 at byte 0`, found `balance: i64 at byte 0`: the type of a field cannot change";
    float: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: f64, spare: Reserved<8> } } } "balance"
        "expected `balance: f64 at byte 0`, found `balance: i64 at byte 0`: the type of a field cannot change";
    wider: { evolving! { Account { limit: u32, spare: Reserved<4>, balance: i64 } } }
        { evolving! { Account { limit: u64, balance: i64 } } } "limit"
        "expected `limit: u64 at byte 0`, found `limit: u32 at byte 0`: the type of a field cannot change";
    narrower: { evolving! { Account { limit: u32, spare: Reserved<4> } } }
        { evolving! { Account { limit: u16, spare: Reserved<6> } } } "limit"
        "expected `limit: u16 at byte 0`, found `limit: u32 at byte 0`: the type of a field cannot change";
    overlapping_front: { evolving! { Account { spare: Reserved<2>, limit: u16, last: Reserved<4> } } }
        { evolving! { Account { total: u32, last: Reserved<4> } } } "total"
        "this program has a field `total` where the segment has `limit`, at byte 2";
    overlapping_end: { evolving! { Account { limit: u32, spare: Reserved<4> } } }
        { evolving! { Account { spare: Reserved<2>, total: [u16; 3] } } } "total"
        "this program has a field `total` where the segment has `limit`, at byte 0";
    overlapping_middle: { evolving! { Account { first: u32, limit: u8, spare: Reserved<3> } } }
        { evolving! { Account { first: u32, total: u32 } } } "total"
        "this program has a field `total` where the segment has `limit`, at byte 4";
    inside_of_a_field: { evolving! { Account { limits: [u16; 4], last: Reserved<8> } } }
        { evolving! { Account { spare: Reserved<2>, total: u16, more: Reserved<12> } } } "total"
        "this program has a field `total` where the segment has `limits`, at byte 0";
    new_non_zero: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: i64, number: NonZeroU64 } } } "number"
        "this program has a field `number`, which the segment does not have, and zeros are not a `NonZeroU64`";
    new_enum_without_zero: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { numbered! { State(u8) { Open = 1, Frozen = 2 } } evolving! { Account { balance: i64, state: State, spare: Reserved<7> } } }
        "state"
        "this program has a field `state`, which the segment does not have, and zeros are not a `State(u8: \
         Open=1, Frozen=2)`";
    new_array_without_zero: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: i64, numbers: [NonZeroU32; 2] } } } "numbers"
        "this program has a field `numbers`, which the segment does not have, and zeros are not a \
         `[NonZeroU32; 2]`";
    new_struct_without_zero: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { strict! { Pair { one: u32, other: NonZeroU32 } } evolving! { Account { balance: i64, pair: Pair } } } "pair"
        "this program has a field `pair`, which the segment does not have, and zeros are not a `Pair`";
    new_newtype_without_zero: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { newtype! { Number(NonZeroU64) } evolving! { Account { balance: i64, number: Number } } } "number"
        "this program has a field `number`, which the segment does not have, and zeros are not a \
         `Number(NonZeroU64)`";
    new_option_without_zero: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: i64, number: SharedOption<NonZeroU32> } } } "number"
        "this program has a field `number`, which the segment does not have, and zeros are not a `SharedOption`";
    new_id: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: i64, next: Id<u64> } } } "next"
        "this program has a field `next`, which the segment does not have, and zeros are not a `Id(NonZeroU64)`";
    new_atomic: { evolving! { Account { balance: i64, spare: Reserved<8> } } }
        { evolving! { Account { balance: i64, #[shared(atomic)] requests: u64 } } } "requests"
        "this program has a field `requests`, which the segment does not have: atomic fields can be neither \
         added nor removed";
    second_atomic: { evolving! { Account { #[shared(atomic)] replies: u64, spare: Reserved<8> } } }
        { evolving! { Account { #[shared(atomic)] replies: u64, #[shared(atomic)] requests: u64 } } } "requests"
        "this program has a field `requests`, which the segment does not have: atomic fields can be neither \
         added nor removed";
    no_atomic: { evolving! { Account { balance: i64, #[shared(atomic)] requests: u64 } } }
        { evolving! { Account { balance: i64, spare: Reserved<8> } } } "requests"
        "the segment has a field `requests`, which this program does not have: atomic fields can be neither \
         added nor removed";
    renamed_atomic: { evolving! { Account { balance: i64, #[shared(atomic)] requests: u64 } } }
        { evolving! { Account { balance: i64, #[shared(atomic)] replies: u64 } } } "requests"
        "this program has a field `replies`, which the segment does not have: atomic fields can be neither \
         added nor removed";
    now_atomic: { evolving! { Account { balance: i64, requests: u64 } } }
        { evolving! { Account { balance: i64, #[shared(atomic)] requests: u64 } } } "requests"
        "expected `requests: atomic u64 at byte 8`, found `requests: u64 at byte 8`: a field can neither \
         become atomic nor cease to be";
    longer_atomic: { evolving! { Account { #[shared(atomic)] requests: [u64; 1], spare: Reserved<8> } } }
        { evolving! { Account { #[shared(atomic)] requests: [u64; 2] } } } "requests"
        "expected `requests: [u64; 2] at byte 0`, found `requests: [u64; 1] at byte 0`: the type of a field \
         cannot change";
    removed_non_zero: { evolving! { Account { balance: i64, number: NonZeroU64 } } }
        { evolving! { Account { balance: i64, spare: Reserved<8> } } } "number"
        "the segment has a field `number`, which this program does not have, and zeros are not a `NonZeroU64`";
    new_variant: { numbered! { State(u8) { Open = 0 } } evolving! { Account { state: State, spare: Reserved<7> } } }
        { numbered! { State(u8) { Open = 0, Frozen = 1 } } evolving! { Account { state: State, spare: Reserved<7> } } } "state"
        "expected `state: State(u8: Open=0, Frozen=1) at byte 0`, found `state: State(u8: Open=0) at byte \
         0`: the type of a field cannot change";
    renamed_variant: { numbered! { State(u8) { Open = 0 } } evolving! { Account { state: State, spare: Reserved<7> } } }
        { numbered! { State(u8) { Closed = 0 } } evolving! { Account { state: State, spare: Reserved<7> } } } "state"
        "expected `state: State(u8: Closed=0) at byte 0`, found `state: State(u8: Open=0) at byte 0`: the \
         type of a field cannot change";
    renumbered_variant: { numbered! { State(u8) { Open = 0, Frozen = 1 } } evolving! { Account { state: State } } }
        { numbered! { State(u8) { Open = 0, Frozen = 2 } } evolving! { Account { state: State } } } "state"
        "expected `state: State(u8: Open=0, Frozen=2) at byte 0`, found `state: State(u8: Open=0, Frozen=1) \
         at byte 0`: the type of a field cannot change";
    other_repr: { numbered! { State(u8) { Open = 0 } } evolving! { Account { state: State, spare: Reserved<1> } } }
        { numbered! { State(i8) { Open = 0 } } evolving! { Account { state: State, spare: Reserved<1> } } } "state"
        "expected `state: State(i8: Open=0) at byte 0`, found `state: State(u8: Open=0) at byte 0`: the type \
         of a field cannot change";
    enum_became_integer: { numbered! { State(u8) { Open = 0 } } evolving! { Account { state: State, spare: Reserved<1> } } }
        { evolving! { Account { state: u8, spare: Reserved<1> } } } "state"
        "expected `state: u8 at byte 0`, found `state: State(u8: Open=0) at byte 0`: the type of a field \
         cannot change";
    longer_text: { evolving! { Account { owner: FixedStr<4>, spare: Reserved<4> } } }
        { evolving! { Account { owner: FixedStr<8> } } } "owner"
        "expected `owner: FixedStr<8> at byte 0`, found `owner: FixedStr<4> at byte 0`: the type of a field \
         cannot change";
    longer_array: { evolving! { Account { limits: [u32; 2], spare: Reserved<8> } } }
        { evolving! { Account { limits: [u32; 3], spare: Reserved<4> } } } "limits"
        "expected `limits: [u32; 3] at byte 0`, found `limits: [u32; 2] at byte 0`: the type of a field \
         cannot change";
    other_elements: { evolving! { Account { limits: [u32; 2], spare: Reserved<8> } } }
        { evolving! { Account { limits: [i32; 2], spare: Reserved<8> } } } "limits"
        "expected `limits[]: i32 at byte 0`, found `limits[]: u32 at byte 0`: the type of a field cannot change";
    renamed_newtype: { newtype! { Cents(i64) } evolving! { Account { balance: Cents } } }
        { newtype! { Euros(i64) } evolving! { Account { balance: Euros } } } "balance"
        "expected `balance: Euros(i64) at byte 0`, found `balance: Cents(i64) at byte 0`: the type of a \
         field cannot change";
    other_newtype: { newtype! { Cents(i64) } evolving! { Account { balance: Cents } } }
        { newtype! { Cents(u64) } evolving! { Account { balance: Cents } } } "balance"
        "expected `balance: u64 at byte 0`, found `balance: i64 at byte 0`: the type of a field cannot change";
    strict_struct_renamed_field: { strict! { Point { x: f32, y: f32 } } evolving! { Account { corner: Point } } }
        { strict! { Point { x: f32, z: f32 } } evolving! { Account { corner: Point } } } "corner.z"
        "expected `corner.z: f32 at byte 4`, found `corner.y: f32 at byte 4`: `Point` is not \
         `#[shared(evolves)]`, so it cannot change";
    strict_struct_new_field: { strict! { Point { x: f64, y: u8 } } evolving! { Account { corner: Point } } }
        { strict! { Point { x: f64, y: u8, z: u8 } } evolving! { Account { corner: Point } } } "corner.z"
        "expected `corner.z: u8 at byte 9`, found `Point: 16 bytes, align 8`: `Point` is not \
         `#[shared(evolves)]`, so it cannot change";
    nested_moved: { evolving! { Limit { cents: u32, spare: Reserved<4> } } evolving! { Account { limits: [Limit; 2] } } }
        { evolving! { Limit { spare: Reserved<4>, cents: u32 } } evolving! { Account { limits: [Limit; 2] } } } "limits[].cents"
        "expected `limits[].cents: u32 at byte 4`, found `limits[].cents: u32 at byte 0`: a field cannot move";
    nested_longer: { evolving! { Limit { cents: u32, spare: Reserved<4> } } evolving! { Account { limits: [Limit; 2] } } }
        { evolving! { Limit { cents: u32, spare: Reserved<12> } } evolving! { Account { limits: [Limit; 1] } } } "limits"
        "expected `limits: [Limit; 1] at byte 0`, found `limits: [Limit; 2] at byte 0`: the type of a field \
         cannot change";
    nested_non_zero: { evolving! { Limit { cents: u32, spare: Reserved<4> } } evolving! { Account { limits: [Limit; 2] } } }
        { evolving! { Limit { cents: u32, days: NonZeroU32 } } evolving! { Account { limits: [Limit; 2] } } } "limits[].days"
        "this program has a field `limits[].days`, which the segment does not have, and zeros are not a \
         `NonZeroU32`";
    other_typecode: { evolving! { Account { #[shared(pod, typecode = "(4)B")] colour: [u8; 4] } } }
        { evolving! { Account { #[shared(pod, typecode = "4s")] colour: [u8; 4] } } } "colour"
        "expected `colour: bytes<4, align 1> as 4s at byte 0`, found `colour: bytes<4, align 1> as (4)B at \
         byte 0`: the type of a field cannot change";
    no_typecode: { evolving! { Account { #[shared(pod, typecode = "(4)B")] colour: [u8; 4] } } }
        { evolving! { Account { #[shared(pod)] colour: [u8; 4] } } } "colour"
        "expected `colour: bytes<4, align 1> at byte 0`, found `colour: bytes<4, align 1> as (4)B at byte \
         0`: the type of a field cannot change";
    other_bytes: { evolving! { Account { #[shared(pod)] colour: [u8; 4], spare: Reserved<4> } } }
        { evolving! { Account { #[shared(pod)] colour: [u8; 8] } } } "colour"
        "expected `colour: bytes<8, align 1> at byte 0`, found `colour: bytes<4, align 1> at byte 0`: the \
         type of a field cannot change";
    bool_became_number: { evolving! { Account { is_open: bool, spare: Reserved<7> } } }
        { evolving! { Account { is_open: u8, spare: Reserved<7> } } } "is_open"
        "expected `is_open: u8 at byte 0`, found `is_open: bool at byte 0`: the type of a field cannot change";
    option_became_non_zero: { evolving! { Account { number: Option<NonZeroU32> } } }
        { evolving! { Account { number: NonZeroU32 } } } "number"
        "expected `number: NonZeroU32 at byte 0`, found `number: Option<NonZeroU32> at byte 0`: the type of \
         a field cannot change";
}
