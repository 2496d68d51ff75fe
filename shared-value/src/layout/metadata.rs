//! `Layout`: the meaning of a value's bytes.

use crate::layout::SharedValue;
use crate::layout::atomic::AtomicField;
use crate::layout::counter::{CountedField, DEFAULT_LANES, MOST_LANES};
use crate::layout::pod::{Pod, PodType};
use crate::layout::text::Text;
use crate::layout::typecode::measure;

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

/// A field of a [`Kind::Struct`].
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    name: &'static str,
    offset: usize,
    layout: &'static Layout,
    atomic: bool,
    counter: bool,
    typecode: Option<&'static str>,
}

/// A variant of a [`Kind::Enum`].
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    name: &'static str,
    discriminant: i128,
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
            if field.counter {
                lanes = DEFAULT_LANES;
            }
            end = end.next_multiple_of(field.layout.align);
            assert!(field.offset == end, "each field must lie where `#[repr(C)]` puts it");
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
        assert!(!fields[0].atomic, "the field of a transparent struct lies in the slots and cannot be atomic");
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
        match self.kind {
            Kind::Struct { fields } => self.counters_before(fields.len()),
            _ => 0,
        }
    }

    /// Returns the number of the first counter of this field, if the field has any.
    pub(crate) const fn counters_before(&self, field: usize) -> usize {
        let Kind::Struct { fields } = self.kind else { return 0 };
        let mut counters = 0;
        let mut index = 0;
        while index < field {
            counters += fields[index].counters();
            index += 1;
        }
        counters
    }

    /// Returns where the baseline of this counter lies in the value; `None` if there are fewer counters.
    pub(crate) const fn baseline(&self, number: usize) -> Option<usize> {
        let Kind::Struct { fields } = self.kind else { return None };
        let mut number = number;
        let mut index = 0;
        while index < fields.len() {
            let (field, counters) = (&fields[index], fields[index].counters());
            if number < counters {
                return Some(field.offset + number * size_of::<u64>());
            }
            number -= counters;
            index += 1;
        }
        None
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
        match self.kind {
            Kind::Struct { fields } => self.atomic_words_before(fields.len()),
            _ => 0,
        }
    }

    /// Returns the number of the first atomic word of this field, if the field has any.
    pub(crate) const fn atomic_words_before(&self, field: usize) -> usize {
        let Kind::Struct { fields } = self.kind else { return 0 };
        let mut words = 0;
        let mut index = 0;
        while index < field {
            words += fields[index].atomic_words();
            index += 1;
        }
        words
    }

    /// Returns the offset and the size that the value of this atomic word has in a copy of the whole value; `None` if there
    /// are fewer words.
    pub(crate) const fn atomic_word(&self, number: usize) -> Option<(usize, usize)> {
        let Kind::Struct { fields } = self.kind else { return None };
        let mut number = number;
        let mut index = 0;
        while index < fields.len() {
            let (field, words) = (&fields[index], fields[index].atomic_words());
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

impl Field {
    #[doc(hidden)]
    #[track_caller]
    pub const fn new<F: SharedValue>(name: &'static str, offset: usize) -> Self {
        if size_of::<F>() == 0 {
            nothing_to_share(name);
        }
        Self::described::<F>(name, offset)
    }

    /// Kept out of `new`: both fail to compile for a type without bytes, and the error of `new`, which names the field, must
    /// come first.
    const fn described<F: SharedValue>(name: &'static str, offset: usize) -> Self {
        Self { name, offset, layout: F::LAYOUT, atomic: false, counter: false, typecode: None }
    }

    #[doc(hidden)]
    pub const fn atomic<F: AtomicField>(name: &'static str, offset: usize) -> Self {
        Self { name, offset, layout: F::LAYOUT, atomic: true, counter: false, typecode: None }
    }

    #[doc(hidden)]
    pub const fn counter<F: CountedField>(name: &'static str, offset: usize) -> Self {
        Self { name, offset, layout: F::LAYOUT, atomic: false, counter: true, typecode: None }
    }

    /// Returns how many counters the field has: zero if it is none, otherwise one for each element.
    const fn counters(&self) -> usize {
        match self.layout.kind {
            _ if !self.counter => 0,
            Kind::Array { length, .. } => length,
            _ => 1,
        }
    }

    /// Returns how many atomic words the field has: zero if it is not atomic, otherwise one for each element.
    const fn atomic_words(&self) -> usize {
        match self.layout.kind {
            _ if !self.atomic => 0,
            Kind::Array { length, .. } => length,
            _ => 1,
        }
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
        self.atomic
    }

    /// Returns whether the field is `#[shared(counter)]`: it counts in lanes, without the lock.
    pub const fn is_counter(&self) -> bool {
        self.counter
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
const fn reserved_in_vain(field: &str) -> ! {
    let mut message = Text::<256>::from(0);
    message.text("`");
    message.text(field);
    message
        .text("` is reserved for later versions, but the struct does not evolve: write `#[shared(evolves)]` above it");
    panic!("{}", message.beginning())
}

#[track_caller]
const fn nothing_to_share(field: &str) -> ! {
    let mut message = Text::<256>::from(0);
    message.text("`");
    message.text(field);
    message.text("` has no bytes that could be shared: remove the field");
    panic!("{}", message.beginning())
}
