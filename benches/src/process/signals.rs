//! `Signals`: messages between the processes of one measurement.

use std::time::Duration;

use shared_value::SharedValue;

/// How long a process waits for another one before it gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The name under which a child finds the [`Signals`].
pub(super) const SIGNALS: &str = "BENCHES_SIGNALS";

/// Messages between the processes of one measurement.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Signals {
    /// How many steps all children together have finished.
    #[shared(atomic)]
    pub(super) ready: u64,
    /// How many steps each child may do.
    #[shared(atomic)]
    pub(super) go: u64,
    /// Whether the children must end: not 0.
    #[shared(atomic)]
    pub(super) stop: u64,
}
