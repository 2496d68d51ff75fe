//! What an earlier follower has left under a name.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shared_value::{Error, Report, inspect, unlink};

use crate::error::MirrorError;
use crate::message::Position;
use crate::replica::status::{CHANGING, MAKING, MirrorStatus};

/// Where names lie (`shm_overview(7)`).
const NAMED: &str = "/dev/shm";

/// Permissions of a replica: no process writes it by accident.
pub(super) const READ_ONLY: u32 = 0o444;

/// Permissions of a replica while its follower opens it.
const WRITABLE: u32 = 0o644;

/// A replica that an earlier follower has left.
pub(super) struct Kept {
    pub(super) report: Report,
    /// The state that it shows, if that is exact.
    pub(super) position: Position,
    /// Whether it is known to show exactly that state. An arena has no version of its own that would tell.
    pub(super) is_exact: bool,
}

/// Returns the path of a name.
fn path(name: &str) -> PathBuf {
    PathBuf::from(NAMED).join(name)
}

/// Returns the path that the next segment of a replica has until it is complete.
pub(super) fn next(name: &str) -> PathBuf {
    path(&format!(".{name}.mirror-next"))
}

/// Removes what a follower that was killed may have left at that path.
pub(super) fn clear_next(name: &str) -> Result<(), Error> {
    let next = next(name);
    match fs::remove_file(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", &next, error)),
        _ => Ok(()),
    }
}

/// Gives the next segment the name.
pub(super) fn publish_next(name: &str) -> Result<(), Error> {
    let next = next(name);
    // A link, and not a renaming: it fails if the name is taken.
    fs::hard_link(&next, path(name)).map_err(|error| io("name", &next, error))?;
    clear_next(name)
}

/// Finds out what lies under the name; `None` if it is nothing.
///
/// # Errors
/// `NotAReplica` if the status does not say that it is one.
pub(super) fn find(name: &str, status: &MirrorStatus) -> Result<Option<Kept>, MirrorError> {
    let report = match inspect(name) {
        Ok(report) => report,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let is_named = report.identity() == Some(status.replica_identity());
    let is_next = status.phase == MAKING && report.identity() == Some(status.next_replica_identity());
    if !is_named && !is_next {
        return Err(MirrorError::NotAReplica { name: name.to_owned() });
    }
    let version = report.version().unwrap_or_default();
    let (position, is_exact) = match status.phase {
        _ if is_named && version == status.replica_version => (status.position(), true),
        CHANGING if is_named && version == status.replica_version.wrapping_add(1) => (status.next(), true),
        MAKING if is_next => (status.next(), version == 0),
        // Another process has written it.
        _ => (status.position(), false),
    };
    let is_exact = is_exact && !report.is_arena();
    Ok(Some(Kept { report, position, is_exact }))
}

/// Calls `open` while the owner of the replica may write its file: a handle that writes needs that when it is opened.
pub(super) fn with_write_permission<R>(name: &str, open: impl FnOnce() -> Result<R, Error>) -> Result<R, MirrorError> {
    set_mode(name, WRITABLE)?;
    let opened = open();
    set_mode(name, READ_ONLY)?;
    Ok(opened?)
}

/// Unlinks the name, if it leads to this segment.
pub(super) fn unlink_own(name: &str, identity: u128) -> Result<(), MirrorError> {
    match inspect(name) {
        Ok(report) if report.identity() == Some(identity) => {
            // With permission to write, the old segment is told that its name is gone.
            set_mode(name, WRITABLE)?;
            Ok(unlink(name)?)
        }
        Ok(_) => Err(MirrorError::NotAReplica { name: name.to_owned() }),
        Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn set_mode(name: &str, mode: u32) -> Result<(), Error> {
    let path = path(name);
    fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(|error| io("set the permissions of", &path, error))
}

fn io(what: &str, path: &Path, source: io::Error) -> Error {
    Error::Io { operation: format!("{what} `{}`", path.display()), source }
}
