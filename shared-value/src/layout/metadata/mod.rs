//! `Layout`: the meaning of a value's bytes.

mod field;

use crate::layout::SharedValue;
use crate::layout::counter::{DEFAULT_LANES, MOST_LANES};
use crate::layout::text::Text;

use field::Storage;
pub(in crate::layout) use field::has_counter;
pub use field::{Field, Variant};

/// Describes the bytes of a type: its name, size, alignment and parts.
///
/// It is made at compile time, as [`SharedValue::LAYOUT`]. Segments hold it as a text, the schema, which other programs
/// read as a [`DynLayout`](crate::DynLayout).
///
/// ```
/// use shared_value::{Kind, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Point { x: f64, y: f64 }
///
/// assert_eq!(Point::LAYOUT.name(), "Point");
/// assert_eq!(Point::LAYOUT.size(), 16);
/// let Kind::Struct { fields } = Point::LAYOUT.kind() else { unreachable!() };
/// assert_eq!((fields[1].name(), fields[1].offset()), ("y", 8));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    name: &'static str,
    size: usize,
    align: usize,
    kind: Kind,
    form: Form,
    evolves: bool,
    /// How many lanes its counters have; 0 if it has none.
    lanes: usize,
}

/// How a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As its kind says.
    Parts,
    /// A struct of `is_some` and `value`, as an `Option`.
    Option,
    /// A number of nanoseconds, as a duration.
    Duration,
    /// A number of nanoseconds since 1970, as a date and a time.
    Timestamp,
}

/// The kind of a type, with the parts that it is made of.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A number, a `bool` or a `char`; also a `NonZero` integer, or an `Option` of one, which is `None` if it is zero.
    Scalar {
        /// The letter of the type in Python's buffer protocol (PEP 3118), without the byte order: `q` for `i64`, `d` for
        /// `f64`, `?` for `bool`, `w` for `char`.
        code: char,
        /// Whether some bit patterns are invalid for the type: all but 0 and 1 for a `bool`, some for a `char`, and zero for
        /// a `NonZero` integer.
        checked: bool,
    },
    /// UTF-8 text without a NUL, and then zeros up to the size of the type: [`FixedStr`](crate::FixedStr).
    Text,
    /// Bytes that this library does not look into: a `#[shared(pod)]` field, or a [`Pod`](crate::Pod).
    Bytes,
    /// Bytes without a meaning, for fields of later versions of a struct: [`Reserved`](crate::Reserved).
    Reserved,
    /// A fixed number of elements.
    Array {
        /// The number of elements, at least 1.
        length: usize,
        /// The layout of each element.
        element: &'static Layout,
    },
    /// A `#[repr(C)]` struct. A [`SharedOption`](crate::SharedOption) is one with the fields `is_some` and `value`.
    Struct {
        /// The fields in the order of their declaration. Their offsets are in the same order.
        fields: &'static [Field],
    },
    /// A `#[repr(transparent)]` struct, such as [`Timestamp`](crate::Timestamp).
    Newtype {
        /// The layout of the wrapped type, which has the same size and alignment.
        inner: &'static Layout,
    },
    /// A fieldless enum.
    Enum {
        /// The integer that holds the discriminant.
        repr: &'static Layout,
        /// The variants in the order of their declaration.
        variants: &'static [Variant],
    },
}

impl Layout {
    pub(crate) const fn new<T>(name: &'static str, kind: Kind) -> Self {
        assert!(size_of::<T>() > 0, "a shared value must have at least one byte");
        match kind {
            Kind::Array { element, .. } => element.expect_no_counters(),
            Kind::Newtype { inner } => inner.expect_no_counters(),
            _ => {}
        }
        Self { name, size: size_of::<T>(), align: align_of::<T>(), kind, form: Form::Parts, evolves: false, lanes: 0 }
    }

    /// Returns this layout, for a type of this library that has its own `Debug`.
    pub(super) const fn printed_as(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    pub(crate) const fn scalar<T>(name: &'static str, code: char) -> Self {
        Self::new::<T>(name, Kind::Scalar { code, checked: false })
    }

    pub(crate) const fn checked<T>(name: &'static str, code: char) -> Self {
        Self::new::<T>(name, Kind::Scalar { code, checked: true })
    }

    #[doc(hidden)]
    pub const fn structure<T>(name: &'static str, fields: &'static [Field]) -> Self {
        let mut index = 0;
        let mut end = 0_usize;
        let mut lanes = 0;
        while index < fields.len() {
            let field = &fields[index];
            field.layout.expect_no_counters();
            if field.is_counter() {
                lanes = DEFAULT_LANES;
            }
            end = end.next_multiple_of(field.layout.align);
            assert!(field.offset == end, "each field must lie where `#[repr(C)]` puts it");
            assert!(
                align_of::<T>() >= field.layout.align,
                "a struct must be aligned for its fields, as `#[repr(C)]` without `packed` aligns it"
            );
            end += field.layout.size;
            index += 1;
        }
        assert!(
            end.next_multiple_of(align_of::<T>()) == size_of::<T>(),
            "a struct must have the size that `#[repr(C)]` gives it"
        );
        Self { lanes, ..Self::new::<T>(name, Kind::Struct { fields }) }
    }

    /// Returns this layout of a struct with counters, for another number of lanes.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn with_lanes(self, lanes: usize) -> Self {
        assert!(self.lanes > 0, "only counters have lanes: write `#[shared(counter)]` above a field");
        assert!(lanes > 0 && lanes <= MOST_LANES, "a counter has between 1 and 4096 lanes");
        Self { lanes, ..self }
    }

    /// Checks that it has no counters, which have lanes only as fields of the value itself.
    pub(crate) const fn expect_no_counters(&self) {
        assert!(
            self.lanes == 0,
            "a struct with counters is a value of its own, and cannot be a part of another one: counters have their lanes \
             beside the value"
        );
    }

    /// Returns this layout, for a struct whose other versions may have other fields in its reserved bytes.
    pub(super) const fn evolving(self) -> Self {
        Self { evolves: true, ..self }
    }

    /// Returns this layout of a struct, if it has no `Reserved` field: other programs could put no fields there.
    #[track_caller]
    pub(super) const fn strict(self) -> Self {
        if let Kind::Struct { fields } = self.kind {
            let mut index = 0;
            while index < fields.len() {
                if fields[index].layout.is_reserved() {
                    reserved_in_vain(fields[index].name);
                }
                index += 1;
            }
        }
        self
    }

    #[doc(hidden)]
    pub const fn newtype<T>(name: &'static str, fields: &'static [Field]) -> Self {
        assert!(fields.len() == 1, "a transparent struct has one field");
        assert!(
            fields[0].is_in_slots(),
            "the field of a transparent struct lies in the slots: it is neither an atomic nor a counter"
        );
        let inner = fields[0].layout;
        assert!(
            fields[0].offset == 0 && inner.size == size_of::<T>() && inner.align == align_of::<T>(),
            "a transparent struct has the layout of its field"
        );
        Self::new::<T>(name, Kind::Newtype { inner })
    }

    #[doc(hidden)]
    pub const fn enumeration<T, R: SharedValue>(name: &'static str, variants: &'static [Variant]) -> Self {
        assert!(size_of::<T>() == size_of::<R>(), "an enum has the size of its repr");
        Self::new::<T>(name, Kind::Enum { repr: R::LAYOUT, variants })
    }

    /// Returns the name of the type, without its path and its generic arguments.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the `size_of` the type, in bytes; at least 1.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Returns the `align_of` the type, in bytes; a power of two.
    pub const fn align(&self) -> usize {
        self.align
    }

    /// Returns the kind of the type, with its parts.
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns whether programs with different versions of the struct may share a value: it is `#[shared(evolves)]`.
    pub const fn evolves(&self) -> bool {
        self.evolves
    }

    /// Returns whether it is, or wraps, or is an array of, bytes without a meaning.
    pub(crate) const fn is_reserved(&self) -> bool {
        match self.kind {
            Kind::Reserved => true,
            Kind::Array { element, .. } => element.is_reserved(),
            Kind::Newtype { inner } => inner.is_reserved(),
            _ => false,
        }
    }

    /// Returns whether a struct in it evolves, so that values of other layouts may fit.
    pub(crate) const fn has_evolving(&self) -> bool {
        match self.kind {
            Kind::Array { element, .. } => element.has_evolving(),
            Kind::Newtype { inner } => inner.has_evolving(),
            Kind::Struct { fields } => {
                let mut index = 0;
                while index < fields.len() {
                    if fields[index].layout.has_evolving() {
                        return true;
                    }
                    index += 1;
                }
                self.evolves
            }
            _ => false,
        }
    }

    /// Returns whether some of its bytes may be fields of other versions, or are baselines of counters, so that a write of the
    /// whole must leave them.
    pub(crate) const fn has_reserved(&self) -> bool {
        self.is_reserved() || (self.has_evolving() && self.padding() > 0) || self.lanes > 0
    }

    /// Returns how many lanes the counters of a value have; 0 if it has no counters.
    pub(crate) const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Returns how many counters a value has: one for each element of its `#[shared(counter)]` fields.
    pub(crate) const fn counters(&self) -> usize {
        self.words(Storage::Lanes)
    }

    /// Returns the number of the first counter of this field, if the field has any.
    pub(crate) const fn counters_before(&self, field: usize) -> usize {
        self.words_before(field, Storage::Lanes)
    }

    /// Returns where the baseline of this counter lies in the value; `None` if there are fewer counters.
    pub(crate) const fn baseline(&self, number: usize) -> Option<usize> {
        match self.word(number, Storage::Lanes) {
            Some((offset, _)) => Some(offset),
            None => None,
        }
    }

    /// Returns the number of bytes without a meaning: padding between and after the fields of structs at any depth, and
    /// [`Reserved`](crate::Reserved) fields.
    pub const fn padding(&self) -> usize {
        self.size - self.real_bytes()
    }

    const fn real_bytes(&self) -> usize {
        match self.kind {
            Kind::Array { length, element } => length * element.real_bytes(),
            Kind::Newtype { inner } => inner.real_bytes(),
            Kind::Struct { fields } => {
                let mut bytes = 0;
                let mut index = 0;
                while index < fields.len() {
                    bytes += fields[index].layout.real_bytes();
                    index += 1;
                }
                bytes
            }
            Kind::Reserved => 0,
            Kind::Scalar { .. } | Kind::Text | Kind::Bytes | Kind::Enum { .. } => self.size,
        }
    }

    /// Returns whether some bit patterns of this size are invalid for the type. Only then are bytes checked after they were
    /// copied out of shared memory.
    pub const fn is_checked(&self) -> bool {
        match self.kind {
            Kind::Scalar { checked, .. } => checked,
            Kind::Bytes | Kind::Reserved => false,
            Kind::Text | Kind::Enum { .. } => true,
            Kind::Array { element, .. } => element.is_checked(),
            Kind::Newtype { inner } => inner.is_checked(),
            Kind::Struct { fields } => {
                let mut index = 0;
                while index < fields.len() {
                    if fields[index].layout.is_checked() {
                        return true;
                    }
                    index += 1;
                }
                false
            }
        }
    }

    /// Returns how many atomic words a value of this layout has: one for each element of its `#[shared(atomic)]` fields, in
    /// the order of declaration. Atomic fields of inner structs have no atomic words.
    pub(crate) const fn atomic_words(&self) -> usize {
        self.words(Storage::AtomicArea)
    }

    /// Returns the number of the first atomic word of this field, if the field has any.
    pub(crate) const fn atomic_words_before(&self, field: usize) -> usize {
        self.words_before(field, Storage::AtomicArea)
    }

    /// Returns the offset and the size that the value of this atomic word has in a copy of the whole value; `None` if there
    /// are fewer words.
    pub(crate) const fn atomic_word(&self, number: usize) -> Option<(usize, usize)> {
        self.word(number, Storage::AtomicArea)
    }

    /// Returns how many words a value has in a storage: one for each element of the fields that are stored there.
    const fn words(&self, storage: Storage) -> usize {
        match self.kind {
            Kind::Struct { fields } => self.words_before(fields.len(), storage),
            _ => 0,
        }
    }

    /// Returns the number of the first word of this field in a storage, if the field has any there.
    const fn words_before(&self, field: usize, storage: Storage) -> usize {
        let Kind::Struct { fields } = self.kind else { return 0 };
        let mut words = 0;
        let mut index = 0;
        while index < field {
            words += fields[index].words(storage);
            index += 1;
        }
        words
    }

    /// Returns the offset and the size that this word of a storage has in a copy of the whole value; `None` if there are fewer
    /// words.
    const fn word(&self, number: usize, storage: Storage) -> Option<(usize, usize)> {
        let Kind::Struct { fields } = self.kind else { return None };
        let mut number = number;
        let mut index = 0;
        while index < fields.len() {
            let (field, words) = (&fields[index], fields[index].words(storage));
            if number < words {
                let size = field.layout.size / words;
                return Some((field.offset + number * size, size));
            }
            number -= words;
            index += 1;
        }
        None
    }
}

#[track_caller]
const fn reserved_in_vain(field: &str) -> ! {
    let mut message = Text::<256>::from(0);
    message.text("`");
    message.text(field);
    message
        .text("` is reserved for later versions, but the struct does not evolve: write `#[shared(evolves)]` above it");
    panic!("{}", message.beginning())
}
