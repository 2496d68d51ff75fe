//! Names that the output of the macro uses too.

use memory::SharedValue;

/// A type with the name of a type parameter of the output.
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct A {
    /// A number.
    pub number: u8,
}

/// An alias with the name of a type parameter of the output.
pub type H = A;
/// An alias with the name of a type parameter of the output.
pub type R = A;
/// An alias with the name of a type parameter of the output.
pub type V = A;
/// An alias with the name of an alias of the output.
pub type Description = A;
/// An alias that hides a type of the prelude.
pub type Result = A;
/// An alias that hides a type of the prelude.
pub type Option = A;
/// An alias that hides a type of the library.
pub type Field = A;
/// An alias that hides a type of the library.
pub type Guard = A;
/// An alias that hides a type of the library.
pub type Host = A;

/// Fields with the names of locals, functions and methods: of the output, of handles, and of guards.
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct Names {
    /// A field.
    pub value: A,
    /// A field.
    pub index: R,
    /// A field.
    pub change: V,
    /// A field.
    pub visitor: Description,
    /// A field.
    pub formatter: Result,
    /// A field.
    pub handle: Option,
    /// A field.
    pub field: Field,
    /// A field.
    pub guard: Guard,
    /// A field.
    pub pod: [A; 2],
    /// A field.
    pub bits: bool,
    /// A field.
    pub unchanged: u8,
    /// A field.
    pub fields_of: u8,
    /// A field.
    pub field_0: u8,
    /// A field.
    pub r#type: u8,
    /// A field.
    pub load: u8,
    /// A field.
    pub open: u8,
    /// A field.
    pub create: u8,
    /// A field.
    pub options: u8,
    /// A field.
    pub portion: H,
    /// A field.
    pub host: Host,
    /// A field.
    pub from: u8,
    /// A field.
    pub get_field: u8,
    /// A field.
    pub len: usize,
    /// A field.
    pub iter: u8,
    /// A field.
    pub is_empty: u8,
    /// A field.
    pub next: u8,
    /// A field.
    pub to_string: u8,
    /// A field.
    pub into_iter: u8,
    /// A field.
    pub as_ref: u8,
    /// A field.
    pub from_str: u8,
    /// A field.
    pub is_some: u8,
    /// A field.
    pub default: u8,
    /// A field.
    pub add: u8,
    /// A field.
    #[shared(atomic)]
    pub version: u64,
}
