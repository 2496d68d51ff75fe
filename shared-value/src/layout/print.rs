//! Prints a value from its bytes and its layout alone, so that `Debug` needs nothing of the type.

use core::fmt::{self, Debug, Formatter};

use crate::layout::{Kind, Layout};

/// The bytes of a value, printed as `derive(Debug)` would.
pub(crate) struct Printed<'a> {
    pub(crate) layout: &'static Layout,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Printed<'a> {
    fn part(&self, layout: &'static Layout, offset: usize) -> Printed<'a> {
        Printed { layout, bytes: &self.bytes[offset..offset + layout.size()] }
    }

    /// The bytes as a number, extended with zeros.
    fn bits(&self) -> u64 {
        let mut word = [0; 8];
        let length = self.bytes.len();
        let start = if cfg!(target_endian = "little") { 0 } else { 8 - length };
        word[start..start + length].copy_from_slice(self.bytes);
        u64::from_ne_bytes(word)
    }

    /// The bytes as a number, extended with their sign.
    fn signed(&self) -> i64 {
        let unused = 64 - 8 * u32::try_from(self.bytes.len()).expect("at most 8 bytes");
        (self.bits() << unused).cast_signed() >> unused
    }

    fn number(&self, code: char, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.layout.name().starts_with("Option<") {
            if self.bits() == 0 {
                return formatter.write_str("None");
            }
            formatter.write_str("Some(")?;
            self.plain_number(code, formatter)?;
            return formatter.write_str(")");
        }
        self.plain_number(code, formatter)
    }

    fn plain_number(&self, code: char, formatter: &mut Formatter<'_>) -> fmt::Result {
        match code {
            '?' => match self.bits() {
                0 => formatter.write_str("false"),
                1 => formatter.write_str("true"),
                bits => write!(formatter, "<invalid bool {bits:#x}>"),
            },
            'w' => match u32::try_from(self.bits()).ok().and_then(char::from_u32) {
                Some(character) => character.fmt(formatter),
                None => write!(formatter, "<invalid char {:#x}>", self.bits()),
            },
            'f' => f32::from_bits(u32::try_from(self.bits()).expect("4 bytes")).fmt(formatter),
            'd' => f64::from_bits(self.bits()).fmt(formatter),
            'b' | 'h' | 'i' | 'q' => self.signed().fmt(formatter),
            _ => self.bits().fmt(formatter),
        }
    }

    /// The discriminant as the enum declares it.
    fn discriminant(&self, repr: &Layout) -> i128 {
        match repr.kind() {
            Kind::Scalar { code: 'b' | 'h' | 'i' | 'q', .. } => self.signed().into(),
            _ => self.bits().into(),
        }
    }
}

impl Debug for Printed<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.layout.kind() {
            Kind::Scalar { code, .. } => self.number(*code, formatter),
            Kind::Text => {
                let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(self.bytes.len());
                String::from_utf8_lossy(&self.bytes[..length]).fmt(formatter)
            }
            Kind::Bytes => self.bytes.fmt(formatter),
            Kind::Array { element, .. } => {
                let elements = (0..self.bytes.len()).step_by(element.size());
                formatter.debug_list().entries(elements.map(|start| self.part(element, start))).finish()
            }
            Kind::Newtype { inner } => formatter.debug_tuple(self.layout.name()).field(&self.part(inner, 0)).finish(),
            Kind::Struct { fields } => {
                let mut printed = formatter.debug_struct(self.layout.name());
                for field in *fields {
                    printed.field(field.name(), &self.part(field.layout(), field.offset()));
                }
                printed.finish()
            }
            Kind::Enum { repr, variants } => {
                let discriminant = self.discriminant(repr);
                match variants.iter().find(|variant| variant.discriminant() == discriminant) {
                    Some(variant) => formatter.write_str(variant.name()),
                    None => write!(formatter, "<invalid {} {discriminant}>", self.layout.name()),
                }
            }
        }
    }
}
