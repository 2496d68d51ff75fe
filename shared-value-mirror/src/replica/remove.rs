//! Removes a replica.

use shared_value::{Error, Synchronized};

use crate::error::MirrorError;
use crate::replica::kept;
use crate::replica::status::{MirrorStatus, StatusFile, name_of};

/// Removes a replica and its status. Programs that have the replica open keep its last state.
///
/// # Errors
/// `NotAReplica` if the name has no status, `AlreadyFollowed` if a follower holds the replica.
pub fn remove(replica: &str) -> Result<(), MirrorError> {
    let status = Synchronized::<MirrorStatus>::open(&*name_of(replica));
    if matches!(status, Err(Error::NotFound { .. })) {
        return Err(MirrorError::NotAReplica { name: replica.to_owned() });
    }
    let file = StatusFile::open(replica)?;
    kept::clear_next(replica)?;
    match kept::find(replica, &file.status) {
        Ok(Some(kept)) => kept::unlink_own(replica, kept.report.identity().unwrap_or_default())?,
        // A value that is not a replica stays.
        Ok(None) | Err(MirrorError::NotAReplica { .. }) => {}
        Err(error) => return Err(error),
    }
    file.value.unlink()?;
    Ok(())
}
