//! `Describe`: makes the descriptions that the derive macro asks for.

use crate::layout::pod::PodType;
use crate::layout::{AtomicField, Field, Layout, SharedValue, Variant};

/// Makes descriptions of types. What they say is trusted by whatever implements [`SharedValue`](trait@SharedValue) with them.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Describe;

impl Describe {
    /// A field that lies in the slots.
    #[track_caller]
    pub const fn field<F: SharedValue>(self, name: &'static str, offset: usize) -> Field {
        Field::new::<F>(name, offset)
    }

    /// A field that has words of its own.
    #[track_caller]
    pub const fn atomic<F: AtomicField>(self, name: &'static str, offset: usize) -> Field {
        Field::atomic::<F>(name, offset)
    }

    /// A field that is bytes.
    #[track_caller]
    pub const fn pod<F: PodType>(self, name: &'static str, offset: usize) -> Field {
        Field::pod::<F>(name, offset)
    }

    /// A field of bytes whose typecode its author knows.
    #[track_caller]
    pub const fn pod_as<F: PodType>(self, name: &'static str, offset: usize, typecode: &'static str) -> Field {
        Field::pod_as::<F>(name, offset, typecode)
    }

    /// A `#[repr(C)]` struct.
    pub const fn structure<T>(self, name: &'static str, fields: &'static [Field]) -> Layout {
        Layout::structure::<T>(name, fields)
    }

    /// A `#[repr(transparent)]` struct.
    pub const fn newtype<T>(self, name: &'static str, fields: &'static [Field]) -> Layout {
        Layout::newtype::<T>(name, fields)
    }

    /// An enum.
    pub const fn enumeration<T, R: SharedValue>(self, name: &'static str, variants: &'static [Variant]) -> Layout {
        Layout::enumeration::<T, R>(name, variants)
    }

    /// A variant of an enum.
    pub const fn variant(self, name: &'static str, discriminant: i128) -> Variant {
        Variant::new(name, discriminant)
    }
}
