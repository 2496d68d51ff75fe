//! Waiting for a change in async code, on a tokio runtime.

use crate::error::Error;
use crate::handle::shared::Shared;
use crate::handle::wait::{Changes, Versioned};
use crate::lock::{LONGEST_SLEEP, Refusal, Wait};

impl<C: Shared + ?Sized, A: Versioned> Changes<C, A> {
    /// Waits on a tokio runtime, as [`next_timeout`](Self::next_timeout) does, but without a timeout.
    ///
    /// It waits in a thread of the runtime's pool for blocking work. If the future is dropped, no change is lost, and the
    /// thread is free again after 50 milliseconds at most.
    ///
    /// # Errors
    /// `WaitUnderLock` if this thread holds the lock of the value, by this task or by another one; `InvalidBits` if another process
    /// wrote bytes that are not a `T`; `Retired` if another value has [replaced](crate::Synchronized::replace) this one; `Io` if the
    /// runtime shuts down.
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
        let under_lock = || Error::WaitUnderLock { name: self.value.segment_name().to_owned() };
        while self.value.version() == self.seen {
            if self.value.cell.is_held_here() {
                return Err(under_lock());
            }
            let (cell, seen) = (self.value.cell.clone(), self.seen);
            let slept = tokio::task::spawn_blocking(move || A::sleep(&cell, seen, Wait::at_most(LONGEST_SLEEP)))
                .await
                .map_err(|error| Error::io("wait in the runtime", std::io::Error::other(error)))?;
            // However else the sleep ends, the version tells whether to go on.
            match slept {
                Err(Refusal::AlreadyHeld) => return Err(under_lock()),
                Err(Refusal::Retired) => return Err(Error::Retired),
                _ => {}
            }
        }
        // A read-only handle of a large value may try for as long as a writer commits. In between, other tasks run, and the
        // future can be dropped. The time doubles, because a copy may take longer than any limit.
        let mut longest = LONGEST_SLEEP;
        loop {
            match self.take(Wait::at_most(longest)) {
                Err(Error::TimedOut { .. }) => tokio::task::yield_now().await,
                taken => return taken,
            }
            longest = longest.saturating_mul(2);
        }
    }
}
