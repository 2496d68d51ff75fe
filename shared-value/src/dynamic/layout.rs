//! `DynLayout`: what the bytes of a value mean, as a program that does not know its type learns it.

use std::borrow::Cow;

use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::parts::{DynPart, DynParts};
use crate::dynamic::path::Place;
use crate::dynamic::{DynData, describe, schema};
use crate::error::Error;
use crate::format::Invalid;
use crate::layout::{SharedValue, schema_text};

/// Describes the bytes of a value: its name, size, alignment and parts, read from a schema.
///
/// It is to a segment what [`Layout`](crate::Layout) is to a type, and prints as the schema that it was read from.
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
    pub(super) name: Cow<'static, str>,
    pub(super) size: usize,
    pub(super) align: usize,
    pub(super) kind: DynKind,
}

/// What a [`DynLayout`] is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DynKind {
    /// `false` or `true`.
    Bool,
    /// A character.
    Char,
    /// An integer, of which every bit pattern is a value.
    Integer {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// An integer that is never zero.
    Nonzero {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// An integer that may be missing: zero stands for that.
    Optional {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// A floating-point number of 4 or 8 bytes.
    Float,
    /// UTF-8 text in a fixed number of bytes: [`FixedStr`](crate::FixedStr).
    Text,
    /// Bytes that the library does not look into: a `#[shared(pod)]` field.
    Bytes,
    /// A fixed number of elements.
    Array {
        /// How many.
        length: usize,
        /// What each is.
        element: Box<DynLayout>,
    },
    /// A number of elements that only the segment knows. In a schema this is the whole value or nothing.
    Slice {
        /// What each is.
        element: Box<DynLayout>,
    },
    /// A `#[repr(transparent)]` struct. No path leads into it: its parts are named as if it were what it wraps.
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
        /// The integer that holds the number.
        repr: Box<DynLayout>,
        /// In order of declaration.
        variants: Vec<DynVariant>,
    },
}

/// A field of a [`DynKind::Struct`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynField {
    pub(super) name: String,
    pub(super) offset: usize,
    pub(super) layout: DynLayout,
    pub(super) is_atomic: bool,
    pub(super) typecode: Option<String>,
}

/// A variant of a [`DynKind::Enum`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynVariant {
    pub(super) name: String,
    pub(super) number: i128,
}

impl DynLayout {
    /// Reads a schema, as segments hold it; its grammar is in `docs/format.md`.
    ///
    /// # Errors
    /// `InvalidSegment` if the text is not a schema of this machine's byte order, or describes what cannot be: fields that
    /// overlap or lie outside of their struct, sizes that do not agree, more than 128 types inside of each other, or more
    /// than 1 MiB of text.
    ///
    /// ```
    /// use shared_value::{DynLayout, Error};
    ///
    /// let Err(Error::InvalidSegment { expected, found, .. }) = DynLayout::parse("Point\nx: f65 @0\n") else { panic!() };
    /// assert_eq!(expected, "the lines of the fields of `f65`");
    /// ```
    pub fn parse(schema: &str) -> Result<Self, Error> {
        schema::read(schema).map_err(|invalid| invalid.of("(schema)"))
    }

    /// The layout of a type that this program knows.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), of which only the depth and the length can be wrong.
    pub fn of<T: SharedValue>() -> Result<Self, Error> {
        Self::parse(&schema_text(T::LAYOUT))
    }

    /// The name of the type, without its path and its generic arguments.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `size_of` the type, in bytes; zero for a [`DynKind::Slice`], whose size only the segment knows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// `align_of` the type, in bytes.
    pub fn align(&self) -> usize {
        self.align
    }

    /// What the bytes are.
    pub fn kind(&self) -> &DynKind {
        &self.kind
    }

    /// The type as schemas write it: `[Point; 2]`, `State(u8: Open=0, Frozen=1)`.
    pub fn type_text(&self) -> String {
        describe::Type(self).to_string()
    }

    /// Every part that has a path, in the order of memory: fields at every depth, and the elements of arrays of structs.
    /// The elements of other arrays have paths too, but are not listed.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Point { x: f64, y: f64 }
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Line { ends: [Point; 2], weights: [u16; 4] }
    ///
    /// let layout = DynLayout::of::<Line>()?;
    /// let parts: Vec<_> = layout.fields().map(|part| format!("{} @{}", part.path(), part.offset())).collect();
    /// assert_eq!(parts, [
    ///     "ends @0", "ends[0] @0", "ends[0].x @0", "ends[0].y @8", "ends[1] @16", "ends[1].x @16", "ends[1].y @24",
    ///     "weights @32",
    /// ]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn fields(&self) -> DynParts<'_> {
        DynParts::of(self)
    }

    /// The part at a path such as `corners[1].x`; the empty path is the whole value.
    ///
    /// # Errors
    /// `NoSuchPart` if the path leads nowhere.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Point { x: f64, y: f64 }
    ///
    /// let layout = DynLayout::of::<[Point; 2]>()?;
    /// assert_eq!(layout.part("[1].y")?.offset(), 24);
    /// let error = layout.part("[1].z").unwrap_err();
    /// assert_eq!(error.to_string(), "no part `[1].z`: `[1]` has no such field, but `x`, `y`");
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn part(&self, path: &str) -> Result<DynPart<'_>, Error> {
        let Place { layout, offset, atomic, .. } = Place::at(self, path)?;
        Ok(DynPart { path: path.to_owned(), layout, offset, is_atomic: atomic.is_some() })
    }

    /// The value that these bytes are.
    ///
    /// # Errors
    /// `InvalidBits` if they are none, or not as many as the layout has.
    ///
    /// ```
    /// use shared_value::{DynData, DynLayout};
    ///
    /// let layout = DynLayout::of::<[u16; 2]>()?;
    /// let bytes = layout.encode(&vec![DynData::from(1_u16), DynData::from(2_u16)].into())?;
    /// assert_eq!(layout.decode(&bytes)?.to_string(), "[1, 2]");
    /// assert!(layout.decode(&bytes[1..]).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn decode(&self, bytes: &[u8]) -> Result<DynData, Error> {
        match self.clone().of_size(bytes.len()) {
            Ok(layout) => decode(Place::of_value(&layout), "", bytes),
            Err(Invalid { expected, found, .. }) => Err(Error::InvalidBits {
                field: self.name.to_string(),
                expected: format!("a size of {expected}"),
                found: format!("{found} bytes"),
            }),
        }
    }

    /// The bytes of a value, with zeros for padding.
    ///
    /// # Errors
    /// `WrongData` if the layout has no such value; see [`DynData`] for what it takes.
    pub fn encode(&self, data: &DynData) -> Result<Vec<u8>, Error> {
        // Here the atomic fields are bytes as all others.
        encode(Place { is_value: false, ..Place::of_value(self) }, "", data)
    }

    /// The layout under all newtypes.
    pub(super) fn unwrapped(&self) -> &Self {
        let mut layout = self;
        while let DynKind::Newtype { inner } = &layout.kind {
            layout = inner;
        }
        layout
    }

    /// The fields of the value itself that have a word of their own outside of the slots.
    pub(super) fn atomic_fields(&self) -> impl Iterator<Item = &DynField> {
        let fields = if let DynKind::Struct { fields } = &self.kind { fields.as_slice() } else { &[] };
        fields.iter().filter(|field| field.is_atomic)
    }

    /// The layout of a value of so many bytes, which says how many elements there are.
    pub(super) fn of_size(self, size: usize) -> Result<Self, Invalid> {
        let fits = |expected: String| Invalid::new("size", expected, size);
        match self.kind {
            DynKind::Slice { element } if size.is_multiple_of(element.size) => Ok(Self {
                name: "array".into(),
                size,
                align: element.align,
                kind: DynKind::Array { length: size / element.size, element },
            }),
            DynKind::Slice { element } => Err(fits(format!("a multiple of {}, as the schema says", element.size))),
            _ if self.size == size => Ok(self),
            _ => Err(fits(format!("{}, as the schema says", self.size))),
        }
    }
}

impl DynField {
    /// The name; `"0"`, `"1"` and so on in tuple structs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the field starts in its struct, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What the field is.
    pub fn layout(&self) -> &DynLayout {
        &self.layout
    }

    /// Whether the field was declared `#[shared(atomic)]`. Only where its struct is the value itself it is one that is
    /// changed without the lock, and never rolled back.
    pub fn is_atomic(&self) -> bool {
        self.is_atomic
    }

    /// The typecode that the author of a `#[shared(pod)]` field wrote for it.
    pub fn typecode(&self) -> Option<&str> {
        self.typecode.as_deref()
    }
}

impl DynVariant {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number that stands for the variant.
    pub fn number(&self) -> i128 {
        self.number
    }
}
