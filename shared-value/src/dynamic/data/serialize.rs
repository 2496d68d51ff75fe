//! Serializes and deserializes dynamic data.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::dynamic::data::DynData;
use crate::error::hexadecimal;

impl Serialize for DynData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_for_people = serializer.is_human_readable();
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            // JSON would write `null` for these.
            Self::F32(value) if is_for_people && !value.is_finite() => serializer.collect_str(value),
            Self::F64(value) if is_for_people && !value.is_finite() => serializer.collect_str(value),
            Self::F32(value) => serializer.serialize_f32(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Optional(None) => serializer.serialize_none(),
            Self::Optional(Some(value)) => serializer.serialize_some(value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) if is_for_people => serializer.serialize_str(&hexadecimal(bytes)),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Enum { variant, .. } => serializer.serialize_str(variant),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Newtype { inner, .. } => inner.serialize(serializer),
            Self::Struct { fields, .. } => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for DynData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Whatever)
    }
}

struct Whatever;

impl<'de> Visitor<'de> for Whatever {
    type Value = DynData;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a truth value, a number, a text, bytes, nothing, or a list or map of such")
    }

    fn visit_bool<E>(self, value: bool) -> Result<DynData, E> {
        Ok(DynData::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<DynData, E> {
        Ok(DynData::Signed(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<DynData, E> {
        Ok(DynData::Unsigned(value))
    }

    fn visit_f32<E>(self, value: f32) -> Result<DynData, E> {
        Ok(DynData::F32(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<DynData, E> {
        Ok(DynData::F64(value))
    }

    fn visit_char<E>(self, value: char) -> Result<DynData, E> {
        Ok(DynData::Char(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<DynData, E> {
        Ok(DynData::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<DynData, E> {
        Ok(DynData::Text(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<DynData, E> {
        Ok(DynData::Bytes(value.to_vec()))
    }

    fn visit_unit<E>(self) -> Result<DynData, E> {
        Ok(DynData::Optional(None))
    }

    fn visit_none<E>(self) -> Result<DynData, E> {
        Ok(DynData::Optional(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynData, D::Error> {
        Ok(DynData::Optional(Some(Box::new(DynData::deserialize(deserializer)?))))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynData, D::Error> {
        DynData::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<DynData, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            elements.push(element);
        }
        Ok(DynData::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DynData, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(DynData::Struct { name: String::new(), fields })
    }
}
