//! Fingerprints, typecodes and schemas, which must not change: segments of other builds contain them.
#![cfg(target_endian = "little")]

use shared_value::SharedValue;
use shared_value_tests::values::{Account, Assorted, City, Labelled, Level, Meters, Padded, Span, Tally};
use shared_value_tests::{SegmentFile, SegmentName};

/// 64-bit FNV-1a, as its authors publish it.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns the schema in a segment, and asserts that its fingerprint is that of the type.
#[track_caller]
fn schema<T: SharedValue>(value: T) -> String {
    let name = SegmentName::new("golden");
    let _shared = shared_value::Synchronized::create(&name, value).unwrap();
    let file = SegmentFile::open(name.path());
    let schema = file.schema();
    assert_eq!(file.fingerprint(), T::FINGERPRINT);
    assert_eq!(hash(&schema), T::FINGERPRINT, "the fingerprint is the hash of the schema");
    schema
}

/// If a fingerprint changed while the type does not, no build could open the segments of another.
#[test]
fn fingerprints_stay() {
    assert_eq!(u64::FINGERPRINT, 0xf709_412b_38a8_567d);
    assert_eq!(bool::FINGERPRINT, 0x9737_6fe9_15b6_c1c7);
    assert_eq!(<[[f32; 3]; 2]>::FINGERPRINT, 0x0e8f_50af_6090_0fe1);
    assert_eq!(City::FINGERPRINT, 0x623d_e1bd_01fe_4b75);
    assert_eq!(Level::FINGERPRINT, 0xd9da_fd93_6f72_6d19);
    assert_eq!(Meters::FINGERPRINT, 0x8981_5a7a_68e9_9ad5);
    assert_eq!(Account::FINGERPRINT, 0x9cd3_7e53_2b00_0ba5);
    assert_eq!(Tally::FINGERPRINT, 0x6ecd_7a3a_038f_8e50);
    assert_eq!(Padded::FINGERPRINT, 0xd1da_2973_f335_b5c5);
    assert_eq!(Labelled::<Span, 5>::FINGERPRINT, 0x1c6a_c83f_43b2_ba14);
    assert_eq!(Assorted::FINGERPRINT, 0xe1e5_c478_7598_95a4);
}

/// If a typecode changed while the type does not, tools in other languages would read other fields.
#[test]
fn typecodes_stay() {
    assert_eq!(u64::TYPECODE, "<Q");
    assert_eq!(bool::TYPECODE, "<?");
    assert_eq!(<[[f32; 3]; 2]>::TYPECODE, "(2,3)<f");
    assert_eq!(City::TYPECODE, "12s");
    assert_eq!(Level::TYPECODE, "<h");
    assert_eq!(Meters::TYPECODE, "<d");
    assert_eq!(Account::TYPECODE, "T{<q:balance:?:frozen:3x(4)<I:limits:4x<Q:deposits:<Q:requests:}");
    assert_eq!(
        Padded::TYPECODE,
        "T{<B:head:3x<I:number:<H:half:2x(23)T{<?:is_set:3x<I:weight:<H:size:2x}:grains:(9)B:tail:3x}"
    );
    assert_eq!(
        Labelled::<Span, 5>::TYPECODE,
        "T{5s:label:3xT{<B:mode:3x<I:start:<d:end:}:value:(3)T{<B:mode:3x<I:start:<d:end:}:history:}"
    );
    assert_eq!(
        Assorted::TYPECODE,
        "T{<b:tiny:x<H:short:<i:middle:<Q:long:<Q:index:<f:ratio:4x<d:exact:?:is_on:3x<w:letter:12s:city:B:mode:x\
         <h:level:<I:serial:<h:change:2x<d:height:T{<B:0:7x<q:1:}:pair:(2)T{<B:mode:3x<I:start:<d:end:}:spans:\
         (2,3)B:grid:2xT{<?:is_set:7xT{<B:mode:3x<I:start:<d:end:}:span:}:limits:(6)B:tint:B:type:x<I:last:<I:shade:}"
    );
}

/// If a schema changed while the type does not, the segments of other builds would no longer open.
#[test]
fn schemas_stay() {
    assert_eq!(schema(1_u64), "u64\nu64: 8 bytes, align 8\nlittle-endian\n");
    assert_eq!(
        schema(Level::Cold),
        "\
Level(i16: Frost=-300, Cold=-1, Warm=300)
Level(i16: Frost=-300, Cold=-1, Warm=300): 2 bytes, align 2
little-endian
"
    );
    assert_eq!(
        schema(Account::after(1)),
        "\
Account
balance: i64 @0
frozen: bool @8
limits: [u32; 4] @12
deposits: u64 @32
requests: atomic u64 @40
Account: 48 bytes, align 8
little-endian
"
    );
    assert_eq!(
        schema(Padded::of(1)),
        "\
Padded
head: u8 @0
number: u32 @4
half: u16 @8
grains: [Grain; 23] @12
grains[].is_set: bool @12
grains[].weight: u32 @16
grains[].size: u16 @20
grains[]: 12 bytes, align 4
tail: [u8; 9] @288
Padded: 300 bytes, align 4
little-endian
"
    );
    assert_eq!(
        schema(Assorted::of(1)),
        "\
Assorted
tiny: i8 @0
short: u16 @2
middle: i32 @4
long: u64 @8
index: usize @16
ratio: f32 @24
exact: f64 @32
is_on: bool @40
letter: char @44
city: FixedStr<12> @48
mode: Mode(u8: Idle=0, Busy=7) @60
level: Level(i16: Frost=-300, Cold=-1, Warm=300) @62
serial: NonZeroU32 @64
change: Option<NonZeroI16> @68
height: Meters(f64) @72
pair: Pair @80
pair.0: u8 @80
pair.1: i64 @88
pair: 16 bytes, align 8
spans: [Span; 2] @96
spans[].mode: Mode(u8: Idle=0, Busy=7) @96
spans[].start: u32 @100
spans[].end: Meters(f64) @104
spans[]: 16 bytes, align 8
grid: [[u8; 3]; 2] @128
limits: Limits @136
limits.is_set: bool @136
limits.span: Span @144
limits.span.mode: Mode(u8: Idle=0, Busy=7) @144
limits.span.start: u32 @148
limits.span.end: Meters(f64) @152
limits.span: 16 bytes, align 8
limits: 24 bytes, align 8
tint: bytes<6, align 2> @160
type: u8 @166
last: u32 @168
shade: Shade(Color(u32: Blue=3, Green=2147483648)) @172
Assorted: 176 bytes, align 8
little-endian
"
    );
}
