//! `Slots`: the version machine. Two slots hold one value, and one store moves readers from one slot to the other.
//!
//! | `draft` | meaning | the slot that is not committed |
//! |---|---|---|
//! | `version + 1` | the lock's owner is writing | holds the owner's changes so far, perhaps only a part of the copy |
//! | anything else | no thread is writing | has no meaning |
//!
//! Several values are committed at once through a *record*, a word elsewhere: a bit joins each version to the record, and
//! `draft` says where the record lies. While the bit is set, the record decides which slot is committed. So one store to the
//! record commits all the values. Afterwards each version is settled: it takes the next number, without the bit.
//!
//! Only the lock's owner writes. A thread that takes the lock over from a dead owner rolls back first.

use core::ops::Range;

use crate::protocol::atomics::{AtomicU64, Ordering, fence};
use crate::protocol::fault;
use crate::protocol::marks::Marks;

/// The number of bytes that `copy_pieces` copies between two looks at the version and at the clock.
pub(crate) const PIECE: usize = if cfg!(loom) { 8 } else { 128 << 10 };

/// The bit of a version that is joined to a record, and of a `draft` that says where the record lies.
const JOINED: u64 = 1 << 63;

/// The two words that say which slot is committed. All zeros: version 0 in slot 0, and no draft.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// The number of commits; slot `version & 1` holds the committed value.
    version: AtomicU64,
    /// The version that the owner is preparing or has prepared last; 0 after a rollback or a transaction.
    draft: AtomicU64,
}

/// The slots of one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<'a> {
    versions: &'a Versions,
    /// Slot 0 starts at the first word, slot 1 at word number `stride`.
    words: &'a [AtomicU64],
    stride: usize,
    /// The number of bytes of the value, in each slot.
    size: usize,
    /// The marks of a large value; empty for other values, which are copied whole.
    marks: &'a [AtomicU64],
    /// Whether a write of all bytes leaves some as they are, because they may be fields of another version of the type.
    has_reserved: bool,
}

/// A version that is about to be copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    version: u64,
    /// The copy is whole if the word of the version has the same content after it; `None` if no other thread can write.
    word: Option<u64>,
}

impl Candidate {
    /// Returns the number of the version.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

impl Versions {
    /// Returns the number of commits so far; `None` if a record decides about the last one.
    #[inline(always)]
    pub(crate) fn committed(&self) -> Option<u64> {
        let version = self.version.load(Ordering::Acquire);
        (version & JOINED == 0).then_some(version)
    }

    /// Returns whether there are uncommitted writes. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn is_writing(&self) -> bool {
        let version = self.version.load(Ordering::Relaxed);
        self.draft.load(Ordering::Relaxed) == version.wrapping_add(1)
    }

    /// Commits the writes since the last commit, in one store. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn commit(&self) {
        let next = self.version.load(Ordering::Relaxed).wrapping_add(1);
        if self.draft.load(Ordering::Relaxed) == next {
            // A death before this store loses all the writes, a death after it loses none. Release: the words were stored
            // before.
            self.version.store(next, Ordering::Release);
        }
    }

    /// Discards the writes since the last commit. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn rollback(&self) {
        if self.is_writing() {
            // The version did not move, so readers never saw the draft. A death before this store changes nothing: the
            // next owner finds the draft and discards it.
            self.draft.store(0, Ordering::Relaxed);
        }
    }

    /// Joins the writes since the last commit to a record, which decides about them from then on. For the owner of the lock.
    pub(crate) fn join(&self, record: u64) {
        let version = self.version.load(Ordering::Relaxed);
        // From here on the writes do not count as a draft. A death before the next store discards them.
        self.draft.store(record | JOINED, Ordering::Relaxed);
        // Release: the words and the place of the record were stored before. Readers acquire the decision too before they copy,
        // and the fence of `prepare` came before, so no model needs this; it makes the joined version a version like others.
        self.version.store(version | JOINED, Ordering::Release);
    }

    /// Carries out the decision of the record, if the version is joined to one. For the owner of the lock.
    pub(crate) fn settle(&self, is_committed: impl FnOnce(u64) -> bool) {
        let version = self.version.load(Ordering::Relaxed);
        if version & JOINED != 0 {
            let next = u64::from(joined_to(self.draft.load(Ordering::Relaxed)).is_some_and(is_committed));
            // Release: the words were stored before, for readers that have not seen the joined version.
            self.version.store((version & !JOINED).wrapping_add(next), Ordering::Release);
            // Readers take a draft that names a record for one that a thread may be writing. If the thread dies before this
            // store, they are only slower. Release: a reader that misses the record also sees the settled version.
            self.draft.store(0, Ordering::Release);
        }
    }
}

/// Returns the record that a `draft` names.
fn joined_to(draft: u64) -> Option<u64> {
    (draft & JOINED != 0).then_some(draft & !JOINED)
}

impl<'a> Slots<'a> {
    #[inline(always)]
    pub(crate) fn new(
        versions: &'a Versions,
        words: &'a [AtomicU64],
        stride: usize,
        size: usize,
        marks: &'a [AtomicU64],
    ) -> Self {
        Self { versions, words, stride, size, marks, has_reserved: false }
    }

    /// Returns these slots, for a value that may have reserved bytes.
    #[inline(always)]
    pub(crate) fn reserving(self, has_reserved: bool) -> Self {
        Self { has_reserved, ..self }
    }

    /// Returns the slot of a version. It alternates with every commit, so its start is computed without a branch that would
    /// be mispredicted.
    #[inline(always)]
    fn slot(self, version: u64) -> &'a [AtomicU64] {
        let start = if version & 1 == 0 { 0 } else { self.stride };
        &self.words[start..start + self.length()]
    }

    /// Returns the number of words of each slot.
    #[inline(always)]
    fn length(self) -> usize {
        self.size.div_ceil(size_of::<u64>())
    }

    /// Returns the slot of version 0, for values that have no other version.
    #[inline(always)]
    pub(crate) fn first(self) -> &'a [AtomicU64] {
        self.slot(0)
    }

    /// Lets the closure write the first value, while all words are zeros and no other thread uses them.
    ///
    /// Makes both slots of a large value equal, so that the first change need not copy all of it.
    pub(crate) fn initialize(self, write: impl FnOnce(&[AtomicU64])) {
        self.initialize_up_to(self.size, write);
    }

    /// Lets the closure write the first bytes of the first value, as `initialize` does. The others stay zeros in both slots.
    pub(crate) fn initialize_up_to(self, end: usize, write: impl FnOnce(&[AtomicU64])) {
        write(self.first());
        if !self.marks.is_empty() {
            let words = end.div_ceil(size_of::<u64>()).min(self.length());
            copy(&self.first()[..words], &self.slot(1)[..words]);
        }
    }

    /// Returns the committed version, to be copied without the lock; `None` if a record decides about it.
    #[inline(always)]
    pub(crate) fn look(self) -> Option<Candidate> {
        // Acquire: pairs with the release store of `commit`, so that each word is seen with its content in this version, or
        // in a later one.
        let version = self.versions.version.load(Ordering::Acquire);
        (version & JOINED == 0).then_some(Candidate { version, word: Some(version) })
    }

    /// Returns the committed version, to be copied without the lock, even if a record decides about it: `is_committed` loads
    /// the decision.
    ///
    /// A fence acquires the decision. With `is_orphan`, a joined version whose draft names no record
    /// counts as rolled back. Pass `true` only after a pause: a writer that keeps to the rules would have settled the
    /// version by then.
    pub(crate) fn look_decided(self, is_orphan: bool, is_committed: impl FnOnce(u64) -> bool) -> Option<Candidate> {
        // Acquire: pairs with the release stores of `commit`, `join` and `settle`, so that each word is seen with its
        // content in this version, or in a later one. With a joined version, the draft is seen too, which names the record.
        let word = self.versions.version.load(Ordering::Acquire);
        if word & JOINED == 0 {
            return Some(Candidate { version: word, word: Some(word) });
        }
        // The draft may be of a later moment than the version. There are three cases:
        // 1. It names the record that the version is joined to. If the record has been reused, the load of its decision
        // acquires the settled version, and the check of the copy fails.
        // 2. It names another record. Then the value was joined to that record at that moment, and the same check decides.
        // 3. It names no record. Then the version was settled, and a thread is writing.
        // In all cases a decision that belongs to another transaction is detected.
        let committed = match joined_to(self.versions.draft.load(Ordering::Relaxed)) {
            Some(record) => {
                let committed = is_committed(record);
                // The version may have been joined twice: the first time to a record that was rolled back, the second time
                // to the record that the draft names, with the same content of the word. This fence acquires the decision,
                // and with it the words of the second time, before they are copied.
                fence(Ordering::Acquire);
                committed
            }
            None if is_orphan => false,
            None => return None,
        };
        Some(Candidate { version: (word & !JOINED).wrapping_add(u64::from(committed)), word: Some(word) })
    }

    /// Returns the version that the owner of the lock reads: its own writes, if there are any, or the committed version. No
    /// other thread overwrites it.
    #[inline(always)]
    pub(crate) fn look_as_owner(self, has_written: bool) -> Candidate {
        let version = self.versions.version.load(Ordering::Relaxed);
        let own = has_written && self.versions.is_writing();
        Candidate { version: version.wrapping_add(u64::from(own)), word: None }
    }

    /// Returns whether a thread, perhaps this one, may be writing the next version.
    ///
    /// May return `true` although no thread is writing, while a version is joined to a record: the exact answer would cost
    /// one instruction more.
    #[inline(always)]
    pub(crate) fn is_perhaps_drafted(self, candidate: &Candidate) -> bool {
        self.versions.draft.load(Ordering::Relaxed) > candidate.version
    }

    /// Returns the words of a version.
    #[inline(always)]
    pub(crate) fn words_of(self, candidate: Candidate) -> &'a [AtomicU64] {
        self.slot(candidate.version)
    }

    /// Lets the closure copy a version. Returns `None` if the version may have been overwritten during the copy.
    ///
    /// The closure may see words of different versions; its result is then dropped.
    #[inline(always)]
    pub(crate) fn copy<R>(self, candidate: Candidate, copy: impl FnOnce(&[AtomicU64]) -> R) -> Option<R> {
        let copied = copy(self.words_of(candidate));
        self.is_whole(candidate).then_some(copied)
    }

    /// Lets the closure copy these bytes of a version piece by piece; it gets the slot and the bytes of the piece, and returns where
    /// the bytes to copy end: a value may have a length of its own. Returns whether the copy is whole. Stops early if the version may
    /// have been overwritten, or if `is_over` returns `true` between two pieces.
    pub(crate) fn copy_pieces(
        self,
        candidate: Candidate,
        bytes: Range<usize>,
        mut copy: impl FnMut(&[AtomicU64], Range<usize>) -> usize,
        mut is_over: impl FnMut() -> bool,
    ) -> bool {
        let slot = self.words_of(candidate);
        let mut start = bytes.start;
        loop {
            let end = bytes.end.min(start.saturating_add(PIECE));
            let all = copy(slot, start..end);
            // The look after the last piece vouches for all of them; the looks before it save work.
            if !self.is_whole(candidate) {
                return false;
            }
            if end >= all.min(bytes.end) {
                return true;
            }
            if is_over() {
                return false;
            }
            start = end;
        }
    }

    /// Returns whether no word that this thread has copied from the version so far was overwritten before.
    #[inline(always)]
    fn is_whole(self, candidate: Candidate) -> bool {
        // Suppose that a word came from a later version. The writer of that version issued a release fence after `version +
        // 1` had been committed, and stored the word after the fence. This acquire fence comes after the load of the word,
        // so the fences synchronize, and the load below sees `version + 1` or more. Therefore, if the load below still sees
        // `version`, no word came from a later version, and the copy is whole. The slot of a joined version is overwritten
        // only after that version was settled and another one was committed.
        fence(Ordering::Acquire);
        candidate.word.is_none_or(|word| self.versions.version.load(Ordering::Relaxed) == word)
    }

    /// Returns the committed value. For the owner of the lock: no other thread overwrites it.
    #[inline(always)]
    pub(crate) fn committed(self) -> &'a [AtomicU64] {
        self.slot(self.versions.version.load(Ordering::Relaxed))
    }

    /// Returns the slot in which these bytes may be changed. It starts as a copy of the committed value. For the owner of
    /// the lock.
    #[inline(always)]
    pub(crate) fn change(self, bytes: &Range<usize>) -> &'a [AtomicU64] {
        let version = self.versions.version.load(Ordering::Relaxed);
        let next = version.wrapping_add(1);
        let working = self.slot(next);
        if self.versions.draft.load(Ordering::Relaxed) != next {
            // A thread that dies from here on leaves a draft, which the next owner rolls back. The draft must be stored
            // before the first word, and is: the kernel stops a thread between two of its instructions.
            self.versions.draft.store(next, Ordering::Relaxed);
            if fault::is_chosen("commit_first") {
                self.versions.version.store(next, Ordering::Release);
            }
            self.prepare(version, bytes);
        }
        self.mark(bytes);
        working
    }

    /// Writes these bytes and commits them, if nothing has been written since the last commit. For the owner of the lock.
    ///
    /// No draft is recorded: if the thread dies before the commit, the contents of the uncommitted slot have no meaning, as
    /// after every commit.
    #[inline(always)]
    pub(crate) fn publish(self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) {
        let version = self.versions.version.load(Ordering::Relaxed);
        let next = version.wrapping_add(1);
        if fault::is_chosen("commit_first") {
            self.versions.version.store(next, Ordering::Release);
        }
        self.prepare(version, bytes);
        self.mark(bytes);
        write(self.slot(next));
        // A death before this store loses the change, a death after it does not. Release: the words were stored before.
        self.versions.version.store(next, Ordering::Release);
    }

    /// Makes the working slot a copy of the committed slot, unless these bytes are the whole value, and all of them are
    /// going to be written.
    #[inline(always)]
    fn prepare(self, version: u64, bytes: &Range<usize>) {
        // Readers of the version before the committed one may still copy from the working slot. Release: pairs with the
        // acquire fence of `copy`. The commit of `version` comes before this fence: in this thread, or in another one that
        // released the lock to this thread.
        fence(Ordering::Release);
        if bytes.len() == self.size && (!self.has_reserved || fault::is_chosen("stale_reserved")) {
            return;
        }
        let (committed, working) = (self.slot(version), self.slot(version.wrapping_add(1)));
        if self.marks.is_empty() {
            copy(committed, working);
        } else {
            self.marked().refresh(committed, working);
        }
    }

    /// Marks the bytes of a large value that are about to be written.
    #[inline(always)]
    fn mark(self, bytes: &Range<usize>) {
        if !self.marks.is_empty() && !fault::is_chosen("unmarked") {
            self.marked().mark(bytes);
        }
    }

    /// Marks the first bytes of a large value as different in the two slots.
    pub(crate) fn mark_up_to(self, end: usize) {
        self.mark(&(0..end.min(self.size)));
    }

    /// Returns the slot of version 0, and that of version 1.
    pub(crate) fn both(self) -> [&'a [AtomicU64]; 2] {
        [self.slot(0), self.slot(1)]
    }

    #[inline(always)]
    fn marked(self) -> Marks<'a> {
        Marks::new(self.marks, self.length())
    }

    /// Commits the writes since the last commit: [`Versions::commit`].
    #[inline(always)]
    pub(crate) fn commit(self) {
        self.versions.commit();
    }

    /// Discards the writes since the last commit: [`Versions::rollback`].
    #[inline(always)]
    pub(crate) fn rollback(self) {
        self.versions.rollback();
    }
}

#[inline(always)]
fn copy(committed: &[AtomicU64], working: &[AtomicU64]) {
    for (from, to) in committed.iter().zip(working) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
