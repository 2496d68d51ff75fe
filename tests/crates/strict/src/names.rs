//! Names that the output of the macro uses too.

use memory::SharedValue;

/// Types that are called what type parameters and aliases are called there.
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct A {
    /// A number.
    pub number: u8,
}

/// The same.
pub type R = A;
/// The same.
pub type V = A;
/// The same.
pub type Description = A;
/// Hides a type of the prelude and of the library.
pub type Result = A;
/// The same.
pub type Option = A;
/// The same.
pub type Field = A;
/// The same.
pub type Guard = A;

/// Fields that are called what locals and functions are called there.
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
    #[shared(rename = "loads")]
    pub load: u8,
}
