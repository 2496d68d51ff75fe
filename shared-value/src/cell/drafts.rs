//! Drafts: the values that a thread has written while it holds a lock that guards several.
//!
//! The draft word of such a value does not tell which thread wrote the draft: the present owner of the lock, or an earlier
//! owner that died. So each thread notes the values that it has touched since it took the lock. A draft without a note was
//! left by a dead owner, and is rolled back when the value is touched. When the lock is released, all noted values are
//! committed, one after the other.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::lock::LockLine;
use crate::protocol::fault;
use crate::protocol::slots::Versions;
use crate::segment::Segment;

/// A value that the thread has touched.
struct Draft {
    /// The hold that the draft belongs to: the lock, and the token of the thread, which differs in a forked child.
    lock: *const LockLine,
    token: u64,
    versions: NonNull<Versions>,
    /// Keeps the value mapped, if its last handle is dropped before the lock is released.
    #[expect(dead_code, reason = "it keeps the value mapped")]
    segment: Arc<Segment>,
    /// Whether an `update` has borrowed the value.
    is_borrowed: bool,
}

impl Draft {
    fn versions(&self) -> &Versions {
        // SAFETY: `segment` keeps the words mapped while `self` lives, and they are atomics, which are valid for any bytes.
        unsafe { self.versions.as_ref() }
    }

    fn belongs_to(&self, lock: &LockLine, token: u64) -> bool {
        std::ptr::eq(self.lock, lock) && self.token == token
    }
}

thread_local! {
    /// The list has no destructor, so it is usable until the thread is gone. A thread that ends while it holds a lock leaks
    /// it.
    static DRAFTS: RefCell<ManuallyDrop<Vec<Draft>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };

    /// The value that the outermost `update` of this thread has borrowed. An `update` commits by itself, so this value has no
    /// note, and most updates need none.
    static BORROW: Cell<Option<Borrow>> = const { Cell::new(None) };
}

/// A borrow of a value without a note. The pointers are only compared.
#[derive(Clone, Copy)]
struct Borrow {
    lock: *const LockLine,
    token: u64,
    versions: *const Versions,
}

impl Borrow {
    fn belongs_to(self, lock: &LockLine, token: u64) -> bool {
        ptr::eq(self.lock, lock) && self.token == token
    }
}

/// A value under a hold, with the operations on this thread's notes about it.
#[derive(Clone, Copy)]
pub(crate) struct Drafted<'a> {
    pub(crate) lock: &'a LockLine,
    pub(crate) token: u64,
    pub(crate) versions: &'a Versions,
}

impl Drafted<'_> {
    fn find<R>(self, found: impl FnOnce(&mut Draft) -> R) -> Option<R> {
        DRAFTS.with_borrow_mut(|drafts| {
            drafts
                .iter_mut()
                .find(|draft| draft.belongs_to(self.lock, self.token) && std::ptr::eq(draft.versions(), self.versions))
                .map(found)
        })
    }

    fn belongs_to_borrow(self, borrow: Borrow) -> bool {
        borrow.belongs_to(self.lock, self.token) && std::ptr::eq(borrow.versions, self.versions)
    }

    /// Returns whether this thread has touched the value since it took the lock.
    pub(crate) fn is_noted(self) -> bool {
        self.find(|_| ()).is_some()
    }

    /// Notes that this thread touches the value, and rolls back a dead owner's draft.
    pub(crate) fn note(self, segment: &Arc<Segment>) {
        if self.is_noted() {
            return;
        }
        // If the thread dies before it makes the note, the draft still belongs to a dead owner.
        if !fault::is_chosen("keep_leftover") {
            self.versions.rollback();
        }
        let draft = Draft {
            lock: self.lock,
            token: self.token,
            versions: self.versions.into(),
            segment: Arc::clone(segment),
            is_borrowed: false,
        };
        if DRAFTS.with_borrow(|drafts| drafts.len() == drafts.capacity()) {
            make_room();
        }
        DRAFTS.with_borrow_mut(|drafts| {
            forget_foreign(drafts, self.token);
            drafts.push(draft);
        });
    }

    pub(crate) fn is_borrowed(self) -> bool {
        BORROW.get().is_some_and(|borrow| self.belongs_to_borrow(borrow))
            || self.find(|draft| draft.is_borrowed) == Some(true)
    }

    /// Borrows the value, or ends the borrow.
    pub(crate) fn set_borrowed(self, is_borrowed: bool, segment: &Arc<Segment>) {
        match BORROW.get() {
            Some(borrow) if self.belongs_to_borrow(borrow) => {
                if !is_borrowed {
                    BORROW.set(None);
                }
            }
            // In a forked child, the borrow of its parent means nothing.
            Some(borrow) if borrow.token == self.token => self.note_borrowed(is_borrowed, segment),
            _ if is_borrowed => {
                let (lock, token, versions) = (ptr::from_ref(self.lock), self.token, ptr::from_ref(self.versions));
                BORROW.set(Some(Borrow { lock, token, versions }));
            }
            _ => self.note_borrowed(is_borrowed, segment),
        }
    }

    /// Borrows the value, or ends the borrow, while another value is borrowed.
    #[cold]
    fn note_borrowed(self, is_borrowed: bool, segment: &Arc<Segment>) {
        self.note(segment);
        self.find(|draft| draft.is_borrowed = is_borrowed);
    }
}

/// Borrows a value. The thread has just taken the lock, and held none before, so it has borrowed nothing else.
#[inline]
pub(crate) fn borrow(lock: &LockLine, token: u64, versions: &Versions) {
    BORROW.set(Some(Borrow { lock, token, versions }));
}

/// Ends the outermost borrow.
#[inline]
pub(crate) fn end_borrow() {
    BORROW.set(None);
}

/// Returns whether this thread has no notes at all.
#[inline]
pub(crate) fn is_empty() -> bool {
    DRAFTS.with_borrow(|drafts| drafts.is_empty())
}

/// Makes the list longer. Memory is allocated and freed while the list is not borrowed: the allocator may change values under
/// a lock too, and so add notes.
#[cold]
fn make_room() {
    loop {
        let mut spare = Vec::with_capacity(2 * DRAFTS.with_borrow(|drafts| drafts.len()) + 4);
        let is_enough = DRAFTS.with_borrow_mut(|drafts| {
            let is_enough = drafts.len() < spare.capacity();
            if is_enough {
                spare.append(drafts);
                mem::swap(&mut **drafts, &mut spare);
            }
            is_enough
        });
        if is_enough {
            return;
        }
    }
}

/// Forgets the notes that a forked child finds: they belong to its parent. They are not dropped, because another thread of
/// the parent may have been inside of the allocator or of a segment's mutex when the fork copied them.
fn forget_foreign(drafts: &mut Vec<Draft>, token: u64) {
    let mut index = 0;
    while let Some(draft) = drafts.get(index) {
        if draft.token == token {
            index += 1;
        } else {
            mem::forget(drafts.remove(index));
        }
    }
}

/// Returns whether an `update` of this thread has borrowed any value under the lock.
#[cold]
pub(crate) fn is_any_borrowed(lock: &LockLine, token: u64) -> bool {
    BORROW.get().is_some_and(|borrow| borrow.belongs_to(lock, token))
        || DRAFTS.with_borrow(|drafts| drafts.iter().any(|draft| draft.belongs_to(lock, token) && draft.is_borrowed))
}

/// Returns whether this thread has written any value under the lock since the last commit.
pub(crate) fn is_any_writing(lock: &LockLine, token: u64) -> bool {
    DRAFTS
        .with_borrow(|drafts| drafts.iter().any(|draft| draft.belongs_to(lock, token) && draft.versions().is_writing()))
}

/// Commits all values that this thread has written under the lock.
///
/// If the thread dies between two commits, the values that are not committed yet keep their old contents.
pub(crate) fn commit(lock: &LockLine, token: u64) {
    each(lock, token, Versions::commit);
}

/// Rolls back all values that this thread has written under the lock since the last commit.
pub(crate) fn rollback(lock: &LockLine, token: u64) {
    each(lock, token, Versions::rollback);
}

fn each(lock: &LockLine, token: u64, work: impl Fn(&Versions)) {
    DRAFTS.with_borrow(|drafts| {
        drafts.iter().filter(|draft| draft.belongs_to(lock, token)).for_each(|draft| work(draft.versions()));
    });
}

/// Drops the notes of a hold that has ended.
pub(crate) fn end(lock: &LockLine, token: u64) {
    let take = |drafts: &mut ManuallyDrop<Vec<Draft>>| {
        let place = drafts.iter().rposition(|draft| draft.belongs_to(lock, token))?;
        Some(drafts.remove(place))
    };
    while let Some(ended) = DRAFTS.with_borrow_mut(take) {
        // Dropped here, while `DRAFTS` is not borrowed: dropping the last reference to a segment unmaps it, and that may
        // look at the drafts.
        drop(ended);
    }
}
