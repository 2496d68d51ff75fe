//! `State`: all registrations of the process, under a lock.
#![allow(unsafe_code)]

use std::mem;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Once};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::lock::LONGEST_SLEEP;
use crate::reactor::waiter::{Looked, Waiter};
use crate::reactor::words::{Took, Words};
use crate::sys::fork::{self, ForkMutex};
use crate::sys::futex::Several;

/// How often the reactor looks at values whose event words it cannot sleep on.
pub(super) const POLL: Duration = Duration::from_millis(2);

/// How long the reactor stays when no task waits.
const IDLE: Duration = Duration::from_secs(1);

/// How many tasks are woken before the registrations are unlocked.
const BATCH: usize = 64;

/// A registration.
#[derive(Debug)]
pub(super) struct Entry {
    waiter: Arc<Waiter>,
    waker: Waker,
    /// The event word after the announcement.
    announced: u64,
    /// When the task has asked whether the value was replaced, for which the reactor makes no system calls.
    asked: Instant,
    /// The generation of the process in which the task has registered.
    generation: u64,
}

impl Entry {
    pub(super) fn new(waiter: Arc<Waiter>, waker: Waker, announced: u64) -> Self {
        Self { waiter, waker, announced, asked: Instant::now(), generation: 0 }
    }
}

/// How a registration was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The reactor will notice the change.
    Watched,
    /// The reactor sleeps, and does not know the word.
    Unwatched,
    /// There is no reactor. The caller starts it.
    First,
}

/// The next step of the reactor, after it has looked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Look at the registrations before this one.
    LookBefore(usize),
    Sleep {
        most: Duration,
    },
    /// End: no task has waited for a while.
    End,
}

/// Wakers to call when the registrations are unlocked.
#[derive(Debug)]
pub(super) struct Ready {
    wakers: [Option<Waker>; BATCH],
    count: usize,
}

impl Ready {
    pub(super) const fn new() -> Self {
        Self { wakers: [const { None }; BATCH], count: 0 }
    }

    fn push(&mut self, waker: Waker) {
        if let Some(place) = self.wakers.get_mut(self.count) {
            *place = Some(waker);
            self.count += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn is_full(&self) -> bool {
        self.count == BATCH
    }

    pub(super) fn into_wakers(self) -> impl Iterator<Item = Waker> {
        self.wakers.into_iter().flatten()
    }
}

/// The present step of the reactor's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    /// There is no thread.
    Absent,
    /// It looks at the registrations, or is about to do so.
    Looks,
    /// It sleeps, or is about to do so.
    Sleeps,
}

#[derive(Debug)]
pub(super) struct State {
    entries: Vec<Entry>,
    /// The words that the reactor sleeps on, or is going to.
    words: Words,
    /// Whether there are registrations whose words the reactor cannot sleep on.
    is_polling: bool,
    /// Whether there is a registration that the reactor has to look at before it sleeps.
    is_stale: bool,
    thread: Activity,
    /// How many forks led to this process. The reactor calls no waker from before the fork: a lock in its runtime may belong to a
    /// thread that does not exist here.
    generation: u64,
}

static STATE: ForkMutex<State> = ForkMutex::new(State::new());

/// Runs `work` while the registrations are locked. It must neither allocate nor free memory, nor call or drop a waker, nor make
/// system calls that may wait: what it removes, it returns.
pub(super) fn with<R>(work: impl FnOnce(&mut State) -> R) -> R {
    work(&mut STATE.lock())
}

/// Installs the hooks that hold the lock across every `fork`.
pub(crate) fn set_up() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // If there is no memory for the hooks, `fork` is not safe, but everything else works.
        let _ = fork::register(before_fork, after_fork, after_fork_in_child);
    });
}

extern "C" fn before_fork() {
    STATE.before_fork();
}

extern "C" fn after_fork() {
    // SAFETY: the C library runs this hook in the thread that has run `before_fork`.
    drop(unsafe { STATE.after_fork() });
}

extern "C" fn after_fork_in_child() {
    // SAFETY: the C library runs this hook in the copy of the thread that has run `before_fork`.
    if let Some(mut state) = unsafe { STATE.after_fork() } {
        state.become_child();
    }
}

/// Adds a registration, or renews it.
///
/// # Errors
/// `Io` if there is no memory.
pub(super) fn add(entry: Entry) -> Result<Added, Error> {
    set_up();
    let (mut entry, mut spare) = (Some(entry), Vec::new());
    loop {
        // The older registration is dropped here, after the registrations are unlocked.
        let (added, _replaced) = with(|state| state.add(&mut entry, &mut spare));
        match added {
            Ok(added) => return Ok(added),
            Err(Full { size }) => {
                let error = |error| Error::io("wait for a change", std::io::Error::other(error));
                spare = Vec::new();
                spare.try_reserve_exact(2 * size + 16).map_err(error)?;
            }
        }
    }
}

/// There is no room for a further registration.
struct Full {
    size: usize,
}

impl State {
    const fn new() -> Self {
        Self {
            entries: Vec::new(),
            words: Words::new(),
            is_polling: false,
            is_stale: false,
            thread: Activity::Absent,
            generation: 0,
        }
    }

    /// Adds `entry`, or puts it in the place of an older one of the same task, which is returned. Returns `Full` if there is no
    /// room, also in `spare`.
    fn add(&mut self, entry: &mut Option<Entry>, spare: &mut Vec<Entry>) -> (Result<Added, Full>, Option<Entry>) {
        let Some(mut added) = entry.take() else { return (Ok(Added::Watched), None) };
        added.generation = self.generation;
        let word = added.waiter.word(added.announced);
        let replaced = if let Some(place) = self.place_of(&added.waiter) {
            Some(mem::replace(&mut self.entries[place], added))
        } else {
            let size = self.entries.len();
            if size == self.entries.capacity() {
                if spare.capacity() <= size {
                    *entry = Some(added);
                    return (Err(Full { size }), None);
                }
                spare.append(&mut self.entries);
                mem::swap(spare, &mut self.entries);
            }
            added.waiter.place.store(size, Relaxed);
            self.entries.push(added);
            None
        };
        if self.thread == Activity::Absent {
            self.thread = Activity::Looks;
            return (Ok(Added::First), replaced);
        }
        let is_watched = match word {
            Some(word) => self.words.contains(word) || self.is_polling && self.words.is_full(),
            None => self.is_polling,
        };
        if is_watched {
            return (Ok(Added::Watched), replaced);
        }
        self.is_stale = true;
        let before = mem::replace(&mut self.thread, Activity::Looks);
        (Ok(if before == Activity::Sleeps { Added::Unwatched } else { Added::Watched }), replaced)
    }

    /// Removes a registration. The caller drops it, and the memory that is not needed any more.
    pub(super) fn remove(&mut self, waiter: &Arc<Waiter>) -> (Option<Entry>, Vec<Entry>) {
        let removed = self.place_of(waiter).map(|place| self.take(place));
        // The value may be unmapped now, and another one mapped there, while the reactor still sleeps on the word of this one.
        if let Some(word) = removed.as_ref().and_then(|entry| entry.waiter.word(entry.announced)) {
            self.words.forget(word.address);
        }
        (removed, self.take_room())
    }

    /// Returns where the registration of a waiter lies.
    fn place_of(&self, waiter: &Arc<Waiter>) -> Option<usize> {
        let place = waiter.place.load(Relaxed);
        self.entries.get(place).filter(|entry| Arc::ptr_eq(&entry.waiter, waiter)).map(|_| place)
    }

    /// Removes the registration at a place. The last one moves there.
    fn take(&mut self, place: usize) -> Entry {
        let removed = self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            moved.waiter.place.store(place, Relaxed);
        }
        removed
    }

    /// Returns the memory for registrations if no task waits.
    fn take_room(&mut self) -> Vec<Entry> {
        if self.entries.is_empty() { mem::take(&mut self.entries) } else { Vec::new() }
    }

    /// Looks at the registrations before a place, the last one first. `usize::MAX` begins.
    ///
    /// If there is nothing more to look at, `several` gets the words to sleep on. `is_idle` says that no task has waited for as
    /// long as the reactor stays.
    pub(super) fn look(&mut self, before: usize, is_idle: bool, ready: &mut Ready, several: &mut Several) -> Next {
        if before == usize::MAX {
            self.words.clear();
            (self.is_stale, self.is_polling) = (false, false);
            self.thread = Activity::Looks;
        }
        let mut place = before.min(self.entries.len());
        while let Some(next) = place.checked_sub(1) {
            if ready.is_full() {
                return Next::LookBefore(place);
            }
            place = next;
            let entry = &mut self.entries[place];
            if entry.generation != self.generation {
                continue;
            }
            let is_ready = match entry.waiter.look(&mut entry.announced) {
                Looked::Unchanged => false,
                Looked::Ready => true,
                Looked::Unclear => entry.asked.elapsed() >= LONGEST_SLEEP,
            };
            if is_ready {
                // The task keeps a reference to the waiter, so nothing is freed here.
                let Entry { waker, .. } = self.take(place);
                ready.push(waker);
                continue;
            }
            match entry.waiter.word(entry.announced).map(|word| self.words.add(word)) {
                Some(Took::Taken) => {}
                Some(Took::Changed) => self.is_stale = true,
                Some(Took::Full) | None => self.is_polling = true,
            }
        }
        if self.is_stale {
            return Next::LookBefore(usize::MAX);
        }
        let is_empty = !self.is_polling && self.words.is_empty();
        if is_empty && is_idle {
            self.thread = Activity::Absent;
            return Next::End;
        }
        several.clear();
        self.words.iter().for_each(|word| several.push(word.address, word.expected));
        self.thread = Activity::Sleeps;
        let most = if is_empty { IDLE } else { LONGEST_SLEEP };
        Next::Sleep { most: if self.is_polling { POLL } else { most } }
    }

    /// Takes registrations out because there is no reactor. Returns whether to go on: there are more, and no other task has started
    /// a reactor since the first call.
    pub(super) fn give_up(&mut self, is_first: bool, ready: &mut Ready) -> bool {
        if is_first {
            self.thread = Activity::Absent;
        } else if self.thread != Activity::Absent {
            return false;
        }
        for place in (0..self.entries.len()).rev() {
            if self.entries[place].generation != self.generation {
                continue;
            }
            if ready.is_full() {
                return true;
            }
            // The task keeps a reference to the waiter, so nothing is freed here.
            let Entry { waker, .. } = self.take(place);
            ready.push(waker);
        }
        false
    }

    /// Begins again in a forked child, which has the registrations of its parent, but not the reactor.
    fn become_child(&mut self) {
        self.generation += 1;
        self.thread = Activity::Absent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::synchronized::Synchronized;
    use crate::reactor::waiter::Awaited;

    /// When the last handle is dropped after its task, the next value may get the same address and the same event word. If the
    /// word were still known, the reactor would not be told, and sleep on the memory of the value before.
    #[test]
    fn a_word_is_forgotten_with_its_registration() {
        let value = Synchronized::new(0_u64).expect("there is memory");
        let mut state = State::new();
        let add = |state: &mut State| {
            let waiter =
                Arc::new(Waiter::new(value.cell.untyped(), Awaited::Commit { seen: value.cell.version() }, true));
            let entry = Entry::new(Arc::clone(&waiter), Waker::noop().clone(), waiter.announce());
            let (added, _) = state.add(&mut Some(entry), &mut Vec::with_capacity(4));
            (waiter, added.ok())
        };
        let sleep = |state: &mut State| {
            let next = state.look(usize::MAX, false, &mut Ready::new(), &mut Several::new());
            assert!(matches!(next, Next::Sleep { .. }), "{next:?}");
        };

        let (first, added) = add(&mut state);
        assert_eq!(added, Some(Added::First));
        sleep(&mut state);
        let (second, added) = add(&mut state);
        assert_eq!(added, Some(Added::Watched), "the reactor sleeps on this word");
        drop((state.remove(&first), state.remove(&second)));
        let (third, added) = add(&mut state);
        assert_eq!(added, Some(Added::Unwatched), "the word may be another value's");
        sleep(&mut state);
        let (_, added) = add(&mut state);
        assert_eq!(added, Some(Added::Watched));
        drop(third);
    }
}
