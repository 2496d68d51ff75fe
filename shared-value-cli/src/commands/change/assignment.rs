//! `Assignment`: new data for a part of a value.

use shared_value::{DynData, DynGuard, DynLayout, Error};

use crate::failure::{Code, Failure, Result};
use crate::target::{Locking, Step, Whole, Writable, parts};
use crate::value::{bare, parse_data, part_text};

/// A part of a value, and data for it.
pub(super) struct Assignment {
    pub(super) path: String,
    pub(super) data: DynData,
}

/// A path, and text for the part that it names.
pub(super) type Part = (Vec<Step>, String);

/// Reads data for the parts that paths name.
pub(super) fn assignments_of(whole: &impl Whole, prefix: &[Step], texts: &[Part]) -> Result<Vec<Assignment>> {
    let mut found = Vec::new();
    for (steps, text) in texts {
        let steps: Vec<_> = prefix.iter().chain(steps).cloned().collect();
        for path in parts(whole, &steps)? {
            let data = parse_data(whole.layout().part(&path)?.layout(), text);
            found.push(Assignment { path, data });
        }
    }
    Ok(found)
}

/// Checks that all data fits. This comes before the first change, because atomic fields cannot be rolled back.
pub(super) fn expect_fit(layout: &DynLayout, changes: &[Assignment]) -> Result<()> {
    for Assignment { path, data } in changes {
        layout.part(path)?.layout().encode(data).map_err(|error| named(error, path))?;
    }
    Ok(())
}

/// Makes all changes in one commit, if all conditions hold and all data fits.
///
/// # Errors
/// `No` if a condition does not hold. Then nothing was changed.
pub(super) fn change(
    value: &Writable,
    label: &str,
    locking: &Locking,
    conditions: &[Assignment],
    changes: &[Assignment],
) -> Result<()> {
    match value {
        Writable::Unlocked(value) => {
            for Assignment { path, data } in conditions {
                hold_true(&value.get(path)?, value.layout(), path, data)?;
            }
            expect_fit(value.layout(), changes)?;
            for Assignment { path, data } in changes {
                value.set(path, data.clone())?;
            }
            Ok(())
        }
        Writable::Locked(value) => {
            let guard = locking.hold(label, value)?;
            let result = change_held(&guard, conditions, changes);
            if result.is_err() {
                guard.rollback();
            }
            result
        }
    }
}

fn change_held(guard: &DynGuard<'_>, conditions: &[Assignment], changes: &[Assignment]) -> Result<()> {
    for Assignment { path, data } in conditions {
        hold_true(&guard.get(path)?, guard.layout(), path, data)?;
    }
    expect_fit(guard.layout(), changes)?;
    make(guard, changes)
}

/// Makes changes that fit.
pub(super) fn make(guard: &DynGuard<'_>, changes: &[Assignment]) -> Result<()> {
    for Assignment { path, data } in changes {
        guard.set(path, data.clone())?;
    }
    Ok(())
}

/// Checks that a part has an expected value.
pub(super) fn hold_true(found: &DynData, layout: &DynLayout, path: &str, expected: &DynData) -> Result<()> {
    let layout = layout.part(path)?.layout().clone();
    let expected = layout.decode(&layout.encode(expected).map_err(|error| named(error, path))?)?;
    if *found == expected {
        return Ok(());
    }
    let (part, found, expected) = (part_text(path), bare(found), bare(&expected));
    let message = format!("{part} is {found}, not {expected}: nothing was changed");
    Err(Failure::new(Code::No, message))
}

/// Makes the field in an error the path in the value.
pub(super) fn named(error: Error, path: &str) -> Failure {
    match error {
        Error::WrongData { expected, found, .. } if !path.is_empty() => {
            Error::WrongData { field: path.to_owned(), expected, found }.into()
        }
        other => other.into(),
    }
}
