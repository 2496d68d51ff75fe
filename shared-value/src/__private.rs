//! Items that the output of the derive macro and the benchmarks use. They are not for programs: anything here may change in
//! any release.
//!
//! Nothing here trusts its arguments: offsets and words are checked when they are used, and bits are checked when they are
//! read.

pub use crate::accessors::accessible::Accessible;
pub use crate::accessors::atomic::Atomic;
pub use crate::accessors::counter::CounterField;
pub use crate::accessors::host::{Host, Reader, Root, Writer};
pub use crate::accessors::part::Part;
pub use crate::error::Error;
pub use crate::handle::access::{Access, ReadWrite, Writable};
pub use crate::handle::guard::Guard;
pub use crate::handle::synchronized::Synchronized;
pub use crate::hold::retry::retries;
pub use crate::layout::{
    Describe, Field, FieldVisitor, Layout as TypeLayout, Pod, PodType, SharedValue, assert_fingerprint, assert_layout,
    assert_released, assert_size,
};
