//! `Signal`: the change signal of an arena that this process has mapped, found by the address of a value's event word.
//!
//! A thread that wakes the waiters of a value looks here whether threads also wait for changes of the whole arena. It does so only
//! after it has found a waiter of the value, so a commit that no thread waits for pays nothing. Nothing in shared memory tells where
//! the signal lies: a value has no room for that, and other processes could overwrite it.
//!
//! The entries are private memory, in chunks that are never freed. A search takes no lock. Each entry has a turn, which tells a
//! search whether what it has read belongs together:
//!
//! | lowest bits | the entry | changed by |
//! |---|---|---|
//! | 0 | is free | `Drop` |
//! | 1 | is being filled by one thread. If that thread does not exist in a forked child, it stays so | `Signal::add` |
//! | 2 | says where an arena is mapped | `Signal::add` |
#![allow(unsafe_code)]

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

use crate::protocol::atomics::AtomicU64;

const FREE: usize = 0;
const FILLED: usize = 1;
const USED: usize = 2;
const STATE: usize = 3;

/// How many arenas a chunk holds. Few programs have more of them open at once.
const IN_CHUNK: usize = 16;

#[derive(Debug)]
struct Entry {
    turn: AtomicUsize,
    /// The addresses at which the arena is mapped.
    start: AtomicUsize,
    end: AtomicUsize,
    event: AtomicPtr<AtomicU64>,
}

#[derive(Debug)]
struct Chunk {
    entries: [Entry; IN_CHUNK],
    next: AtomicPtr<Chunk>,
}

static FIRST: Chunk = Chunk::new();

/// The signal of a mapped arena, known until this is dropped.
#[derive(Debug)]
pub(crate) struct Signal {
    entry: &'static Entry,
}

impl Signal {
    /// Makes the event word of an arena known as the signal of all values that lie at these addresses. May allocate memory.
    ///
    /// # Safety
    /// The event word lies at one of these addresses. They stay mapped, as one mapping, until the signal is dropped.
    pub(crate) unsafe fn add(addresses: &Range<usize>, event: &AtomicU64) -> Self {
        loop {
            let mut last = &FIRST;
            for chunk in chunks() {
                let filled = chunk.entries.iter().find(|entry| entry.fill(addresses, event));
                if let Some(entry) = filled {
                    return Self { entry };
                }
                last = chunk;
            }
            last.extend();
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        let turn = self.entry.turn.load(Ordering::Relaxed);
        // Release: the next thread that fills the entry comes after this.
        self.entry.turn.store((turn & !STATE).wrapping_add(STATE + 1) | FREE, Ordering::Release);
    }
}

/// Returns the signal of the arena in whose memory an event word lies; `None` if it does not lie in an arena.
pub(super) fn signal_of(event: &AtomicU64) -> Option<&AtomicU64> {
    let address = ptr::from_ref(event).addr();
    let signal = chunks().flat_map(|chunk| &chunk.entries).find_map(|entry| entry.event_for(address))?;
    // SAFETY: `event` lies in a mapping that stays mapped while it is borrowed. The entry was in use at one moment of this search,
    // and so its addresses were mapped at that moment (`Signal::add`). The address of `event` is one of them, so they belong to
    // this same mapping. The signal lies at one of them too.
    Some(unsafe { &*signal })
}

fn chunks() -> impl Iterator<Item = &'static Chunk> {
    std::iter::successors(Some(&FIRST), |chunk| chunk.next())
}

impl Chunk {
    const fn new() -> Self {
        Self { entries: [const { Entry::new() }; IN_CHUNK], next: AtomicPtr::new(ptr::null_mut()) }
    }

    fn next(&self) -> Option<&'static Self> {
        // Acquire: pairs with `extend`.
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: the pointer is null, or comes from a chunk that `extend` has leaked.
        unsafe { next.as_ref() }
    }

    /// Adds a chunk behind this one, unless another thread has done that.
    fn extend(&self) {
        let new = Box::into_raw(Box::new(Self::new()));
        let added = self.next.compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed);
        if added.is_err() {
            // SAFETY: the pointer comes from `Box::into_raw`, and no other thread has seen it.
            drop(unsafe { Box::from_raw(new) });
        }
    }
}

impl Entry {
    const fn new() -> Self {
        Self {
            turn: AtomicUsize::new(FREE),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            event: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Fills the entry, if it is free.
    fn fill(&self, addresses: &Range<usize>, event: &AtomicU64) -> bool {
        let turn = self.turn.load(Ordering::Relaxed);
        // Acquire: pairs with `Drop`.
        let taken = turn & STATE == FREE
            && self.turn.compare_exchange(turn, turn | FILLED, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !taken {
            return false;
        }
        // Release: a search that sees one of the new addresses sees the new turn too.
        fence(Ordering::Release);
        self.start.store(addresses.start, Ordering::Relaxed);
        self.end.store(addresses.end, Ordering::Relaxed);
        self.event.store(ptr::from_ref(event).cast_mut(), Ordering::Relaxed);
        // Release: pairs with `event_for`.
        self.turn.store(turn | USED, Ordering::Release);
        true
    }

    /// Returns the signal, if the address is one of those in the entry, and the entry was in use while they were read.
    fn event_for(&self, address: usize) -> Option<*const AtomicU64> {
        // Acquire: pairs with the last store of `fill`.
        let turn = self.turn.load(Ordering::Acquire);
        if turn & STATE != USED {
            return None;
        }
        let (start, end) = (self.start.load(Ordering::Relaxed), self.end.load(Ordering::Relaxed));
        let event = self.event.load(Ordering::Relaxed);
        // Acquire: pairs with the fence of `fill`.
        fence(Ordering::Acquire);
        let is_whole = self.turn.load(Ordering::Relaxed) == turn;
        (is_whole && (start..end).contains(&address)).then_some(event.cast_const())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that stand for the memory of a mapped arena.
    fn memory() -> [AtomicU64; 16] {
        [const { AtomicU64::new(0) }; 16]
    }

    fn add(words: &[AtomicU64; 16], signal: usize) -> Signal {
        let addresses = words.as_ptr_range();
        // SAFETY: the word is one of these words, which the callers keep until they have dropped the signal.
        unsafe { Signal::add(&(addresses.start.addr()..addresses.end.addr()), &words[signal]) }
    }

    fn finds(word: &AtomicU64, signal: &AtomicU64) -> bool {
        signal_of(word).is_some_and(|found| ptr::eq(found, signal))
    }

    /// If the signal of another arena were found, a thread that waits for this one would sleep.
    #[test]
    fn each_arena_has_its_own_signal() {
        let arenas: Vec<_> = (0..5 * IN_CHUNK).map(|_| memory()).collect();
        let mut signals: Vec<_> = arenas.iter().map(|words| Some(add(words, 3))).collect();
        for words in &arenas {
            assert!(words.iter().all(|word| finds(word, &words[3])));
        }
        assert!(signal_of(&AtomicU64::new(0)).is_none());
        for number in (0..arenas.len()).step_by(2) {
            signals[number] = None;
            assert!(signal_of(&arenas[number][0]).is_none(), "it is not mapped any more");
        }
        signals[2] = Some(add(&arenas[2], 7));
        for (number, words) in arenas.iter().enumerate() {
            let signal = match number {
                2 => Some(7),
                _ => (number % 2 == 1).then_some(3),
            };
            assert!(signal.map_or(signal_of(&words[9]).is_none(), |signal| finds(&words[9], &words[signal])));
        }
    }

    /// A search beside threads that open and close arenas must never mix two of them: it would lead out of the arena.
    #[test]
    fn a_search_never_mixes_two_arenas() {
        let own = memory();
        let signal = add(&own, 5);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let arenas: Vec<_> = (0..3).map(|_| memory()).collect();
                    for round in 0..20_000 {
                        let words = &arenas[round % arenas.len()];
                        let signal = add(words, round % 16);
                        assert!(finds(&words[round % 7], &words[round % 16]));
                        drop(signal);
                    }
                });
            }
            for round in 0..20_000 {
                assert!(finds(&own[round % 16], &own[5]));
            }
        });
        drop(signal);
        assert!(signal_of(&own[0]).is_none());
    }
}
