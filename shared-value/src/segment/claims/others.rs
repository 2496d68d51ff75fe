//! Looking for the claims of all processes, and clearing up behind those that are gone.
//!
//! The owner of the directory's lock calls these functions, except where they say otherwise.

use std::sync::atomic::Ordering::Relaxed;

use crate::error::Error;
use crate::lock;
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::protocol::claims as protocol;
use crate::protocol::fault;
use crate::protocol::lock_word::owner_of;
use crate::protocol::unvouched;
use crate::segment::Mapping;
use crate::segment::claims::forks;
use crate::segment::claims::layout::{Layout, PER_PAGE, SLOTS, counter_in, word_of};
use crate::segment::claims::state::{Claims, Locked, Mode};
use crate::sys::memory::give_back;
use crate::sys::presence;

const PAGE: usize = 4096;
const WORD: usize = size_of::<u64>();

/// A search for claims of blocks that were removed before.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    mapping: &'a Mapping,
    layout: Layout,
    /// How many owners of slots may still be asked for.
    asks: usize,
    /// A bit for each slot whose owner is known to exist.
    alive: u64,
}

impl<'a> Search<'a> {
    /// Begins a search. `asks` says how many processes it may ask the kernel for; a process that is not asked for exists.
    pub(crate) fn new(mapping: &'a Mapping, asks: usize) -> Option<Self> {
        let layout = mapping.claims()?.layout;
        let searches = mapping.searches(layout)?;
        protocol::begin_search(searches);
        Some(Self { mapping, layout, asks, alive: 0 })
    }

    /// Returns which units a process claims by a lock, or otherwise. Comes after all calls of [`is_counted`](Self::is_counted): a
    /// forked child shows its claims by counters before it ends the lock that it has inherited.
    pub(crate) fn is_locked(&self) -> impl Fn(usize) -> bool + use<'_> {
        self.mapping.is_locked()
    }

    /// Returns whether a process claims the unit by a counter.
    pub(crate) fn is_counted(&mut self, unit: usize) -> bool {
        let mapping = self.mapping;
        let page = unit / PER_PAGE;
        for (number, slot) in mapping.slots(self.layout).iter().enumerate() {
            let owner = slot.load(Ordering::SeqCst);
            if owner == 0 {
                continue;
            }
            let word = |offset: usize| mapping.words(offset, 1).and_then(<[_]>::first);
            let is_used = word(self.layout.bits(number).start + page / 64 * WORD)
                .is_some_and(|bits| bits.load(Ordering::SeqCst) & 1 << (page % 64) != 0);
            let counter = word(self.layout.window(number) + word_of(unit)).filter(|_| is_used);
            if counter.is_none_or(|counter| counter_in(protocol::counters(counter), unit) == 0) {
                continue;
            }
            if self.asks == 0 || self.alive & 1 << number != 0 {
                return true;
            }
            self.asks -= 1;
            if !mapping.clear_if_gone(self.layout, number) {
                self.alive |= 1 << number;
                return true;
            }
        }
        false
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        if let Some(searches) = self.mapping.searches(self.layout) {
            protocol::end_search(searches);
        }
    }
}

impl Mapping {
    /// Returns which units a process claims by a lock, or because nothing tells what some process claims.
    pub(crate) fn is_locked(&self) -> impl Fn(usize) -> bool + use<'_> {
        let file = self.file().ok();
        let is_any = file.is_none_or(|file| presence::claims::is_any_claimed(file).unwrap_or(true));
        let is_unseen = unvouched::is_set(self.unvouched());
        move |unit| {
            let is_claimed = || file.is_none_or(|file| presence::claims::is_claimed(file, unit).unwrap_or(true));
            is_unseen || is_any && is_claimed()
        }
    }

    pub(super) fn slots(&self, layout: Layout) -> &[AtomicU64] {
        self.words(layout.start, SLOTS).unwrap_or_default()
    }

    /// Clears a slot if its owner is known not to exist. Returns whether it is free.
    fn clear_if_gone(&self, layout: Layout, number: usize) -> bool {
        let Some(slot) = self.slots(layout).get(number) else { return false };
        let owner = slot.load(Relaxed);
        if owner == 0 {
            return true;
        }
        let is_other = owner != u64::from(lock::process::id());
        let is_gone = is_other && u32::try_from(owner).is_ok_and(|process| self.is_gone(owner_of(process, 1)));
        if is_gone {
            self.clear_window(layout, number);
            // Release: the counters are zero before.
            slot.store(0, Ordering::Release);
        }
        is_gone
    }

    /// Makes all counters of a slot zero.
    pub(super) fn clear_window(&self, layout: Layout, number: usize) {
        let bits = self.words(layout.bits(number).start, layout.pages().div_ceil(64)).unwrap_or_default();
        let used = bits.iter().enumerate().filter(|(_, word)| word.load(Relaxed) != 0);
        let pages = used.flat_map(|(index, word)| {
            let word = word.load(Relaxed);
            (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| index * 64 + bit)
        });
        for page in pages.filter(|page| *page < layout.pages()) {
            let counters = self.words(layout.window(number) + page * PAGE, PAGE / WORD).unwrap_or_default();
            for counter in counters.iter().filter(|counter| counter.load(Relaxed) != 0) {
                counter.store(0, Relaxed);
            }
        }
    }

    /// Looks from time to time whether the owner of some slot is gone.
    pub(crate) fn clear_some_slot(&self) {
        const SELDOM: u32 = 64;
        let Some(claims) = self.claims() else { return };
        let edits = claims.edits.fetch_add(1, Relaxed);
        if edits.is_multiple_of(SELDOM) {
            self.clear_if_gone(claims.layout, (edits / SELDOM) as usize % SLOTS);
        }
    }

    /// Clears the slots of all processes that are gone.
    pub(crate) fn clear_slots(&self) {
        if let Some(claims) = self.claims() {
            for number in 0..SLOTS {
                self.clear_if_gone(claims.layout, number);
            }
        }
    }

    /// Returns whether most slots have owners. Any thread may call this.
    pub(crate) fn is_short_of_slots(&self) -> bool {
        self.claims().is_some_and(|claims| {
            self.slots(claims.layout).iter().filter(|slot| slot.load(Relaxed) != 0).count() > SLOTS / 2
        })
    }

    /// Returns whether the pin of the parent still stands, although this process has shown its claims. Any thread may call this.
    #[inline]
    pub(crate) fn is_pinned(&self) -> bool {
        self.claims().is_some_and(|claims| claims.is_pinned.load(Relaxed))
    }

    /// Shows the claims of a forked child, and ends the pin of its parent, unless a search is under way: that may have passed the counters of this process before it
    /// has shown its claims there, and may not have asked for locks yet. Any thread may call this.
    #[cold]
    pub(crate) fn unpin(&self) {
        let Some(claims) = self.claims() else { return };
        if claims.mode() == Mode::None {
            // If this fails, the pin stays.
            let _ = self.register(claims);
        }
        let _mappings = forks::lock();
        if claims.mode() == Mode::Slot {
            self.unpin_locked(claims, &mut claims.locked());
        }
    }

    pub(super) fn unpin_locked(&self, claims: &Claims, locked: &mut Locked) {
        let is_quiet = self.searches(claims.layout).is_some_and(protocol::is_quiet);
        if is_quiet || fault::is_chosen("unpin_early") {
            locked.pin = None;
        }
        claims.is_pinned.store(locked.pin.is_some(), Relaxed);
    }

    fn searches(&self, layout: Layout) -> Option<&AtomicU64> {
        self.words(layout.searches(), 1)?.first()
    }

    /// Forgets all claims by counters, while no process has the arena open for writing.
    ///
    /// # Errors
    /// `Io` if the file is a copy with holes, and there is no memory for them.
    pub(crate) fn reset_claims(&self, layout: Layout) -> Result<(), Error> {
        self.fill_holes(layout.slots())?;
        let areas = layout.areas().start as u64..layout.areas().end as u64;
        let is_clear = self.file().is_ok_and(|file| give_back(file, areas).is_ok());
        for (number, slot) in self.slots(layout).iter().enumerate().filter(|(_, slot)| slot.load(Relaxed) != 0) {
            if !is_clear {
                self.fill_holes(layout.bits(number))?;
                self.clear_window(layout, number);
            }
            slot.store(0, Ordering::Release);
        }
        Ok(())
    }
}
