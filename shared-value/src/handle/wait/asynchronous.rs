//! Waiting for a change in async code, on a tokio runtime.

use crate::error::Error;
use crate::handle::shared::Shared;
use crate::handle::wait::{Changes, Versioned};
use crate::lock::{LONGEST_SLEEP, Wait};

impl<C: Shared + ?Sized, A: Versioned> Changes<C, A> {
    /// Waits on a tokio runtime, as [`next_timeout`](Self::next_timeout) does, but without a timeout.
    ///
    /// It waits in a thread of the runtime's pool for blocking work. If the future is dropped, no change is lost, and the
    /// thread is free again after 50 milliseconds at most.
    ///
    /// # Errors
    /// `WaitUnderLock` if this thread holds the lock of the value, by this task or by another one; `InvalidBits` if another process wrote bytes that are not a `T`; `Io` if the runtime shuts down.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let value = Synchronized::new(0_u32)?;
    /// let mut changes = value.changes();
    /// value.set(1)?;
    /// assert_eq!(changes.changed().await?, 1);
    /// # Ok::<(), shared_value::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn changed(&mut self) -> Result<C::Owned, Error> {
        while self.value.version() == self.seen {
            if self.value.cell.is_held_here() {
                return Err(Error::WaitUnderLock { name: self.value.segment_name().to_owned() });
            }
            let (cell, seen) = (self.value.cell.clone(), self.seen);
            // However the sleep ends, the version tells whether to go on.
            let _ = tokio::task::spawn_blocking(move || A::sleep(&cell, seen, Wait::at_most(LONGEST_SLEEP)))
                .await
                .map_err(|error| Error::io("wait in the runtime", std::io::Error::other(error)))?;
        }
        self.take(Wait::Forever)
    }
}
