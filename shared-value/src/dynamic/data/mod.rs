//! `DynData`: a value of a type that the program does not know.

mod print;
#[cfg(feature = "serde")]
mod serialize;

use crate::schema::place::{Step, Steps};

/// A value, or a part of one, whose type is known only at run time.
///
/// A [`DynValue`](crate::DynValue) reads and writes it. Reading gives exactly the variant that belongs to the
/// [`DynKind`](crate::DynKind); writing takes other data too, such as text from a command line or JSON:
///
/// | kind | read as | also written from |
/// |---|---|---|
/// | bool | `Bool` | |
/// | char | `Char` | `Text` of one character |
/// | integer, `NonZero` | `Signed` or `Unsigned`, according to the type | the other one, if the number fits |
/// | optional `NonZero` | `Optional` | a number that is not zero |
/// | float | `F32` or `F64`, according to the type | the other one, rounded; integers that it holds exactly; `Text` `NaN`,
/// `inf`, `-inf` |
/// | text | `Text` | |
/// | bytes | `Bytes` | `Array` of numbers to 255; `Text` of hexadecimal digits |
/// | bytes with a typecode | as the typecode says; `Bytes` if some bits would be lost | `Bytes`, and all of the above |
/// | enum | `Enum` | `Text` that is the name of a variant; its number |
/// | array | `Array` | |
/// | newtype | `Newtype` | the wrapped value |
/// | struct | `Struct` | the fields in another order, under another name of the struct |
///
/// It prints as the value itself would with `derive(Debug)`, on several lines with `{:#}`. Floats compare as floats do:
/// `NaN` is not equal to itself.
///
/// With the feature `serde`, a struct serializes as a map, an enum as the name of the variant, a newtype as the wrapped
/// value, and `None` as serde's `none`. In human-readable formats, such as JSON, floats that are not finite are the texts
/// `NaN`, `inf` and `-inf`, because JSON has no such numbers, and bytes are hexadecimal text. Integers are exact. Any data
/// in such a format can be deserialized, and written to any part that can hold it.
///
/// ```
/// use shared_value::DynData;
///
/// let point = DynData::structure("Point", [("x", DynData::from(1.5)), ("y", DynData::from(-2.0))]);
/// assert_eq!(point.to_string(), "Point { x: 1.5, y: -2.0 }");
/// assert_eq!(point.part("y").and_then(DynData::as_f64), Some(-2.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DynData {
    /// `false` or `true`.
    Bool(bool),
    /// A character.
    Char(char),
    /// An integer of a type with negative numbers.
    Signed(i64),
    /// An integer of a type without negative numbers.
    Unsigned(u64),
    /// A floating-point number of 4 bytes.
    F32(f32),
    /// A floating-point number of 8 bytes.
    F64(f64),
    /// An `Option` of a `NonZero` integer, which is `Signed` or `Unsigned`.
    Optional(Option<Box<DynData>>),
    /// Text.
    Text(String),
    /// Bytes whose type only the program that defined them knows.
    Bytes(Vec<u8>),
    /// A variant of an enum.
    Enum {
        /// Its name.
        variant: String,
        /// The number that stands for it.
        number: i128,
    },
    /// The elements of an array.
    Array(Vec<DynData>),
    /// A `#[repr(transparent)]` struct.
    Newtype {
        /// The name of the type.
        name: String,
        /// The wrapped value.
        inner: Box<DynData>,
    },
    /// A struct.
    Struct {
        /// The name of the type.
        name: String,
        /// Names and values, in the order in memory.
        fields: Vec<(String, DynData)>,
    },
}

impl DynData {
    /// Makes a struct with these fields.
    pub fn structure<N: Into<String>>(name: &str, fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self::Struct { name: name.to_owned(), fields }
    }

    /// Returns the part at a path such as `corners[1].x`, if there is one. Newtypes are looked through.
    ///
    /// ```
    /// use shared_value::DynData;
    ///
    /// let corners = DynData::from(vec![DynData::structure("Point", [("x", 1_u64.into())])]);
    /// assert_eq!(corners.part("[0].x"), Some(&DynData::Unsigned(1)));
    /// assert_eq!(corners.part("[1].x"), None);
    /// ```
    pub fn part(&self, path: &str) -> Option<&Self> {
        let mut part = self;
        for step in Steps::of(path) {
            part = match (step.ok()?, part.unwrapped()) {
                (Step::Field(name), Self::Struct { fields, .. }) => {
                    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
                }
                (Step::Element(index), Self::Array(elements)) => elements.get(index),
                _ => None,
            }?;
        }
        Some(part)
    }

    /// Returns the part at a path, for changing it.
    ///
    /// ```
    /// use shared_value::DynData;
    ///
    /// let mut point = DynData::structure("Point", [("x", 1_u64.into())]);
    /// *point.part_mut("x").unwrap() = 2_u64.into();
    /// assert_eq!(point.to_string(), "Point { x: 2 }");
    /// ```
    pub fn part_mut(&mut self, path: &str) -> Option<&mut Self> {
        let mut part = self;
        for step in Steps::of(path) {
            part = match (step.ok()?, part.unwrapped_mut()) {
                (Step::Field(name), Self::Struct { fields, .. }) => {
                    fields.iter_mut().find(|(field, _)| field == name).map(|(_, value)| value)
                }
                (Step::Element(index), Self::Array(elements)) => elements.get_mut(index),
                _ => None,
            }?;
        }
        Some(part)
    }

    /// Returns the truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self.unwrapped() { Some(*value) } else { None }
    }

    /// Returns the integer, if an `i64` holds it: a number, the number of an enum, or an option of a number.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_i128()?.try_into().ok()
    }

    /// Returns the integer, if a `u64` holds it: a number, the number of an enum, or an option of a number.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_i128()?.try_into().ok()
    }

    pub(super) fn as_i128(&self) -> Option<i128> {
        match self.unwrapped() {
            Self::Signed(value) => Some((*value).into()),
            Self::Unsigned(value) => Some((*value).into()),
            Self::Enum { number, .. } => Some(*number),
            Self::Optional(Some(value)) => value.as_i128(),
            _ => None,
        }
    }

    /// Returns the floating-point number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self.unwrapped() {
            Self::F32(value) => Some((*value).into()),
            Self::F64(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the text, if it is one, or the name of the variant of an enum.
    pub fn as_str(&self) -> Option<&str> {
        match self.unwrapped() {
            Self::Text(text) | Self::Enum { variant: text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the data under all newtypes.
    pub(super) fn unwrapped(&self) -> &Self {
        let mut data = self;
        while let Self::Newtype { inner, .. } = data {
            data = inner;
        }
        data
    }

    fn unwrapped_mut(&mut self) -> &mut Self {
        let mut data = self;
        while let Self::Newtype { inner, .. } = data {
            data = inner;
        }
        data
    }
}

macro_rules! from {
    ($($type:ty, $variant:ident;)*) => {$(
        impl From<$type> for DynData {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool, Bool; char, Char; f32, F32; f64, F64; String, Text; &str, Text; Vec<Self>, Array;
    i8, Signed; i16, Signed; i32, Signed; i64, Signed; u8, Unsigned; u16, Unsigned; u32, Unsigned; u64, Unsigned;
}
