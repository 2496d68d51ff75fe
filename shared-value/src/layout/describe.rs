//! `Describe`: makes the descriptions that the derive macro asks for.

use crate::layout::pod::PodType;
use crate::layout::{AtomicField, CountedField, Field, Layout, SharedValue, Variant};

/// Makes descriptions of types. An implementation of [`SharedValue`](trait@SharedValue) that uses them guarantees that they
/// are true.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Describe;

impl Describe {
    /// Describes a field that lies in the slots.
    #[track_caller]
    pub const fn field<F: SharedValue>(self, name: &'static str, offset: usize) -> Field {
        Field::new::<F>(name, offset)
    }

    /// Describes a field that has words of its own.
    #[track_caller]
    pub const fn atomic<F: AtomicField>(self, name: &'static str, offset: usize) -> Field {
        Field::atomic::<F>(name, offset)
    }

    /// Describes a field that counts in lanes.
    #[track_caller]
    pub const fn counter<F: CountedField>(self, name: &'static str, offset: usize) -> Field {
        Field::counter::<F>(name, offset)
    }

    /// Describes a field that is plain bytes.
    #[track_caller]
    pub const fn pod<F: PodType>(self, name: &'static str, offset: usize) -> Field {
        Field::pod::<F>(name, offset)
    }

    /// Describes a field of plain bytes, with the typecode that its author wrote.
    #[track_caller]
    pub const fn pod_as<F: PodType>(self, name: &'static str, offset: usize, typecode: &'static str) -> Field {
        Field::pod_as::<F>(name, offset, typecode)
    }

    /// Describes a `#[repr(C)]` struct.
    #[track_caller]
    pub const fn structure<T>(self, name: &'static str, fields: &'static [Field]) -> Layout {
        Layout::structure::<T>(name, fields).strict()
    }

    /// Describes a `#[repr(C)]` struct that evolves.
    pub const fn evolving<T>(self, name: &'static str, fields: &'static [Field]) -> Layout {
        Layout::structure::<T>(name, fields).evolving()
    }

    /// Describes a `#[repr(transparent)]` struct.
    pub const fn newtype<T>(self, name: &'static str, fields: &'static [Field]) -> Layout {
        Layout::newtype::<T>(name, fields)
    }

    /// Describes an enum.
    pub const fn enumeration<T, R: SharedValue>(self, name: &'static str, variants: &'static [Variant]) -> Layout {
        Layout::enumeration::<T, R>(name, variants)
    }

    /// Describes a variant of an enum.
    pub const fn variant(self, name: &'static str, discriminant: i128) -> Variant {
        Variant::new(name, discriminant)
    }
}
