//! Sums of numbers that fit into a part.

use shared_value::DynData;

use crate::failure::{Failure, Result};
use crate::value::{bare, part_text};

/// Returns the sum of a number and a number as text.
pub(super) fn sum_of(data: &DynData, number: &str, path: &str) -> Result<DynData> {
    let part = part_text(path);
    let invalid = || Failure::usage(format!("`{number}` is not a number that can be added to {part}"));
    let overflow = || Failure::unfit(format!("the sum of {part}, which is {}, and {number} does not fit", bare(data)));
    match data {
        DynData::Newtype { name, inner } => {
            let inner = Box::new(sum_of(inner, number, path)?);
            Ok(DynData::Newtype { name: name.clone(), inner })
        }
        DynData::Signed(value) => {
            let number: i128 = number.parse().map_err(|_| invalid())?;
            let sum = i128::from(*value).checked_add(number).and_then(|sum| i64::try_from(sum).ok());
            sum.map(DynData::Signed).ok_or_else(overflow)
        }
        DynData::Unsigned(value) => {
            let number: i128 = number.parse().map_err(|_| invalid())?;
            let sum = i128::from(*value).checked_add(number).and_then(|sum| u64::try_from(sum).ok());
            sum.map(DynData::Unsigned).ok_or_else(overflow)
        }
        DynData::F32(value) => number.parse().map(|number: f32| DynData::F32(value + number)).map_err(|_| invalid()),
        DynData::F64(value) => number.parse().map(|number: f64| DynData::F64(value + number)).map_err(|_| invalid()),
        _ => Err(Failure::unfit(format!("{part} is not a number: it is {}", bare(data)))),
    }
}
