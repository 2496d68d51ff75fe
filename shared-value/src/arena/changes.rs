//! `ArenaChanges`: waits for changes of the values of an arena, whose keys fit a pattern.
//!
//! A waiter announces itself in the directory, then in each value (`protocol/event.rs`), looks at all of them, and sleeps on the
//! event word of the directory. A thread that commits one of the values finds the waiter there, and only then looks whether
//! threads wait for the arena too (`lock/signals.rs`). A thread that adds or removes values wakes the sleepers of the directory,
//! as after any commit. If a thread is killed before that, the waiter sees the change when it looks the next time: after 50 ms at
//! most.
//!
//! Versions tell which values have changed. The keys are listed again only if the version of the directory has changed: it is
//! committed before each change of the keys.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::arena::change::ArenaChange;
use crate::arena::map::Arena;
use crate::arena::pattern::Pattern;
use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::handle::access::ReadWrite;
use crate::handle::wait::{Versioned, at_most};
use crate::heap::{self, BlockId, Trailer};
use crate::hold::backoff::Backoff;
use crate::lock::{LockState, Wait, interruption, wakeup};
use crate::protocol::atomics::{Ordering, fence};
use crate::protocol::event;
use crate::reactor::{Awaited, Registration};

/// Waits for changes of an arena, one after another. Returned by [`Arena::changes`].
///
/// It has handles of all values whose keys fit the pattern, so the space of a removed value is used again only after this has
/// been asked for changes once more, or is dropped. As an iterator it never ends.
#[derive(Debug)]
#[must_use = "it waits only when it is asked for a change"]
pub struct ArenaChanges<A: Versioned = ReadWrite> {
    arena: Arena<A>,
    pattern: Pattern,
    values: HashMap<String, Value>,
    /// Changes that were seen, but not returned yet.
    seen: VecDeque<ArenaChange>,
    /// The version of the directory at which the keys were listed; `None` if another thread was changing them meanwhile.
    listed: Option<u64>,
    /// The event word of the directory after the last announcement.
    announced: Option<u64>,
}

/// A value whose key fits.
#[derive(Debug)]
struct Value {
    cell: Cell<Untyped>,
    /// The last version that was returned.
    version: u64,
    /// The event word after the last announcement.
    announced: Option<u64>,
}

impl Value {
    /// Announces a waiter in the value, unless that was done and not taken back since.
    fn announce(&mut self) {
        let event = self.cell.event();
        if self.announced.is_none_or(|announced| !event::is_announced(event, announced)) {
            self.announced = Some(event::announce(event));
            self.cell.call_back();
        } else if !self.cell.is_called_back() {
            // The thread that has released the lock may have died before it looked at the event word.
            self.cell.call_back();
        }
    }
}

/// Waiting for changes.
impl<A: Versioned> Arena<A> {
    /// Returns the changes from now on of all values whose keys fit the pattern: which key was added, changed or removed. In the
    /// pattern, `*` stands for any characters, also none, and `?` for one.
    ///
    /// No change is lost. Several changes of a key between two calls count as one, which says what is different now: a value that
    /// was added and removed again is not reported, and one that was replaced is reported as added. A change may be reported once
    /// more than it was made. Changes of different keys come in any order. A program that mirrors the values forgets those that
    /// are reported as removed, even if their keys are there again: then a later change says so. Values without a key,
    /// [live](crate::Live) values, and `#[shared(atomic)]` fields, are not watched.
    ///
    /// Writers pay nothing until a thread or a task waits; then the next commit of each value makes up to three system calls.
    /// `changes`, and each wait after keys were added or removed, looks at all values of the arena; each other wait looks at the
    /// versions of the values whose keys fit. So if many values change all the time, let some time pass between two waits: both
    /// sides then work less. If a writer is killed between its commit and the wake-up, the waiter sees the change at most 50 ms
    /// later. A handle that only reads cannot ask to be woken: it looks every few milliseconds, and in a task every 50.
    ///
    /// # Errors
    /// `InvalidSegment` if another process overwrote the description of a value; `Io` if a process that may only read has no
    /// descriptor left.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Arena, ArenaChange, Error};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let requests = arena.insert("http.requests", 0_u64)?;
    /// let other = arena.insert("tcp.connections", 0_u64)?;
    /// let mut changes = arena.changes("http.*")?;
    ///
    /// other.set(1)?;
    /// requests.set(1)?;
    /// requests.set(2)?;
    /// let change = changes.next_timeout(Duration::from_secs(10))?;
    /// assert_eq!(change, ArenaChange::Changed { key: "http.requests".to_owned() });
    ///
    /// arena.insert("http.errors", 0_u64)?;
    /// assert_eq!(changes.next_timeout(Duration::from_secs(10))?.key(), "http.errors");
    /// let none = changes.next_timeout(Duration::from_millis(1));
    /// assert!(matches!(none, Err(Error::TimedOut { .. })));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn changes(&self, pattern: &str) -> Result<ArenaChanges<A>, Error> {
        let mut changes = ArenaChanges {
            arena: self.clone(),
            pattern: Pattern::new(pattern),
            values: HashMap::new(),
            seen: VecDeque::new(),
            listed: None,
            announced: None,
        };
        changes.list()?;
        changes.seen.clear();
        Ok(changes)
    }
}

impl<A: Versioned> ArenaChanges<A> {
    /// Waits for a change after the last call, or after `changes`.
    ///
    /// If this thread holds the lock of one of the values, that value cannot change; this is not an error, because others can.
    ///
    /// # Errors
    /// `TimedOut` if nothing changed before the timeout; `Interrupted` if [`interruptible`](crate::interruptible) ends the wait;
    /// and the errors of [`Arena::changes`].
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<ArenaChange, Error> {
        self.wait(at_most(timeout))
    }

    /// Waits as [`next_timeout`](Self::next_timeout) does, but without a timeout, and without blocking the thread. It works on
    /// any runtime. If the future is dropped, no change is lost.
    ///
    /// # Errors
    /// `Io` if the thread that waits for all tasks cannot be started, and the errors of [`Arena::changes`].
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let arena = Arena::new(1 << 20)?;
    /// let mut changes = arena.changes("http.*")?;
    /// arena.insert("http.requests", 0_u64)?;
    /// assert_eq!(changes.changed().await?.key(), "http.requests");
    /// # Ok::<(), shared_value::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn changed(&mut self) -> Result<ArenaChange, Error> {
        let mut registration = Registration::default();
        poll_fn(|context| self.poll_change(&mut registration, context)).await
    }

    fn poll_change(
        &mut self,
        registration: &mut Registration,
        context: &Context<'_>,
    ) -> Poll<Result<ArenaChange, Error>> {
        let is_announced = self.is_announced();
        if let Some(change) = self.look(is_announced)? {
            return Poll::Ready(Ok(change));
        }
        registration.renew(&self.arena.directory, Awaited::Event, A::IS_WOKEN, context.waker())?;
        if !A::IS_WOKEN || is_announced {
            return Poll::Pending;
        }
        self.announce();
        self.look(true)?.map_or(Poll::Pending, |change| Poll::Ready(Ok(change)))
    }

    fn wait(&mut self, wait: Wait) -> Result<ArenaChange, Error> {
        let mut pauses = Backoff::new(Duration::from_micros(20), Duration::from_millis(5));
        loop {
            let is_announced = self.is_announced();
            if let Some(change) = self.look(is_announced)? {
                return Ok(change);
            }
            let awaited = || format!("a change in `{}`", self.arena.segment_name());
            let timeout = wait.remaining().ok_or_else(|| Error::TimedOut { awaited: awaited() })?;
            if interruption::take() {
                return Err(Error::Interrupted { awaited: awaited() });
            }
            if !A::IS_WOKEN {
                pauses.sleep_at_most(timeout);
                continue;
            }
            if !is_announced {
                self.announce();
                if let Some(change) = self.look(true)? {
                    return Ok(change);
                }
            }
            if let Some(announced) = self.announced {
                wakeup::sleep(self.arena.directory.event(), announced, timeout);
            }
        }
    }

    /// Returns whether this waiter is announced in the directory, and no thread has taken that back. Then one look is enough.
    fn is_announced(&self) -> bool {
        let event = self.arena.directory.event();
        A::IS_WOKEN && self.announced.is_some_and(|announced| event::is_announced(event, announced))
    }

    /// Announces this waiter in the directory. Afterwards it is announced in the values, which are looked at.
    fn announce(&mut self) {
        let directory = &self.arena.directory;
        self.announced = Some(event::announce(directory.event()));
        directory.call_back();
        event::order();
    }

    /// Returns the next change, if there is one. `is_announced` says that this waiter is announced in the directory, and is to be
    /// announced in the values before it looks at them.
    fn look(&mut self, is_announced: bool) -> Result<Option<ArenaChange>, Error> {
        // A forked child that only waits must not keep the space of removed values.
        self.arena.end_pin();
        if self.seen.is_empty() {
            if is_announced && !self.arena.directory.is_called_back() {
                // The thread that has released the lock may have died before it looked at the event word.
                self.arena.directory.call_back();
            }
            self.list()?;
            for (key, value) in &mut self.values {
                if is_announced {
                    value.announce();
                }
                if value.cell.version() != value.version {
                    self.seen.push_back(ArenaChange::Changed { key: key.clone() });
                }
            }
        }
        let change = self.seen.pop_front();
        // From here on, not from when the change was seen: the program reads the value after this.
        if let Some(ArenaChange::Changed { key }) = &change
            && let Some(value) = self.values.get_mut(key)
        {
            value.version = value.cell.version();
        }
        Ok(change)
    }

    /// Lists the keys that fit, if keys may have been added or removed since they were listed.
    fn list(&mut self) -> Result<(), Error> {
        let directory = &self.arena.directory;
        let version = directory.version();
        if self.listed == Some(version) {
            return Ok(());
        }
        // The version is committed before a change, which ends before the lock is released. So if the lock is free after the
        // version was loaded, all changes up to this version can be seen; and if the version is the same after the keys were
        // listed, none was made meanwhile.
        let is_free = directory.lock_state() == LockState::Free;
        // Acquire: pairs with the release of the lock.
        fence(Ordering::Acquire);
        let found = self.found();
        // Acquire: the blocks were looked at before.
        fence(Ordering::Acquire);
        let is_whole = is_free && self.arena.directory.version() == version;
        self.listed = is_whole.then_some(version);
        self.compare(found)
    }

    /// Returns the values whose keys fit. While a value replaces another one, both may be found: then the one that is known.
    fn found(&self) -> HashMap<String, Trailer> {
        let heap = self.arena.heap();
        let mut found = HashMap::new();
        // A value with one slot has no versions.
        for block in self.arena.present_blocks().filter(|block| !block.extent.is_one_slot()) {
            let Some(key) = heap.key(&block).filter(|key| self.pattern.fits(key)) else { continue };
            // The space may have been used again while the key was copied.
            if !heap.is_still_read(&block) {
                continue;
            }
            let number = BlockId::of(heap, &block).to_bits();
            let is_known = self.values.get(&key).is_some_and(|value| value.cell.number() == number);
            if is_known || !found.contains_key(&key) {
                found.insert(key, block);
            }
        }
        found
    }

    /// Notes what was added and what was removed.
    fn compare(&mut self, mut found: HashMap<String, Trailer>) -> Result<(), Error> {
        let (heap, seen) = (self.arena.heap(), &mut self.seen);
        let mut replaced = HashSet::new();
        self.values.retain(|key, value| {
            let number = BlockId::from_bits(value.cell.number());
            let is_there = match found.get(key) {
                Some(block) => {
                    let is_known = BlockId::of(heap, block).to_bits() == value.cell.number();
                    if is_known {
                        found.remove(key);
                    }
                    is_known
                }
                // If keys were changed meanwhile, the value may have been passed over.
                None => heap::find_at(heap, number).is_some(),
            };
            if !is_there && found.contains_key(key) {
                replaced.insert(key.clone());
            } else if !is_there {
                seen.push_back(ArenaChange::Removed { key: key.clone() });
            }
            is_there
        });
        for (key, block) in found {
            if let Some(cell) = heap::untyped_cell_of(self.arena.segment(), &block)? {
                let version = cell.version();
                self.values.insert(key.clone(), Value { cell, version, announced: None });
                self.seen.push_back(ArenaChange::Added { key });
            } else {
                // It was removed since it was found.
                self.listed = None;
                if replaced.contains(&key) {
                    self.seen.push_back(ArenaChange::Removed { key });
                }
            }
        }
        Ok(())
    }
}

impl<A: Versioned> Iterator for ArenaChanges<A> {
    type Item = Result<ArenaChange, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.wait(Wait::Forever))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::atomics::Ordering::Relaxed;

    /// A thread that dies between the release of the lock and its look at the event word has already cleared the waiters bit. If
    /// the bit were not set again, no later release would look, and the waiter would learn of each later change only when it
    /// looks by itself.
    #[test]
    fn a_waiters_bit_that_a_dead_thread_has_cleared_is_set_again() {
        let arena = Arena::new(1 << 16).expect("there is memory");
        let value = arena.insert("key", 0_u64).expect("there is room");
        let mut changes = arena.changes("*").expect("the arena is whole");
        assert_eq!(changes.look(true).expect("the arena is whole"), None);
        assert!(value.cell.is_called_back());
        let announced = value.cell.event().load(Relaxed);
        drop(value.lock().expect("it is free"));
        // As if the thread had died before it counted.
        value.cell.event().store(announced, Relaxed);
        assert!(!value.cell.is_called_back());
        assert_eq!(changes.look(true).expect("the arena is whole"), None);
        assert!(value.cell.is_called_back());
    }
    /// A program that mirrors the arena would keep the key forever.
    #[test]
    fn a_value_that_is_replaced_and_removed_during_a_look_is_reported() {
        let arena = Arena::new(1 << 16).expect("there is memory");
        arena.insert("key", 0_u64).expect("there is room");
        let mut changes = arena.changes("*").expect("the arena is whole");
        arena.replace("key", 1_u64).expect("there is room");
        let found = changes.found();
        arena.remove("key").expect("the arena is whole");
        changes.compare(found).expect("the arena is whole");
        assert_eq!(changes.seen, [ArenaChange::Removed { key: "key".to_owned() }]);
        changes.seen.clear();
        assert_eq!(changes.look(false).expect("the arena is whole"), None);
    }
}
