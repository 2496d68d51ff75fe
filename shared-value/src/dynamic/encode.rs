//! Encodes dynamic data as bytes, for a part of a known layout.

use std::cell::LazyCell;
use std::collections::HashMap;

use crate::dynamic::DynData;
use crate::error::Error;
use crate::layout::half;
use crate::schema::place::{Place, Way, listed, shown};
use crate::schema::primitive::{put, range};
use crate::schema::{DynField, DynKind, DynLayout};

/// Returns the bytes of a part, with zeros for padding, if all of the data fits.
///
/// The data of a whole value may leave out atomic fields: those do not lie in the slots.
pub(super) fn encode(place: Place<'_>, path: &str, data: &DynData) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; place.layout.size];
    part(place.layout, place.is_value, data, &mut bytes, &Way::Start(path, place.layout))?;
    Ok(bytes)
}

fn part(layout: &DynLayout, is_value: bool, data: &DynData, bytes: &mut [u8], way: &Way<'_>) -> Result<(), Error> {
    let wrong = |expected: String| Error::WrongData { field: way.to_string(), expected, found: found(data) };
    if let DynKind::Newtype { inner } = &layout.kind {
        // The data may name the newtype or leave it out; another newtype may lie under it.
        let inner_data = match data {
            DynData::Newtype { name, inner } if *name == layout.name => inner,
            _ => data,
        };
        return part(inner, false, inner_data, bytes, way);
    }
    match (&layout.kind, data.unwrapped()) {
        (DynKind::Bool, DynData::Bool(value)) => put(bytes, (*value).into()),
        (DynKind::Bool, _) => return Err(wrong("a bool".to_owned())),
        (DynKind::Char, value) => match character(value, layout.size) {
            Some(character) => put(bytes, character.into()),
            None => return Err(wrong("a char".to_owned())),
        },
        (DynKind::Optional { .. }, DynData::Optional(None)) | (DynKind::Reserved, _) => {}
        (
            DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } | DynKind::Optional { is_signed },
            value @ (DynData::Signed(_) | DynData::Unsigned(_) | DynData::Optional(Some(_))),
        ) => {
            let range = range(layout.size, *is_signed);
            let is_zero_refused = !matches!(layout.kind, DynKind::Integer { .. });
            let fits = |number: &i128| range.contains(number) && !(*number == 0 && is_zero_refused);
            match value.as_i128().filter(fits) {
                Some(number) => put(bytes, low_bits(number)),
                None => return Err(wrong(of_integer(layout, *is_signed))),
            }
        }
        (DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } | DynKind::Optional { is_signed }, _) => {
            return Err(wrong(of_integer(layout, *is_signed)));
        }
        (DynKind::Float, value) => match float(value, layout.size) {
            Some(bits) => put(bytes, bits),
            None => return Err(wrong(format!("a number that an {} holds", layout.name))),
        },
        (DynKind::Text, DynData::Text(text)) if text.len() <= bytes.len() && !text.contains('\0') => {
            bytes[..text.len()].copy_from_slice(text.as_bytes());
        }
        (DynKind::Text, _) => return Err(wrong(format!("a text of at most {} bytes without NUL", layout.size))),
        (DynKind::Bytes, value) => {
            let described = layout.meaning().map(|meaning| part(meaning, false, data, bytes, way));
            match (described, raw(value).filter(|raw| raw.len() == bytes.len())) {
                (Some(Ok(())), _) => {}
                (_, Some(raw)) => bytes.copy_from_slice(&raw),
                (Some(error), None) => return error,
                (None, None) => return Err(wrong(format!("{} bytes", layout.size))),
            }
        }
        (DynKind::Enum { variants, .. }, value) => {
            let variant = match value {
                DynData::Enum { variant: name, number } => {
                    layout.variant(*number).filter(|variant| variant.name == *name)
                }
                DynData::Text(name) => variants.iter().find(|variant| variant.name == *name),
                DynData::Signed(_) | DynData::Unsigned(_) => value.as_i128().and_then(|number| layout.variant(number)),
                _ => None,
            };
            let number = variant.map(|variant| low_bits(variant.number)).ok_or_else(|| {
                let names = listed(variants.iter().map(|variant| variant.name.as_str()));
                wrong(format!("one of {names}"))
            })?;
            put(bytes, number);
        }
        (DynKind::Array { length, element }, DynData::Array(elements)) if elements.len() == *length => {
            for (index, (element_data, bytes)) in elements.iter().zip(bytes.chunks_exact_mut(element.size)).enumerate()
            {
                part(element, false, element_data, bytes, &Way::Element(way, index))?;
            }
        }
        (DynKind::Array { length, .. }, _) => return Err(wrong(format!("an array of {length} elements"))),
        (DynKind::Struct { fields }, DynData::Struct { fields: given, .. }) => {
            structure(fields, is_value, given, bytes, way)?;
        }
        (DynKind::Struct { .. }, _) if layout.name.is_empty() => return Err(wrong("a struct".to_owned())),
        (DynKind::Struct { .. }, _) => return Err(wrong(format!("a struct `{}`", layout.name))),
        // The size of a slice is unknown here; newtypes were looked through above.
        (DynKind::Slice { .. } | DynKind::Vector { .. } | DynKind::Newtype { .. }, _) => {
            return Err(wrong("a layout that says how many elements there are".to_owned()));
        }
    }
    Ok(())
}

fn structure(
    fields: &[DynField],
    is_value: bool,
    given: &[(String, DynData)],
    bytes: &mut [u8],
    way: &Way<'_>,
) -> Result<(), Error> {
    let wrong = |expected: String, found: String| Error::WrongData { field: way.to_string(), expected, found };
    // No data is for reserved bytes.
    let fields: Vec<_> = fields.iter().filter(|field| !field.layout.is_reserved()).collect();
    let names = || listed(fields.iter().map(|field| field.name.as_str()));
    // Data that was read from a value has the fields in the order of the layout, so no search is needed.
    let mut seen = vec![false; fields.len()];
    let by_name = LazyCell::new(|| -> HashMap<&str, usize> {
        // The first field of a name wins.
        fields.iter().enumerate().rev().map(|(index, field)| (field.name.as_str(), index)).collect()
    });
    for (place, (name, data)) in given.iter().enumerate() {
        let in_order = fields.get(place).filter(|field| field.name == *name).map(|_| place);
        let Some(index) = in_order.or_else(|| by_name.get(name.as_str()).copied()) else {
            return Err(wrong(format!("the fields {}", names()), format!("a field `{}`", shown(name))));
        };
        if std::mem::replace(&mut seen[index], true) {
            return Err(wrong("every field once".to_owned(), format!("`{}` twice", shown(name))));
        }
        let DynField { offset, layout, .. } = fields[index];
        part(layout, false, data, &mut bytes[*offset..][..layout.size], &Way::Field(way, name))?;
    }
    let missing =
        fields.iter().zip(seen).find(|(field, seen)| !seen && (!is_value || !field.is_atomic && !field.is_counter));
    match missing {
        Some((field, _)) => Err(wrong(format!("the fields {}", names()), format!("no `{}`", shown(&field.name)))),
        None => Ok(()),
    }
}

/// Returns the low 64 bits of a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bits above are copies of the sign")]
fn low_bits(number: i128) -> u64 {
    number as u64
}

fn of_integer(layout: &DynLayout, is_signed: bool) -> String {
    let range = range(layout.size, is_signed);
    let but = match layout.kind {
        DynKind::Nonzero { .. } => " but 0",
        DynKind::Optional { .. } => " but 0, or none",
        _ => "",
    };
    format!("an integer from {} to {}{but} ({})", range.start(), range.end(), layout.name)
}

/// Returns the code of a character, if a `char` of this size can hold it: one byte holds Latin-1.
fn character(data: &DynData, size: usize) -> Option<u32> {
    let character = match data {
        DynData::Char(value) => *value,
        DynData::Text(text) => text.chars().next().filter(|first| text.len() == first.len_utf8())?,
        _ => return None,
    };
    (size > 1 || character <= '\u{ff}').then(|| character.into())
}

/// Returns the bits of a number as a float of this size, unless the number is finite and the float would be infinite.
#[expect(clippy::cast_possible_truncation, reason = "numbers are rounded to the nearest float")]
fn float(data: &DynData, size: usize) -> Option<u64> {
    let double = match data {
        // The bits are copied: a conversion could change the payload of a NaN.
        DynData::F32(value) if size == size_of::<f32>() => return Some(value.to_bits().into()),
        DynData::F64(value) if size == size_of::<f64>() => return Some(value.to_bits()),
        DynData::F32(value) if size == half::SIZE && value.is_nan() => return Some(half::nan_to_bits(*value).into()),
        DynData::F32(value) => f64::from(*value),
        DynData::F64(value) => *value,
        DynData::Signed(_) | DynData::Unsigned(_) => whole_number(data.as_i128()?, size)?,
        DynData::Text(text) => match text.as_str() {
            "NaN" => f64::NAN,
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            _ => return None,
        },
        _ => return None,
    };
    match size {
        half::SIZE => return half::to_bits(double).map(u64::from),
        8 => return Some(double.to_bits()),
        _ => {}
    }
    let single = double as f32;
    (single.is_finite() || !double.is_finite()).then(|| single.to_bits().into())
}

/// Returns an integer as a float, if a float of this size holds it exactly.
#[expect(clippy::cast_precision_loss, reason = "numbers that lose digits are refused")]
fn whole_number(number: i128, size: usize) -> Option<f64> {
    let digits = match size {
        half::SIZE => half::MANTISSA_DIGITS,
        4 => f32::MANTISSA_DIGITS,
        _ => f64::MANTISSA_DIGITS,
    };
    let magnitude = number.unsigned_abs();
    let used = u128::BITS - magnitude.leading_zeros() - magnitude.trailing_zeros().min(u128::BITS - 1);
    (magnitude == 0 || used <= digits).then_some(number as f64)
}

/// Returns the bytes that the data stands for: as they are, as numbers, or as hexadecimal digits.
pub(super) fn raw(data: &DynData) -> Option<Vec<u8>> {
    match data {
        DynData::Bytes(bytes) => Some(bytes.clone()),
        DynData::Array(elements) => {
            elements.iter().map(|element| element.as_u64().and_then(|byte| byte.try_into().ok())).collect()
        }
        DynData::Text(text) => {
            let digits = text.as_bytes().chunks(2).map(|pair| {
                let pair = str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
                pair.filter(|pair| pair.len() == 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())
            });
            digits.collect()
        }
        _ => None,
    }
}

/// Describes data for errors.
pub(super) fn found(data: &DynData) -> String {
    match data {
        DynData::Text(text) => format!("the text \"{}\" of {} bytes", shown(text), text.len()),
        DynData::Bytes(bytes) => format!("{} bytes", bytes.len()),
        DynData::Array(elements) => format!("an array of {} elements", elements.len()),
        // JSON gives it no name.
        DynData::Struct { name, .. } if name.is_empty() => "a struct".to_owned(),
        DynData::Struct { name, .. } => format!("a struct `{}`", shown(name)),
        DynData::Enum { variant, number } => format!("the variant `{} = {number}`", shown(variant)),
        DynData::Newtype { inner, .. } => found(inner),
        DynData::Optional(_) => shown(&data.to_string()),
        DynData::Bool(_)
        | DynData::Char(_)
        | DynData::Signed(_)
        | DynData::Unsigned(_)
        | DynData::F32(_)
        | DynData::F64(_) => data.to_string(),
    }
}
