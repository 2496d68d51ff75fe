//! Claiming units, and ending claims.

use std::io;
use std::iter;
use std::mem;
use std::ptr;

use crate::lock;
use crate::protocol::atomics::{AtomicU32, AtomicU64, Ordering, fence};
use crate::protocol::claims as protocol;
use crate::protocol::fault;
use crate::protocol::lock_word::process_and_thread;
use crate::protocol::unvouched;
use crate::segment::Mapping;
use crate::segment::claims::counts::Counts;
use crate::segment::claims::forks::{self, Entry};
use crate::segment::claims::gaps;
use crate::segment::claims::layout::{PER_PAGE, one_of, word_of};
use crate::segment::claims::state::{Claims, Locked, Mode};
use crate::sys::memory::reserve_small;
use crate::sys::presence::claims::{Claiming, MOST_UNITS, Pin, claim_all_by};

/// How many units a process claims by locks of their own. The kernel looks through all locks of a file one by one.
const MOST_LOCKS: usize = 256;

const PAGE: usize = 4096;

impl Mapping {
    #[inline(always)]
    fn counter(&self, claims: &Claims, unit: usize) -> Option<&AtomicU64> {
        self.words(claims.window() + word_of(unit), 1)?.first()
    }

    /// Claims a unit, if that is simple: `claim` does it otherwise.
    #[inline(always)]
    pub(crate) fn claim_simply(&self, unit: usize) -> bool {
        self.claims().is_some_and(|claims| claims.mode() == Mode::Slot && self.claim_by_counter(claims, unit))
    }

    /// Claims a unit once more. The caller looks at the block afterwards, by a sequentially consistent load: its space is not
    /// used again from here on, if it was not removed before.
    ///
    /// # Errors
    /// If a process that may only read has no descriptor left, or the kernel has no memory for its lock.
    #[cold]
    pub(crate) fn claim(&self, unit: usize) -> io::Result<()> {
        self.claim_slowly(self.claims().ok_or(io::ErrorKind::InvalidData)?, unit)
    }

    /// Claims a unit that this process claims already.
    #[cold]
    pub(crate) fn claim_again(&self, unit: usize) {
        if self.claim(unit).is_err()
            && let Some(claims) = self.claims()
        {
            // A forked child that could not show its claims: its parent's claims hold for it too.
            claims.add(unit);
        }
    }

    /// Claims a unit by the counter in the own slot. Returns `false` if its page was not used before.
    #[inline(always)]
    fn claim_by_counter(&self, claims: &Claims, unit: usize) -> bool {
        let Some(counts) = &claims.counts else { return false };
        let Some(count) = counts.of(unit) else { return false };
        protocol::claim(count, one_of(unit), || self.counter(claims, unit).filter(|_| counts.is_used(unit)))
    }

    #[cold]
    #[inline(never)]
    fn claim_slowly(&self, claims: &Claims, unit: usize) -> io::Result<()> {
        loop {
            match claims.mode() {
                Mode::None => self.register(claims)?,
                Mode::All => {
                    claims.add(unit);
                    return Ok(());
                }
                // Only a hostile process makes blocks behind the last unit.
                _ if claims.count(unit).is_none() => return Err(io::ErrorKind::InvalidData.into()),
                // If other code of this program has closed the descriptor, the file is opened again.
                Mode::Slot => match self.prepare(claims, unit).or_else(|_| {
                    self.file()?;
                    self.prepare(claims, unit)
                }) {
                    Ok(()) if self.claim_by_counter(claims, unit) => return Ok(()),
                    Ok(()) => {}
                    Err(_) => self.claim_everything(claims)?,
                },
                Mode::Locks => {
                    let claimed = self.claim_by_lock(claims, unit);
                    // Other code of this program may have closed the descriptors. Opening the file again may need memory.
                    let again = || self.file().ok().and_then(|_| self.claim_by_lock(claims, unit));
                    let claimed = if let Some(Err(_)) = claimed { again() } else { claimed };
                    if let Some(claimed) = claimed {
                        return claimed;
                    }
                }
            }
        }
    }

    /// Makes the page of the own window usable that a unit's counter lies in.
    fn prepare(&self, claims: &Claims, unit: usize) -> io::Result<()> {
        let page = unit / PER_PAGE;
        let bits = claims.window() - claims.layout.bits(0).len() + page / 64 * size_of::<u64>();
        let bits = self.words(bits, 1).and_then(<[_]>::first).ok_or(io::ErrorKind::InvalidData)?;
        let bit = 1 << (page % 64);
        if bits.load(Ordering::Relaxed) & bit == 0 {
            self.reserve_claims(claims, claims.window() + page * PAGE, PAGE)?;
            // Sequentially consistent: a sweep that does not see the bit comes before the claim.
            bits.fetch_or(bit, Ordering::SeqCst);
        }
        if let Some(counts) = &claims.counts {
            counts.set_used(unit);
        }
        Ok(())
    }

    fn reserve_claims(&self, claims: &Claims, start: usize, length: usize) -> io::Result<()> {
        if claims.comes_with_writes {
            return Ok(());
        }
        let file = self.descriptor().ok_or(io::ErrorKind::NotFound)?;
        reserve_small(file, start as u64..(start + length) as u64)
    }

    /// Shows this process to the others, with the claims that it has inherited from its parent: in this mapping, and in all
    /// others in which it has inherited any.
    #[cold]
    pub(super) fn register(&self, claims: &Claims) -> io::Result<()> {
        if !claims.is_read_only || forks::lock().iter().any(|entry| entry.mapping().inherits_for_writing()) {
            // Without an id, it claims by locks.
            let _ = lock::process::enter();
        }
        // If other code of this program has closed the descriptor, this opens the file again. It may need memory.
        let _ = self.file();
        let mappings = forks::lock();
        for mapping in mappings.iter().map(Entry::mapping).filter(|other| !ptr::eq(*other, self)) {
            if let Some(claims) = mapping.claims().filter(|claims| claims.locked().pin.is_some()) {
                // That of the parent stands until this succeeds.
                let _ = mapping.register_locked(claims, &mut claims.locked());
            }
        }
        self.register_locked(claims, &mut claims.locked())
    }

    fn inherits_for_writing(&self) -> bool {
        self.claims().is_some_and(|claims| !claims.is_read_only && claims.locked().pin.is_some())
    }

    fn register_locked(&self, claims: &Claims, locked: &mut Locked) -> io::Result<()> {
        if claims.mode() != Mode::None {
            return Ok(());
        }
        // That of the parent, of which this process has a copy. It stays until the claims of this process are shown.
        let inherited = locked.claiming.take();
        (locked.units, locked.is_all) = (0, false);
        if self.take_slot(claims, locked) {
            // A forked child finds groups marked that its parent has used. Their pages of its own window may have no memory yet.
            if claims.used_groups().all(|unit| self.prepare(claims, unit).is_ok())
                && claims.open_units().all(|unit| self.publish(claims, unit))
            {
                claims.set_mode(Mode::Slot);
                self.unpin_locked(claims, locked);
                return Ok(());
            }
            claims.is_left.store(true, Ordering::Relaxed);
        } else if claims.counts.is_some()
            && claims.open_units().all(|unit| self.lock_unit(claims, locked, unit).is_ok())
            && self.ready_to_lock(claims, locked).is_ok()
        {
            locked.pin = None;
            claims.is_pinned.store(false, Ordering::Relaxed);
            claims.set_mode(Mode::Locks);
            return Ok(());
        }
        match self.lock_everything(claims, locked) {
            Ok(()) => locked.pin = None,
            // It covers all units, and goes on forever.
            Err(_) if locked.pin.as_ref().is_some_and(Pin::is_whole) => mem::forget(locked.pin.take()),
            Err(error) => {
                // The claims of the parent go on. This process makes no others.
                locked.claiming = inherited;
                return Err(error);
            }
        }
        claims.is_pinned.store(false, Ordering::Relaxed);
        claims.set_mode(Mode::All);
        Ok(())
    }

    /// Takes a free slot, if there is one and this process has an id for which it is vouched.
    fn take_slot(&self, claims: &Claims, locked: &mut Locked) -> bool {
        let process = lock::process::id();
        if claims.is_read_only || claims.counts.is_none() || process == 0 || !self.is_vouched_for(process) {
            return false;
        }
        for (number, slot) in self.slots(claims.layout).iter().enumerate() {
            let bits = claims.layout.bits(number);
            // Memory comes first: a sweep reads the bits of each slot that has an owner.
            if slot.load(Ordering::Relaxed) == 0 && self.reserve_claims(claims, bits.start, bits.len()).is_err() {
                return false;
            }
            // Acquire: pairs with the release of the slot, so all counters are seen to be zero. Sequentially consistent: a
            // sweep that does not see the owner comes before the claims.
            if slot.compare_exchange(0, process.into(), Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                (locked.slot, locked.process) = (number, process);
                claims.set_window(claims.layout.window(number));
                return true;
            }
        }
        false
    }

    /// Shows a claim that this process has inherited.
    fn publish(&self, claims: &Claims, unit: usize) -> bool {
        let counter = self.counter(claims, unit);
        counter.map(|counter| protocol::show(counter, one_of(unit))).is_some()
    }

    /// Claims everything from here on, because there is no memory for a counter.
    fn claim_everything(&self, claims: &Claims) -> io::Result<()> {
        let _mappings = forks::lock();
        if claims.mode() == Mode::Slot {
            self.lock_everything(claims, &mut claims.locked())?;
            // Counters of the own slot may stay: claims that end later do not count them down.
            claims.is_left.store(true, Ordering::Relaxed);
            claims.set_mode(Mode::All);
        }
        Ok(())
    }

    /// Opens the file for claims by locks, unless that was done.
    fn ready_to_lock<'a>(&self, claims: &Claims, locked: &'a mut Locked) -> io::Result<&'a Claiming> {
        if locked.claiming.as_ref().is_some_and(|claiming| !claiming.is_usable()) {
            // Other code of this program has closed the descriptor. The page keeps those claims, forever.
            mem::forget(locked.claiming.take());
        }
        if locked.claiming.is_none() {
            let file = self.descriptor().ok_or(io::ErrorKind::NotFound)?;
            locked.claiming = Some(Claiming::new(file, claims.is_read_only)?);
            locked.is_all = false;
        }
        locked.claiming.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Claims all units by one lock. If that is not possible, says in the segment that nothing is to be used again.
    fn lock_everything(&self, claims: &Claims, locked: &mut Locked) -> io::Result<()> {
        let claimed = self.ready_to_lock(claims, locked).and_then(Claiming::claim_all);
        // No process sweeps by an opening that only reads: its locks would not be in its own way. So a process can claim by the
        // opening that it has mapped, if that only reads. One for writing may be that of the process that has handed it over.
        let is_only_read = claims.is_read_only && self.is_descriptor_read_only();
        let by_own = |file| if is_only_read { claim_all_by(file) } else { Err(io::ErrorKind::Unsupported.into()) };
        let own = || self.descriptor().ok_or_else(|| io::ErrorKind::NotFound.into()).and_then(by_own);
        let claimed = claimed.or_else(|error| own().map_err(|_| error));
        locked.is_all = claimed.is_ok();
        if claimed.is_err() && !claims.is_read_only {
            unvouched::set(self.unvouched());
            // The caller looks at blocks afterwards.
            fence(Ordering::SeqCst);
            return Ok(());
        }
        claimed
    }

    fn lock_unit(&self, claims: &Claims, locked: &mut Locked, unit: usize) -> io::Result<()> {
        self.ready_to_lock(claims, locked)?;
        // Another opening has no lock that covers all units yet.
        let (is_many, is_all) = (locked.units >= MOST_LOCKS, locked.is_all);
        let claiming = locked.claiming.as_ref().ok_or(io::ErrorKind::NotFound)?;
        if !is_all && (is_many || claiming.claim(unit).is_err()) {
            claiming.claim_all()?;
            locked.is_all = true;
        }
        locked.units += 1;
        Ok(())
    }

    fn unlock_unit(locked: &mut Locked, unit: usize) {
        locked.units = locked.units.saturating_sub(1);
        let Some(claiming) = &locked.claiming else { return };
        // These calls fail only if other code of this program has closed the descriptor. Then the unit stays claimed.
        if !locked.is_all {
            let _ = claiming.unclaim(unit);
        } else if locked.units == 0 && claiming.unclaim_all().is_ok() {
            locked.is_all = false;
        }
    }

    /// Claims a unit by a lock; `None` if this process claims in another way by now.
    fn claim_by_lock(&self, claims: &Claims, unit: usize) -> Option<io::Result<()>> {
        let _mappings = forks::lock();
        let counts = claims.counts.as_ref().filter(|_| claims.mode() == Mode::Locks)?;
        let count = counts.of(unit)?;
        if count.load(Ordering::Relaxed) == 0 {
            counts.set_used(unit);
            if let Err(error) = self.lock_unit(claims, &mut claims.locked(), unit) {
                return Some(Err(error));
            }
        }
        protocol::count_up(count);
        // The caller looks at the block afterwards.
        fence(Ordering::SeqCst);
        Some(Ok(()))
    }

    /// Ends one claim of a unit. `start` is where the cell lies for whose value the unit was claimed.
    #[inline]
    pub(crate) fn unclaim(&self, unit: usize, start: usize) {
        let Some(claims) = self.claims() else { return };
        if claims.mode() == Mode::Slot {
            self.unclaim_by_counter(claims, unit, start);
        } else {
            self.unclaim_slowly(claims, unit, start);
        }
    }

    #[inline]
    fn unclaim_by_counter(&self, claims: &Claims, unit: usize, start: usize) {
        let Some(count) = claims.count(unit) else { return };
        if self.decrement(claims, count, start)
            && let Some(counter) = self.counter(claims, unit)
        {
            protocol::withdraw(counter, one_of(unit));
        }
    }

    #[cold]
    #[inline(never)]
    fn unclaim_slowly(&self, claims: &Claims, unit: usize, start: usize) {
        if claims.mode() == Mode::None {
            // If this fails, this process still has the claims of its parent.
            let _ = self.register(claims);
        }
        let Some(count) = claims.count(unit) else { return };
        match claims.mode() {
            Mode::Slot => self.unclaim_by_counter(claims, unit, start),
            Mode::Locks => {
                let _mappings = forks::lock();
                if self.decrement(claims, count, start) && claims.mode() == Mode::Locks {
                    Self::unlock_unit(&mut claims.locked(), unit);
                }
            }
            Mode::All | Mode::None => {
                self.decrement(claims, count, start);
            }
        }
    }

    /// Counts a handle down. Returns whether it was the last one.
    ///
    /// A unit with a lock that this process holds stays claimed: a guard was leaked, and the kernel finds the lock in the robust
    /// list of its thread.
    #[inline]
    fn decrement(&self, claims: &Claims, count: &AtomicU32, start: usize) -> bool {
        protocol::count_down(count, || {
            let stays = !claims.is_read_only && self.is_held_here(start);
            if stays {
                claims.is_left.store(true, Ordering::Relaxed);
            }
            stays
        })
    }

    /// Returns whether the lock of the cell at `start` names this process.
    #[inline]
    fn is_held_here(&self, start: usize) -> bool {
        let word = self.words(start, 1).and_then(<[_]>::first).map_or(0, |word| word.load(Ordering::Relaxed));
        let (process, thread) = process_and_thread(word);
        thread != 0 && process == lock::process::id()
    }

    /// Gives the own slot back, while the mapping is being dropped.
    pub(super) fn give_up_slot(&self) {
        let Some(claims) = self.claims() else { return };
        let locked = claims.locked();
        if locked.process == 0 {
            return;
        }
        if claims.is_left.load(Ordering::Relaxed) {
            self.clear_window(claims.layout, locked.slot);
        }
        // If it is another one's by now, a process that must have taken this one for gone has cleared it.
        if let Some(slot) = self.slots(claims.layout).get(locked.slot) {
            // Release: the counters are zero before.
            let _ = slot.compare_exchange(locked.process.into(), 0, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Claims all units for a child that is about to be forked. Runs in the hooks of `fork`, as the functions below.
    pub(super) fn offer_pin(&self) -> io::Result<()> {
        let Some(claims) = self.claims().filter(|claims| claims.mode() != Mode::None) else { return Ok(()) };
        let file = self.descriptor().ok_or(io::ErrorKind::NotFound)?;
        claims.locked().offered = Some(Pin::new(file, claims.is_read_only)?);
        Ok(())
    }

    /// Gives up the descriptor of the pin: the child will not end a part of it.
    pub(super) fn offer_whole_pin(&self) {
        if let Some(claims) = self.claims()
            && let Some(pin) = &mut claims.locked().offered
        {
            pin.stay_whole();
        }
    }

    /// Claims all units for a child, forever, because there is no descriptor for a pin.
    pub(super) fn offer_without_pin(&self) {
        let Some(claims) = self.claims() else { return };
        let mut locked = claims.locked();
        if locked.pin.as_ref().is_some_and(Pin::is_whole) {
            // The child inherits it too.
            return;
        }
        if !claims.is_read_only {
            unvouched::set(self.unvouched());
            return;
        }
        let Some(claiming) = &mut locked.claiming else { return };
        // The child gets these claims, by the descriptor and by the page.
        claiming.keep_in_children();
        if claiming.claim_all().is_ok() {
            (locked.is_all, locked.units) = (true, usize::MAX / 2);
        } else {
            // The page keeps what is claimed by now, forever. Later claims take another opening.
            claiming.leave_page();
            (locked.claiming, locked.is_all) = (None, false);
        }
    }

    pub(super) fn withdraw_pin(&self) {
        if let Some(claims) = self.claims() {
            claims.locked().offered = None;
        }
    }

    /// Begins again in a forked child: it has its parent's handles, but shows nothing yet.
    pub(super) fn become_child(&self) {
        let Some(claims) = self.claims() else { return };
        let mut locked = claims.locked();
        if let Some(claiming) = &mut locked.claiming {
            claiming.leave_page();
        }
        if let Some(mut pin) = locked.offered.take() {
            claims.narrow(&mut pin);
            locked.pin = Some(pin);
            // That of the parent.
            locked.claiming = None;
        }
        (locked.slot, locked.process, locked.units, locked.is_all) = (0, 0, 0, false);
        claims.is_left.store(false, Ordering::Relaxed);
        claims.is_pinned.store(locked.pin.is_some(), Ordering::Relaxed);
        claims.set_mode(Mode::None);
    }
}

impl Claims {
    #[inline(always)]
    fn count(&self, unit: usize) -> Option<&AtomicU32> {
        self.counts.as_ref()?.of(unit)
    }

    /// Counts a handle, without showing it.
    fn add(&self, unit: usize) {
        if let Some(counts) = &self.counts
            && let Some(count) = counts.of(unit)
        {
            counts.set_used(unit);
            protocol::count_up(count);
        }
    }

    fn used_groups(&self) -> impl Iterator<Item = usize> {
        self.counts.iter().flat_map(Counts::used_groups)
    }

    fn open_units(&self) -> impl Iterator<Item = usize> {
        self.counts.iter().flat_map(Counts::open_units)
    }

    /// Ends the pin of the units of which a forked child has no handles. Its counts are those of its parent at the fork.
    fn narrow(&self, pin: &mut Pin) {
        let Some(counts) = &self.counts else { return };
        // A process that claims everything opens blocks behind the last unit too, and does not count them.
        let end = if self.mode() == Mode::All { self.layout.units } else { MOST_UNITS };
        if fault::is_chosen("unpin_open") {
            return pin.end_claims(iter::once(0..end));
        }
        pin.end_claims(gaps::longest(|| counts.open_units(), end));
    }
}
