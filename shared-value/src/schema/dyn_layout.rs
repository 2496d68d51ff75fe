//! `DynLayout`: the meaning of a value's bytes, for programs that do not know its type.

use std::borrow::Cow;

use crate::error::Error;
use crate::format::Invalid;
use crate::format::growth::Growth;
use crate::format::lanes::LaneCounts;

/// Describes the bytes of a value: its name, size, alignment and parts.
///
/// It describes the value in a segment as [`Layout`](crate::Layout) describes a type, and prints as a schema. A program gets
/// one from a segment ([`DynValue::layout`](crate::DynAccessors::layout)), from a schema ([`parse`](Self::parse)), from a
/// typecode ([`from_typecode`](Self::from_typecode)), from a type ([`of`](Self::of)), or makes one by code
/// ([`structure`](Self::structure), [`array`](Self::array), [`enumeration`](Self::enumeration)). A new value can be created
/// from it: `DynValue::create("name", layout)`.
///
/// ```
/// use shared_value::{DynKind, DynLayout, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Point { x: f64, y: f64 }
///
/// let layout = DynLayout::of::<Point>()?;
/// assert_eq!((layout.name(), layout.size(), layout.align()), ("Point", 16, 8));
/// let DynKind::Struct { fields } = layout.kind() else { unreachable!() };
/// assert_eq!((fields[1].name(), fields[1].offset()), ("y", 8));
/// assert_eq!(DynLayout::parse(&layout.to_string())?, layout);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynLayout {
    pub(crate) name: Cow<'static, str>,
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) kind: DynKind,
    /// Bytes have a typecode only if they are a field.
    pub(crate) typecode: Option<Box<Typecode>>,
    /// The indices of the variants of an enum, by their numbers: an array may have as many elements as its enum has variants.
    pub(super) by_number: Box<[u32]>,
    /// Whether it is a struct whose other versions may have other fields in its reserved bytes.
    pub(super) evolves: bool,
    /// How many lanes the counters of a struct have; 0 if it has none.
    pub(super) lanes: usize,
    /// So that a walk through a value does not ask all parts below at each step.
    pub(super) parts: Parts,
}

/// Facts about a layout that follow from its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    is_checked: bool,
    has_gaps: bool,
    has_reserved: bool,
}

impl Parts {
    fn of(kind: &DynKind, size: usize) -> Self {
        match kind {
            DynKind::Bool | DynKind::Char | DynKind::Nonzero { .. } | DynKind::Text | DynKind::Enum { .. } => {
                Self { is_checked: true, ..Self::default() }
            }
            DynKind::Reserved => Self { is_checked: false, has_gaps: true, has_reserved: true },
            DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
                Self { has_reserved: element.has_reserved(), ..element.parts }
            }
            DynKind::Newtype { inner } => Self { has_reserved: inner.has_reserved(), ..inner.parts },
            DynKind::Struct { fields } => {
                let any = |is_so: fn(&DynLayout) -> bool| fields.iter().any(|field| is_so(&field.layout));
                let used: usize = fields.iter().map(|field| field.layout.size).sum();
                Self {
                    is_checked: any(DynLayout::is_checked),
                    has_gaps: used < size || any(DynLayout::has_gaps),
                    has_reserved: any(DynLayout::has_reserved),
                }
            }
            DynKind::Integer { .. } | DynKind::Optional { .. } | DynKind::Float | DynKind::Bytes => Self::default(),
        }
    }
}

/// The kinds of types, and the parts of each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DynKind {
    /// `false` or `true`.
    Bool,
    /// A character.
    Char,
    /// An integer. Every bit pattern is a value.
    Integer {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// An integer that is never zero.
    Nonzero {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// An optional integer: zero stands for `None`.
    Optional {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// A floating-point number of 4 or 8 bytes.
    Float,
    /// UTF-8 text in a fixed number of bytes: [`FixedStr`](crate::FixedStr).
    Text,
    /// Bytes whose type is known only to their author: a `#[shared(pod)]` field. If the author wrote a typecode, the bytes
    /// are read, written and printed as the typecode says, and the parts that it describes have paths.
    Bytes,
    /// Bytes without a meaning, for fields of later versions of a struct: [`Reserved`](crate::Reserved). They have no paths.
    Reserved,
    /// A fixed number of elements.
    Array {
        /// The number of elements.
        length: usize,
        /// The layout of each.
        element: Box<DynLayout>,
    },
    /// An array whose length only the segment knows. It can only be the whole value.
    Slice {
        /// The layout of each element.
        element: Box<DynLayout>,
    },
    /// An array whose length changes: [`SharedVec`](crate::SharedVec). It can only be the whole value, or lie in newtypes around it
    /// ([`SharedString`](crate::SharedString), [`SharedBytes`](crate::SharedBytes)).
    Vector {
        /// The layout of each element.
        element: Box<DynLayout>,
    },
    /// A `#[repr(transparent)]` struct. Paths look through it: its parts have the names that they have in the wrapped type.
    Newtype {
        /// The type that it wraps.
        inner: Box<DynLayout>,
    },
    /// A `#[repr(C)]` struct.
    Struct {
        /// In the order in memory.
        fields: Vec<DynField>,
    },
    /// A fieldless enum.
    Enum {
        /// The integer type that holds the number.
        repr: Box<DynLayout>,
        /// In order of declaration.
        variants: Vec<DynVariant>,
    },
}

/// A field of a [`DynKind::Struct`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynField {
    pub(crate) name: String,
    pub(crate) offset: usize,
    pub(crate) layout: DynLayout,
    pub(crate) is_atomic: bool,
    pub(crate) is_counter: bool,
}

/// A variant of a [`DynKind::Enum`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynVariant {
    pub(crate) name: String,
    pub(crate) number: i128,
}

/// A typecode, and the layout that it describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typecode {
    pub(crate) text: String,
    /// `None` if the text is invalid or describes another size: it may come from any program. Nothing in this layout is
    /// aligned.
    pub(crate) meaning: Option<DynLayout>,
}

impl DynLayout {
    /// Returns the name of the type, without its path and its generic arguments.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns `size_of` the type, in bytes; zero for a [`DynKind::Slice`], whose size only the segment knows, and
    /// for a [`DynKind::Vector`].
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns `align_of` the type, in bytes.
    pub fn align(&self) -> usize {
        self.align
    }

    /// Returns the kind of type.
    pub fn kind(&self) -> &DynKind {
        &self.kind
    }

    /// Returns how many lanes the counters of the value have; 0 if it is not a struct with `#[shared(counter)]` fields.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Returns whether it is a struct that is `#[shared(evolves)]`: other programs may have other fields in its reserved bytes.
    pub fn evolves(&self) -> bool {
        self.evolves
    }

    /// Returns whether it is, or wraps, or is an array of, [bytes without a meaning](DynKind::Reserved). Such a field has no path,
    /// and no data.
    pub fn is_reserved(&self) -> bool {
        match &self.kind {
            DynKind::Reserved => true,
            DynKind::Array { element, .. } => element.is_reserved(),
            DynKind::Newtype { inner } => inner.is_reserved(),
            _ => false,
        }
    }

    /// Returns whether some of its bytes may be fields of other versions, or are baselines of counters, so that a write of the whole
    /// must leave them.
    pub(crate) fn has_reserved(&self) -> bool {
        self.evolves || self.parts.has_reserved || self.lanes > 0
    }

    /// Returns how many lanes and counters a value has.
    pub(crate) fn lane_counts(&self) -> LaneCounts {
        let counters = self.counter_fields().map(DynField::elements).fold(0, usize::saturating_add);
        LaneCounts { lanes: self.lanes, counters }
    }

    /// Lists the counters of the value itself.
    pub(crate) fn counter_fields(&self) -> impl Iterator<Item = &DynField> {
        let fields = if let DynKind::Struct { fields } = &self.kind { fields.as_slice() } else { &[] };
        fields.iter().filter(|field| field.is_counter)
    }

    /// Returns whether some bytes are not a value of this layout.
    pub(crate) fn is_checked(&self) -> bool {
        self.parts.is_checked
    }

    /// Returns whether some of its bytes belong to no field: padding, and bytes that are reserved for other versions.
    pub(crate) fn has_gaps(&self) -> bool {
        self.parts.has_gaps
    }

    pub(crate) fn new(name: impl Into<Cow<'static, str>>, size: usize, align: usize, kind: DynKind) -> Self {
        let mut by_number: Box<[u32]> = Box::default();
        if let DynKind::Enum { variants, .. } = &kind {
            by_number = (0..).take(variants.len()).collect();
            by_number.sort_unstable_by_key(|index| variants[*index as usize].number);
        }
        let parts = Parts::of(&kind, size);
        Self { name: name.into(), size, align, kind, typecode: None, by_number, evolves: false, lanes: 0, parts }
    }

    /// Returns the variant of this number, if it is an enum that has one.
    pub(crate) fn variant(&self, number: i128) -> Option<&DynVariant> {
        let DynKind::Enum { variants, .. } = &self.kind else { return None };
        let found = self.by_number.binary_search_by_key(&number, |index| variants[*index as usize].number).ok()?;
        Some(&variants[self.by_number[found] as usize])
    }

    /// Returns the layout that paths refer to: the one under all newtypes, or, for bytes with a typecode, the one that the
    /// typecode describes.
    pub(crate) fn unwrapped(&self) -> &Self {
        let mut layout = self;
        while let Some(inner) =
            if let DynKind::Newtype { inner } = &layout.kind { Some(&**inner) } else { layout.meaning() }
        {
            layout = inner;
        }
        layout
    }

    /// Returns whether both are bytes of one size and alignment, whatever their typecodes say.
    pub(crate) fn has_bytes_of(&self, other: &Self) -> bool {
        let is_bytes = self.kind == DynKind::Bytes && other.kind == DynKind::Bytes;
        is_bytes && (self.size, self.align) == (other.size, other.align)
    }

    /// Returns the name of the type under all newtypes.
    pub(crate) fn innermost_name(&self) -> &str {
        if let DynKind::Newtype { inner } = &self.kind { inner.innermost_name() } else { &self.name }
    }

    /// Returns the layout of the elements, if it is a vector, perhaps in newtypes.
    pub(crate) fn vector_element(&self) -> Option<&Self> {
        match &self.kind {
            DynKind::Vector { element } => Some(element),
            DynKind::Newtype { inner } => inner.vector_element(),
            _ => None,
        }
    }

    /// Returns the layout of the elements, if only the segment knows their number.
    pub(super) fn unsized_element(&self) -> Option<&Self> {
        if let DynKind::Slice { element } = &self.kind { Some(element) } else { self.vector_element() }
    }

    /// Returns the layout that the typecode describes, if the bytes have a valid typecode.
    pub(crate) fn meaning(&self) -> Option<&Self> {
        self.typecode.as_deref()?.meaning.as_ref()
    }

    /// Lists the atomic fields of the value itself, which have words of their own outside of the slots.
    pub(crate) fn atomic_fields(&self) -> impl Iterator<Item = &DynField> {
        let fields = if let DynKind::Struct { fields } = &self.kind { fields.as_slice() } else { &[] };
        fields.iter().filter(|field| field.is_atomic)
    }

    /// Returns the layout of a value of this size. For a slice, the size determines the number of elements. A vector has no fixed
    /// number.
    pub(crate) fn of_size(self, size: usize) -> Result<Self, Invalid> {
        let fits = |expected: String| Invalid::new("size", expected, size);
        if let Some(element) = self.vector_element().map(|element| element.size) {
            let is_vector = Growth::of_size(element, size).is_some();
            return if is_vector {
                Ok(self)
            } else {
                Err(fits(format!("64, and a multiple of {element}, as the schema says")))
            };
        }
        match self.kind {
            DynKind::Slice { element } if size.is_multiple_of(element.size) => {
                let (length, align) = (size / element.size, element.align);
                Ok(Self::new("array", size, align, DynKind::Array { length, element }))
            }
            DynKind::Slice { element } => Err(fits(format!("a multiple of {}, as the schema says", element.size))),
            _ if self.size == size => Ok(self),
            _ => Err(fits(format!("{}, as the schema says", self.size))),
        }
    }
}

/// Returns the error for a layout of this name.
pub(crate) fn invalid_layout(name: &str, invalid: &Invalid) -> Error {
    let Invalid { expected, found, .. } = invalid;
    Error::InvalidLayout { name: name.to_owned(), reason: format!("expected {expected}, found {found}") }
}

impl DynField {
    /// Returns the number of atomic words that the field has outside of the slots, if its struct is the value.
    pub(crate) fn words(&self) -> usize {
        if self.is_atomic { self.elements() } else { 0 }
    }

    /// Returns the word that says in errors that the field lies outside of the slots.
    pub(crate) fn outside(&self) -> &'static str {
        match (self.is_atomic, self.is_counter) {
            (true, _) => "atomic ",
            (_, true) => "counter ",
            _ => "",
        }
    }

    /// Returns the number of elements, or 1 if it is not an array.
    pub(crate) fn elements(&self) -> usize {
        if let DynKind::Array { length, .. } = self.layout.kind { length } else { 1 }
    }

    /// Returns the name; `"0"`, `"1"` and so on in tuple structs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the offset of the field in its struct, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the layout of the field.
    pub fn layout(&self) -> &DynLayout {
        &self.layout
    }

    /// Returns whether the field was declared `#[shared(atomic)]`. If its struct is the value itself, the field is changed
    /// without the lock, and never rolled back.
    pub fn is_atomic(&self) -> bool {
        self.is_atomic
    }

    /// Returns whether the field was declared `#[shared(counter)]`: it counts in lanes, without the lock.
    pub fn is_counter(&self) -> bool {
        self.is_counter
    }

    /// Returns the typecode that the author of a `#[shared(pod)]` field wrote for it.
    pub fn typecode(&self) -> Option<&str> {
        self.layout.typecode.as_deref().map(|typecode| typecode.text.as_str())
    }
}

impl DynVariant {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number that stands for the variant.
    pub fn number(&self) -> i128 {
        self.number
    }
}
