//! Waiting for a change in async code, on any runtime.

use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::error::Error;
use crate::handle::shared::Shared;
use crate::handle::wait::{Changes, Versioned};
use crate::lock::{LONGEST_SLEEP, Wait};
use crate::reactor::{Awaited, Registration};

impl<C: Shared + ?Sized, A: Versioned> Changes<C, A> {
    /// Waits as [`next_timeout`](Self::next_timeout) does, but without a timeout, and without blocking the thread.
    ///
    /// It works on any runtime. One thread of this library waits for all tasks of the process; it starts with the first wait,
    /// and ends when no task has waited for a second. If the future is dropped, no change is lost, and nothing of it remains.
    ///
    /// After a `fork`, a future that was waiting in the parent waits in the child only when it is polled again there.
    ///
    /// # Errors
    /// `WaitUnderLock` if this thread holds the lock of the value when the future is polled, by this task or by another one;
    /// `InvalidBits` if another process wrote bytes that are not a `T`; `Retired` if another value has
    /// [replaced](crate::Synchronized::replace) this one; `Io` if the thread that waits cannot be started.
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
        let mut registration = Registration::default();
        poll_fn(|context| self.poll_commit(&mut registration, context)).await?;
        drop(registration);
        // A read-only handle of a large value may try for as long as a writer commits. In between, other tasks run, and the
        // future can be dropped. The time doubles, because a copy may take longer than any limit.
        let mut longest = LONGEST_SLEEP;
        loop {
            match self.take(Wait::at_most(longest)) {
                Err(Error::TimedOut { .. }) => yield_now().await,
                taken => return taken,
            }
            longest = longest.saturating_mul(2);
        }
    }

    /// Returns whether there is something to take, or else lets the waker of the task be called when there may be.
    fn poll_commit(&self, registration: &mut Registration, context: &Context<'_>) -> Poll<Result<(), Error>> {
        let cell = &self.value.cell;
        if cell.version() != self.seen {
            return Poll::Ready(Ok(()));
        }
        if cell.is_held_here() {
            return Poll::Ready(Err(Error::WaitUnderLock { name: self.value.segment_name().to_owned() }));
        }
        registration.renew(cell, Awaited::Commit { seen: self.seen }, A::IS_WOKEN, context.waker())?;
        // This look comes after the announcement: a commit before it is seen here, one after it wakes the reactor.
        if cell.version() != self.seen {
            return Poll::Ready(Ok(()));
        }
        if cell.is_replaced() { Poll::Ready(Err(Error::Retired)) } else { Poll::Pending }
    }
}

/// Lets other tasks run once.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
