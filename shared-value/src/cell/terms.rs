//! `Terms`: how a segment is created.

use crate::cell::guarding::Guarding;
use crate::lock::LockKind;
use crate::segment::Writers;

/// How a value is created.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The permissions of its file, less what the umask forbids.
    pub(crate) mode: u32,
    pub(crate) writers: Writers,
    pub(crate) guarding: Guarding,
    /// Whether its name goes with the last handle of this process.
    pub(crate) unlink_on_drop: bool,
    /// Whether a value without a name takes memory only where it is written. With a name it takes all at once, because the
    /// memory for names is limited, and whoever writes more than there is gets a SIGBUS.
    pub(crate) is_sparse: bool,
}

impl Terms {
    /// The same, for a value that is all zeros.
    pub(crate) fn sparse(&self) -> Self {
        Self { is_sparse: true, ..self.clone() }
    }

    /// For this user, with nothing special but what guards it.
    pub(crate) fn of(guarding: Guarding) -> Self {
        Self { mode: 0o600, writers: Writers::Any, guarding, unlink_on_drop: false, is_sparse: false }
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::of(Guarding::Own(LockKind::Native))
    }
}
