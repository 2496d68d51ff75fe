//! `Slots`: the version machine. Two slots hold one value, and one store moves readers from the one to the other.
//!
//! | `draft` | meaning | the slot that is not committed |
//! |---|---|---|
//! | `version + 1` | the lock's owner is writing | what the owner has written so far, or is copying |
//! | anything else | nobody is writing | of no meaning |
//!
//! Several values are committed at once by way of a *record*, a word elsewhere: each version is joined to it by a bit, and
//! `draft` says where the record is. While the bit is set, the record decides which slot is committed: the one store by
//! which it does so commits all values. Then each version is settled: it takes the next number, without the bit.
//!
//! Only the lock's owner writes; whoever takes the lock over from a dead owner rolls back first. Written without
//! pointers, so that loom can run it.

use core::ops::Range;

use crate::protocol::atomics::{AtomicU64, Ordering, fence};
use crate::protocol::marks::Marks;

/// The bit of a version that is joined to a record, and of a `draft` that says where that is.
const JOINED: u64 = 1 << 63;

/// The two words that say which slot is committed. All zeros: slot 0, version 0, nobody writes.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// The number of commits; slot `version & 1` holds the committed value.
    version: AtomicU64,
    /// The version that the owner prepares, or prepared last; 0 after a rollback.
    draft: AtomicU64,
}

/// The slots of one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<'a> {
    versions: &'a Versions,
    /// Slot 0 from the first word on, slot 1 from the word number `stride` on.
    words: &'a [AtomicU64],
    stride: usize,
    /// The bytes of the value, in each slot.
    size: usize,
    /// The marks of a large value; nothing for others, which are copied whole.
    marks: &'a [AtomicU64],
}

/// A version that is about to be copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    version: u64,
    /// The copy is whole if the word of the version says this behind it; `None` if nobody else can write.
    word: Option<u64>,
}

impl Candidate {
    /// The number of the version.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

impl Versions {
    /// The number of commits so far; `None` if a record decides about the last.
    #[inline(always)]
    pub(crate) fn committed(&self) -> Option<u64> {
        let version = self.version.load(Ordering::Acquire);
        (version & JOINED == 0).then_some(version)
    }

    /// Whether the owner has written something that is not committed. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn is_writing(&self) -> bool {
        let version = self.version.load(Ordering::Relaxed);
        self.draft.load(Ordering::Relaxed) == version.wrapping_add(1)
    }

    /// Makes what was written the committed value, in one store. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn commit(&self) {
        let next = self.version.load(Ordering::Relaxed).wrapping_add(1);
        if self.draft.load(Ordering::Relaxed) == next {
            // Before this store a death loses all that was written, after it nothing. Release: the words come first.
            self.version.store(next, Ordering::Release);
        }
    }

    /// Forgets what was written since the last commit. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn rollback(&self) {
        if self.is_writing() {
            // The version did not move, so readers never saw the draft. Dying before this store changes nothing: the
            // successor finds the draft and drops it.
            self.draft.store(0, Ordering::Relaxed);
        }
    }

    /// Joins what the owner has written to a record, which decides from then on. For the owner of the lock.
    pub(crate) fn join(&self, record: u64) {
        let version = self.version.load(Ordering::Relaxed);
        // From here on the draft is no draft, and who dies before the next store has written nothing.
        self.draft.store(record | JOINED, Ordering::Relaxed);
        // Release: the words come first, and where the record is.
        self.version.store(version | JOINED, Ordering::Release);
    }

    /// Makes it so what the record decides, if the version is joined to one. For the owner of the lock.
    pub(crate) fn settle(&self, is_committed: impl FnOnce(u64) -> bool) {
        let version = self.version.load(Ordering::Relaxed);
        if version & JOINED != 0 {
            let next = u64::from(joined_to(self.draft.load(Ordering::Relaxed)).is_some_and(is_committed));
            // Release: as in `commit`, for those who have not seen the version joined.
            self.version.store((version & !JOINED).wrapping_add(next), Ordering::Release);
        }
    }
}

/// The record that a `draft` names.
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
        Self { versions, words, stride, size, marks }
    }

    /// The slot of a version. Which of the two it is changes with every commit, so this computes and does not branch.
    #[inline(always)]
    fn slot(self, version: u64) -> &'a [AtomicU64] {
        let start = if version & 1 == 0 { 0 } else { self.stride };
        &self.words[start..start + self.length()]
    }

    /// The words of each slot.
    #[inline(always)]
    fn length(self) -> usize {
        self.size.div_ceil(size_of::<u64>())
    }

    /// The slot of version 0, for values that have no other.
    #[inline(always)]
    pub(crate) fn first(self) -> &'a [AtomicU64] {
        self.slot(0)
    }

    /// Lets the closure write the first value, where all is zeros and nobody else looks.
    ///
    /// Of a large value both slots are made equal, so that the first change need not copy all of it.
    pub(crate) fn initialize(self, write: impl FnOnce(&[AtomicU64])) {
        write(self.first());
        if !self.marks.is_empty() {
            copy(self.first(), self.slot(1));
        }
    }

    /// What is committed, to be copied without the lock; `None` if a record decides about it.
    #[inline(always)]
    pub(crate) fn look(self) -> Option<Candidate> {
        // Acquire: pairs with the release store of `commit`, so that every word of this version is seen, or a later
        // one.
        let version = self.versions.version.load(Ordering::Acquire);
        (version & JOINED == 0).then_some(Candidate { version, word: Some(version) })
    }

    /// The same, where a record may decide that `is_committed` looks at.
    ///
    /// What the closure loads is acquired by the fence of `copy`. `is_orphan` says that a version which is joined to no record
    /// counts as rolled back. That must be said only after a pause, in which a writer that keeps to the rules has settled it.
    pub(crate) fn look_decided(self, is_orphan: bool, is_committed: impl FnOnce(u64) -> bool) -> Option<Candidate> {
        // Acquire: as in `look`; of a joined version it also gives the draft, which says where the record is.
        let word = self.versions.version.load(Ordering::Acquire);
        if word & JOINED == 0 {
            return Some(Candidate { version: word, word: Some(word) });
        }
        // If the record has been used again meanwhile, its decision acquires the settled version, and the check of the copy
        // fails. If it is another record, the value was joined to that at this moment, and the same check serves. If it
        // is none, the version was settled, and somebody writes.
        let committed = match joined_to(self.versions.draft.load(Ordering::Relaxed)) {
            Some(record) => is_committed(record),
            None if is_orphan => false,
            None => return None,
        };
        Some(Candidate { version: (word & !JOINED).wrapping_add(u64::from(committed)), word: Some(word) })
    }

    /// What the owner of the lock reads: its own writes, if it has any, or what is committed. It stays where it is.
    #[inline(always)]
    pub(crate) fn look_as_owner(self, has_written: bool) -> Candidate {
        let version = self.versions.version.load(Ordering::Relaxed);
        let own = has_written && self.versions.is_writing();
        Candidate { version: version.wrapping_add(u64::from(own)), word: None }
    }

    /// Whether somebody may be writing the version behind this one, perhaps this very thread.
    ///
    /// It may also be that a record was here once: the exact question would cost one instruction more.
    #[inline(always)]
    pub(crate) fn is_perhaps_drafted(self, candidate: &Candidate) -> bool {
        self.versions.draft.load(Ordering::Relaxed) > candidate.version
    }

    /// The words of a version.
    #[inline(always)]
    pub(crate) fn words_of(self, candidate: Candidate) -> &'a [AtomicU64] {
        self.slot(candidate.version)
    }

    /// Lets the closure copy a version; `None` if it may have been overwritten meanwhile.
    ///
    /// The closure may see words of different versions; then its result is dropped.
    #[inline(always)]
    pub(crate) fn copy<R>(self, candidate: Candidate, copy: impl FnOnce(&[AtomicU64]) -> R) -> Option<R> {
        let copied = copy(self.words_of(candidate));
        // Let a word have come from a later version. Its writer began that version with a release fence after
        // `version + 1` had been committed, and stored the word behind the fence. This acquire fence lies behind the
        // load of the word, so the fences synchronize, and the load below sees `version + 1` or more.
        // So where it still sees `version`, no word came from a later one: in all cases the copy is whole.
        // The slot of a joined version is overwritten only after that was settled and another one committed.
        fence(Ordering::Acquire);
        let is_whole = candidate.word.is_none_or(|word| self.versions.version.load(Ordering::Relaxed) == word);
        is_whole.then_some(copied)
    }

    /// The committed value. For the owner of the lock, so that it stays where it is.
    #[inline(always)]
    pub(crate) fn committed(self) -> &'a [AtomicU64] {
        self.slot(self.versions.version.load(Ordering::Relaxed))
    }

    /// The slot to change these bytes of, which starts as a copy of the committed value. For the owner of the lock.
    #[inline(always)]
    pub(crate) fn change(self, bytes: &Range<usize>) -> &'a [AtomicU64] {
        let version = self.versions.version.load(Ordering::Relaxed);
        let next = version.wrapping_add(1);
        let working = self.slot(next);
        if self.versions.draft.load(Ordering::Relaxed) != next {
            // Whoever dies from here on leaves a draft, which its successor rolls back. The mark must be there before
            // the first word is, and is: the kernel stops a thread between two of its instructions.
            self.versions.draft.store(next, Ordering::Relaxed);
            if cfg!(shared_value_fault = "commit_first") {
                self.versions.version.store(next, Ordering::Release);
            }
            self.prepare(version, bytes);
        }
        self.mark(bytes);
        working
    }

    /// Writes these bytes and commits them in one go, where nothing has been written since the last commit. For the owner
    /// of the lock.
    ///
    /// There is no draft to mark: whoever dies before the commit leaves a slot of no meaning, as there is after every commit.
    #[inline(always)]
    pub(crate) fn publish(self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) {
        let version = self.versions.version.load(Ordering::Relaxed);
        let next = version.wrapping_add(1);
        if cfg!(shared_value_fault = "commit_first") {
            self.versions.version.store(next, Ordering::Release);
        }
        self.prepare(version, bytes);
        self.mark(bytes);
        write(self.slot(next));
        // As in `commit`.
        self.versions.version.store(next, Ordering::Release);
    }

    /// Makes the working slot a copy of the committed one, unless these bytes are all that there are.
    #[inline(always)]
    fn prepare(self, version: u64, bytes: &Range<usize>) {
        // Readers of the version before the committed one may still copy from the working slot. Release: pairs with the
        // acquire fence of `read`; the commit of `version` comes before it, in this thread or, by way of the lock, in
        // another.
        fence(Ordering::Release);
        if bytes.len() == self.size {
            return;
        }
        let (committed, working) = (self.slot(version), self.slot(version.wrapping_add(1)));
        if self.marks.is_empty() {
            copy(committed, working);
        } else {
            self.marked().refresh(committed, working);
        }
    }

    /// Marks bytes of a large value that are going to be written.
    #[inline(always)]
    fn mark(self, bytes: &Range<usize>) {
        if !self.marks.is_empty() && !cfg!(shared_value_fault = "unmarked") {
            self.marked().mark(bytes);
        }
    }

    /// Marks all of a large value as different in the two slots.
    pub(crate) fn mark_all(self) {
        self.mark(&(0..self.size));
    }

    #[inline(always)]
    fn marked(self) -> Marks<'a> {
        Marks::new(self.marks, self.length())
    }

    /// As [`Versions::commit`].
    #[inline(always)]
    pub(crate) fn commit(self) {
        self.versions.commit();
    }

    /// As [`Versions::rollback`].
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
