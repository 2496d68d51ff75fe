//! `LockKind`: whose lock guards a value.

/// The kind of a value's own lock.
///
/// ```
/// use shared_value::{LockKind, Synchronized};
///
/// # #[cfg(feature = "pthread")] {
/// let value = Synchronized::<u64>::options().lock_kind(LockKind::Pthread).new(0_u64)?;
/// value.update(|value| *value += 1)?;
/// # }
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LockKind {
    /// This library's lock. It is the fastest one, and safe even if other processes write arbitrary bytes into the memory.
    #[default]
    Native,
    /// A robust, process-shared `pthread_mutex_t`, which C and C++ programs can take too (docs/format.md says where it lies,
    /// and how to change the value under it).
    ///
    /// A program that takes it trusts all processes that may write to the memory, because the C library follows pointers in
    /// it. So a value with such a lock opens only if [`Options::lock_kind`](crate::Options::lock_kind) asks for it.
    /// Processes in different PID namespaces must not share one, because the C library tells owners apart by their thread
    /// ids.
    ///
    /// It needs the feature `pthread` of this crate, which brings in the crate `raw_sync`. A program that is built without
    /// the feature cannot open such a value, not even for reading. It can list and unlink its name.
    #[cfg(feature = "pthread")]
    Pthread,
}
