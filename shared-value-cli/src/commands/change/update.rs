//! `add` and `compare-and-set`: changes of one part that depend on its old value.

use clap::Args;
use shared_value::{DynData, DynPart};

use crate::commands::change::assignment::named;
use crate::commands::change::lock::LockArguments;
use crate::commands::change::opened::one_part;
use crate::commands::change::sum::sum_of;
use crate::failure::{Failure, Result};
use crate::output::{Output, escaped};
use crate::target::{Locking, Writable};
use crate::value::{bare, parse_data};

/// Replace one part if it has an expected value; otherwise print what it has, and exit with code 1
#[derive(Debug, Args)]
pub(crate) struct CompareAndSet {
    /// The value
    name: String,
    /// The part
    path: String,
    /// The value that it must have
    #[arg(allow_hyphen_values = true)]
    expected: String,
    /// The value that it gets
    #[arg(allow_hyphen_values = true)]
    new: String,
    #[command(flatten)]
    lock: LockArguments,
}

/// Add to a number, and print the sum
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The value
    name: String,
    /// The part: an integer or a float. An atomic field or a counter is changed without the lock
    path: String,
    /// How much to add
    #[arg(allow_hyphen_values = true)]
    number: String,
    #[command(flatten)]
    lock: LockArguments,
}

pub(crate) fn compare_and_set(arguments: &CompareAndSet, output: &mut Output) -> Result<()> {
    let CompareAndSet { name, path, expected, new, lock } = arguments;
    let (value, path) = one_part(name, path, &lock.locking())?;
    let layout = value.layout().part(&path)?;
    let [expected, new] = [expected, new].map(|text| parse_data(layout.layout(), text));
    let kind = layout.layout().clone();
    let expected = kind.decode(&kind.encode(&expected).map_err(|error| named(error, &path))?)?;
    kind.encode(&new).map_err(|error| named(error, &path))?;
    let swap = |data: &mut DynData| {
        if *data == expected {
            *data = new.clone();
            return None;
        }
        Some(data.clone())
    };
    match update(&value, name, &path, &lock.locking(), swap)? {
        None => Ok(()),
        Some(found) => {
            output.line(&escaped(&bare(&found)))?;
            Err(Failure::no())
        }
    }
}

pub(crate) fn add(Add { name, path, number, lock }: &Add, output: &mut Output) -> Result<()> {
    let (value, path) = one_part(name, path, &lock.locking())?;
    let mut sum = Err(Failure::usage(format!("`{number}` is not a number")));
    update(&value, name, &path, &lock.locking(), |data| {
        sum = sum_of(data, number, &path).inspect(|sum| *data = sum.clone());
    })?;
    output.line(&bare(&sum?))
}

/// Returns whether a part changes without a commit.
fn is_outside(part: &DynPart<'_>) -> bool {
    part.is_atomic() || part.is_counter()
}

/// Lets the closure change one part, and commits if it does.
fn update<R>(
    value: &Writable,
    label: &str,
    path: &str,
    locking: &Locking,
    mut change: impl FnMut(&mut DynData) -> R,
) -> Result<R> {
    match value {
        Writable::Unlocked(value) => Ok(value.update(path, change)?),
        // It is changed by one atomic operation, or by an addition to a counter.
        Writable::Locked(value) if is_outside(&value.layout().part(path)?) => Ok(value.update(path, change)?),
        Writable::Locked(value) => {
            let guard = locking.hold(label, value)?;
            let mut data = guard.get(path)?;
            let before = data.clone();
            let result = change(&mut data);
            // An unchanged value needs no commit.
            if data != before {
                guard.set(path, data).map_err(|error| named(error, path)).inspect_err(|_| guard.rollback())?;
            }
            Ok(result)
        }
    }
}
