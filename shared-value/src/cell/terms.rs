//! `Terms`: how a segment is created.

use crate::cell::guarding::Guarding;
use crate::lock::LockKind;
use crate::segment::Writers;

/// How a value is created.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The permissions of its file, before the umask is subtracted.
    pub(crate) mode: u32,
    pub(crate) writers: Writers,
    pub(crate) guarding: Guarding,
    /// Whether the name is unlinked when this process drops its last handle.
    pub(crate) unlink_on_drop: bool,
    /// Whether it gets its name at once. Otherwise it takes the place of another value later.
    pub(crate) is_named: bool,
    /// Whether a value without a name gets each page of its memory only when that page is written. A value with a name
    /// always gets all memory at once: `/dev/shm` is limited in size, and a write beyond the limit raises SIGBUS.
    pub(crate) is_sparse: bool,
}

impl Terms {
    /// Returns these terms, for a value that is all zeros.
    pub(crate) fn sparse(&self) -> Self {
        Self { is_sparse: true, ..self.clone() }
    }

    /// Returns the defaults, with this guard.
    pub(crate) fn of(guarding: Guarding) -> Self {
        Self { mode: 0o600, writers: Writers::Any, guarding, unlink_on_drop: false, is_named: true, is_sparse: false }
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::of(Guarding::Own(LockKind::Native))
    }
}
