//! Decodes dynamic data from bytes: a private copy of bytes that any process may have written.

use crate::dynamic::DynData;
use crate::dynamic::encode::encode;
use crate::error::{Error, hexadecimal};
use crate::layout::{first_invalid_byte, half, sign_extended, zero_extended};
use crate::schema::place::{Place, Way};
use crate::schema::{DynKind, DynLayout, DynVariant};

/// Returns the part at a path, given its bytes.
pub(super) fn decode(place: Place<'_>, path: &str, bytes: &[u8]) -> Result<DynData, Error> {
    part(place.layout, bytes, Way::Start(path, place.layout))
}

/// Returns the part that these bytes represent. `way` is where it lies.
pub(super) fn part(layout: &DynLayout, bytes: &[u8], way: Way<'_>) -> Result<DynData, Error> {
    Decoder { layout, bytes, way }.data()
}

/// Checks that zeros are a value of this layout, which may have any size.
///
/// # Errors
/// `InvalidBits` if zeros are not a value of some part. The error names the first such part.
pub(super) fn check_zeros(layout: &DynLayout) -> Result<(), Error> {
    zeros(layout, &Way::Start("", layout))
}

fn zeros(layout: &DynLayout, way: &Way<'_>) -> Result<(), Error> {
    match &layout.kind {
        // Zeros are valid here; decoding them could ask for more memory than there is.
        DynKind::Text
        | DynKind::Bytes
        | DynKind::Reserved
        | DynKind::Array { length: 0, .. }
        | DynKind::Slice { .. }
        | DynKind::Vector { .. } => Ok(()),
        DynKind::Array { element, .. } => zeros(element, &Way::Element(way, 0)),
        DynKind::Newtype { inner } => zeros(inner, way),
        DynKind::Struct { fields } => {
            fields.iter().try_for_each(|field| zeros(&field.layout, &Way::Field(way, &field.name)))
        }
        _ => part(layout, &[0; 8][..layout.size.min(8)], *way).map(drop),
    }
}

/// The bytes of a part.
struct Decoder<'a> {
    layout: &'a DynLayout,
    bytes: &'a [u8],
    way: Way<'a>,
}

impl Decoder<'_> {
    fn data(&self) -> Result<DynData, Error> {
        let bytes = self.bytes;
        match &self.layout.kind {
            DynKind::Bool => self.bool(),
            DynKind::Char => self.char(),
            DynKind::Nonzero { .. } if zero_extended(bytes) == 0 => {
                Err(self.invalid(format!("anything but zero ({})", self.layout.name)))
            }
            DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } => Ok(integer(bytes, *is_signed)),
            DynKind::Optional { is_signed } => {
                Ok(DynData::Optional((zero_extended(bytes) != 0).then(|| Box::new(integer(bytes, *is_signed)))))
            }
            DynKind::Float => Ok(match *bytes {
                [a, b] => DynData::F32(half::from_bits(u16::from_ne_bytes([a, b]))),
                [a, b, c, d] => DynData::F32(f32::from_ne_bytes([a, b, c, d])),
                _ => DynData::F64(f64::from_bits(zero_extended(bytes))),
            }),
            DynKind::Text => self.text(),
            DynKind::Bytes => Ok(self.described().unwrap_or_else(|| DynData::Bytes(bytes.to_vec()))),
            DynKind::Reserved => Ok(DynData::Struct { name: self.layout.name.to_string(), fields: Vec::new() }),
            DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
                // Collecting results would not reserve the memory at once, and take twice as much.
                let mut elements = Vec::with_capacity(bytes.len() / element.size);
                for (index, bytes) in bytes.chunks_exact(element.size).enumerate() {
                    elements.push(Decoder { layout: element, bytes, way: Way::Element(&self.way, index) }.data()?);
                }
                Ok(DynData::Array(elements))
            }
            DynKind::Newtype { inner } => {
                let inner = Decoder { layout: inner, bytes, way: self.way }.data()?;
                Ok(DynData::Newtype { name: self.layout.name.to_string(), inner: Box::new(inner) })
            }
            DynKind::Struct { fields } => {
                let mut parts = Vec::with_capacity(fields.len());
                for field in fields.iter().filter(|field| !field.layout.is_reserved()) {
                    let bytes = &bytes[field.offset..][..field.layout.size];
                    let part = Decoder { layout: &field.layout, bytes, way: Way::Field(&self.way, &field.name) };
                    parts.push((field.name.clone(), part.data()?));
                }
                Ok(DynData::Struct { name: self.layout.name.to_string(), fields: parts })
            }
            DynKind::Enum { repr, variants } => self.variant(repr, variants),
        }
    }

    /// Returns the bytes as their typecode says, unless some bits would be lost: other programs may write any bits.
    fn described(&self) -> Option<DynData> {
        let layout = self.layout.meaning()?;
        let data = Decoder { layout, ..*self }.data().ok()?;
        let place = Place { is_value: false, ..Place::of_value(layout) };
        encode(place, "", &data).is_ok_and(|bytes| bytes == self.bytes).then_some(data)
    }

    fn bool(&self) -> Result<DynData, Error> {
        match zero_extended(self.bytes) {
            bit @ 0..=1 => Ok(DynData::Bool(bit == 1)),
            _ => Err(self.invalid("0 or 1 (bool)".to_owned())),
        }
    }

    fn char(&self) -> Result<DynData, Error> {
        let character = u32::try_from(zero_extended(self.bytes)).ok().and_then(char::from_u32);
        character.map(DynData::Char).ok_or_else(|| self.invalid("a Unicode scalar value (char)".to_owned()))
    }

    fn text(&self) -> Result<DynData, Error> {
        if let Some(at) = first_invalid_byte(self.bytes) {
            return Err(Error::InvalidBits {
                field: self.way.to_string(),
                expected: format!("UTF-8 and then zeros (FixedStr<{}>)", self.layout.size),
                found: format!("byte {:#04x} at {at}", self.bytes[at]),
            });
        }
        let text = self.bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(DynData::Text(String::from_utf8_lossy(text).into_owned()))
    }

    fn variant(&self, repr: &DynLayout, variants: &[DynVariant]) -> Result<DynData, Error> {
        const SHOWN: usize = 64;
        let is_signed = repr.kind == DynKind::Integer { is_signed: true };
        let number = if is_signed { sign_extended(self.bytes).into() } else { zero_extended(self.bytes).into() };
        if let Some(variant) = self.layout.variant(number) {
            return Ok(DynData::Enum { variant: variant.name.clone(), number });
        }
        let shown = variants.iter().take(SHOWN);
        let shown: Vec<_> = shown.map(|variant| format!("{} = {}", variant.name, variant.number)).collect();
        Err(self.invalid(format!("{} ({})", shown.join(" or "), self.layout.name)))
    }

    fn invalid(&self, expected: String) -> Error {
        let mut bytes = self.bytes.to_vec();
        if cfg!(target_endian = "little") {
            bytes.reverse();
        }
        Error::InvalidBits { field: self.way.to_string(), expected, found: format!("0x{}", hexadecimal(&bytes)) }
    }
}

fn integer(bytes: &[u8], is_signed: bool) -> DynData {
    if is_signed { DynData::Signed(sign_extended(bytes)) } else { DynData::Unsigned(zero_extended(bytes)) }
}
