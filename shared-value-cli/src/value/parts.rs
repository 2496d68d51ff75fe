//! Parts of a value, all of one version.

use std::time::Instant;

use shared_value::{Dyn, DynData, Error, ReadOnly, Synchronized};

/// How often the parts are read before the whole value is.
const TRIES: usize = 100;

/// Returns parts of one version, except atomic fields and counters, and a version from before: a commit during the reads is later.
///
/// # Errors
/// `TimedOut` if writers commit all the time until the deadline.
pub(crate) fn load_parts(
    value: &Synchronized<Dyn, ReadOnly>,
    paths: &[String],
    deadline: Option<Instant>,
) -> Result<(u64, Vec<DynData>), Error> {
    let remaining = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    let mut version = value.version();
    for _ in 0..TRIES {
        let parts = paths.iter().map(|path| value.get(path)).collect::<Result<Vec<_>, _>>()?;
        // One part is of one version anyway.
        if paths.len() <= 1 || value.version() == version {
            return Ok((version, parts));
        }
        if deadline.is_some_and(|deadline| remaining(deadline).is_zero()) {
            break;
        }
        version = value.version();
    }
    // A writer commits all the time: the whole value is of one version.
    let whole = match deadline {
        Some(deadline) => value.load_timeout(remaining(deadline)),
        None => value.load(),
    }?;
    Ok((version, paths.iter().filter_map(|path| whole.part(path).cloned()).collect()))
}
