//! `Field` and `Variant`: the parts of structs and enums.

use crate::layout::SharedValue;
use crate::layout::atomic::AtomicField;
use crate::layout::counter::CountedField;
use crate::layout::metadata::{Kind, Layout};
use crate::layout::pod::{Pod, PodType};
use crate::layout::text::Text;
use crate::layout::typecode::measure;

/// A field of a [`Kind::Struct`].
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) offset: usize,
    pub(super) layout: &'static Layout,
    storage: Storage,
    typecode: Option<&'static str>,
}

/// Where a field of the value itself has its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// In the slots, with everything that is committed.
    Slots,
    /// In words of its own, for `#[shared(atomic)]` fields.
    AtomicArea,
    /// In lanes, for `#[shared(counter)]` fields.
    Lanes,
}

/// A variant of a [`Kind::Enum`].
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    name: &'static str,
    discriminant: i128,
}

impl Field {
    #[doc(hidden)]
    #[track_caller]
    pub const fn new<F: SharedValue>(name: &'static str, offset: usize) -> Self {
        Self::stored::<F>(name, offset, Storage::Slots)
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn atomic<F: AtomicField>(name: &'static str, offset: usize) -> Self {
        Self::stored::<F>(name, offset, Storage::AtomicArea)
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn counter<F: CountedField>(name: &'static str, offset: usize) -> Self {
        Self::stored::<F>(name, offset, Storage::Lanes)
    }

    #[track_caller]
    const fn stored<F: SharedValue>(name: &'static str, offset: usize, storage: Storage) -> Self {
        if size_of::<F>() == 0 {
            nothing_to_share(name);
        }
        if F::HAS_COUNTERS {
            counters_in_a_part(name);
        }
        Self::described::<F>(name, offset, storage)
    }

    /// Kept out of `stored`: the layout of such a type may fail to compile too, and the error that names the field must come
    /// first.
    const fn described<F: SharedValue>(name: &'static str, offset: usize, storage: Storage) -> Self {
        Self { name, offset, layout: F::LAYOUT, storage, typecode: None }
    }

    /// Returns how many words the field has in a storage: none in another one than its own, else one for each element.
    pub(super) const fn words(&self, storage: Storage) -> usize {
        match self.layout.kind() {
            _ if self.storage as u8 != storage as u8 => 0,
            Kind::Array { length, .. } => *length,
            _ => 1,
        }
    }

    pub(super) const fn is_in_slots(&self) -> bool {
        matches!(self.storage, Storage::Slots)
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn pod<F: PodType>(name: &'static str, offset: usize) -> Self {
        Self::new::<Pod<F>>(name, offset)
    }

    /// Describes a field of another crate's type, with a typecode that the author of the struct wrote.
    #[doc(hidden)]
    #[track_caller]
    pub const fn pod_as<F: PodType>(name: &'static str, offset: usize, typecode: &'static str) -> Self {
        let size = measure(typecode);
        if size != size_of::<F>() {
            let mut message = Text::<512>::from(0);
            message.text("the typecode `");
            message.text(typecode);
            message.text("` describes ");
            message.number(size);
            message.text(" bytes, but the field `");
            message.text(name);
            message.text("` has ");
            message.number(size_of::<F>());
            panic!("{}", message.beginning());
        }
        Self { typecode: Some(typecode), ..Self::new::<Pod<F>>(name, offset) }
    }

    /// Returns the name; `"0"`, `"1"` and so on in tuple structs.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the offset of the field from the start of its struct, in bytes.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the layout of the field's type.
    pub const fn layout(&self) -> &'static Layout {
        self.layout
    }

    /// Returns the typecode that the author of a `#[shared(pod)]` field wrote for it: see [`Pod`](crate::Pod#fields).
    pub const fn typecode(&self) -> Option<&'static str> {
        self.typecode
    }

    /// Returns whether the field is `#[shared(atomic)]`: changed without the lock, never rolled back.
    pub const fn is_atomic(&self) -> bool {
        matches!(self.storage, Storage::AtomicArea)
    }

    /// Returns whether the field is `#[shared(counter)]`: it counts in lanes, without the lock.
    pub const fn is_counter(&self) -> bool {
        matches!(self.storage, Storage::Lanes)
    }
}

impl Variant {
    #[doc(hidden)]
    pub const fn new(name: &'static str, discriminant: i128) -> Self {
        Self { name, discriminant }
    }

    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the number that stands for the variant in memory.
    pub const fn discriminant(&self) -> i128 {
        self.discriminant
    }
}

#[track_caller]
const fn nothing_to_share(field: &str) -> ! {
    let mut message = Text::<256>::from(0);
    message.text("`");
    message.text(field);
    message.text("` has no bytes that could be shared: remove the field");
    panic!("{}", message.beginning())
}

#[track_caller]
const fn counters_in_a_part(field: &str) -> ! {
    let mut message = Text::<256>::from(0);
    message.text("`");
    message.text(field);
    message.text(
        "` has counters, which have their lanes beside a value of their own: share it as such a value, in an arena if there are \
         many, or remove `#[shared(counter)]` in it",
    );
    panic!("{}", message.beginning())
}

/// Returns whether one of these fields counts in lanes.
pub(in crate::layout) const fn has_counter(fields: &[Field]) -> bool {
    let mut index = 0;
    while index < fields.len() {
        if fields[index].is_counter() {
            return true;
        }
        index += 1;
    }
    false
}
