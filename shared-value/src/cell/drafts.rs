//! `Drafts`: the values that a thread has written while it holds a lock that guards several.
//!
//! The draft mark of such a value does not say who wrote the draft: the thread that holds the lock now, or one that died
//! with it before anybody touched the value again. So each thread notes what it has touched since it took the lock. What
//! is not noted is a dead owner's, and dropped when it is touched. When the lock is released, all that is noted is
//! committed, one value after the other.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem::{self, ManuallyDrop};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::lock::LockLine;
use crate::protocol::slots::Versions;
use crate::segment::Segment;

/// A value that the thread has touched.
struct Draft {
    /// The hold that this belongs to: the lock, and the token of the thread, which is another one in a forked child.
    lock: *const LockLine,
    token: u64,
    versions: NonNull<Versions>,
    /// Keeps the value mapped, if its last handle goes before the lock is released.
    #[expect(dead_code, reason = "it keeps the value mapped")]
    segment: Arc<Segment>,
    /// An `update` has the value borrowed.
    is_borrowed: bool,
}

impl Draft {
    fn versions(&self) -> &Versions {
        // SAFETY: the segment keeps the words mapped, which are atomics, for which all bytes are valid.
        unsafe { self.versions.as_ref() }
    }

    fn belongs_to(&self, lock: &LockLine, token: u64) -> bool {
        std::ptr::eq(self.lock, lock) && self.token == token
    }
}

thread_local! {
    /// Without a destructor, so that it can be used until the thread is gone. Whoever ends with a lock leaks what is in it.
    static DRAFTS: RefCell<ManuallyDrop<Vec<Draft>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// The value that this is asked about: a hold, and the value's versions.
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

    /// Whether this thread has touched the value since it took the lock.
    pub(crate) fn is_noted(self) -> bool {
        self.find(|_| ()).is_some()
    }

    /// Notes that this thread touches the value, and drops what a dead owner has left.
    pub(crate) fn note(self, segment: &Arc<Segment>) {
        if self.is_noted() {
            return;
        }
        // If the thread dies before this, the draft is still a dead owner's.
        if !cfg!(shared_value_fault = "keep_leftover") {
            self.versions.rollback();
        }
        let draft = Draft {
            lock: self.lock,
            token: self.token,
            versions: self.versions.into(),
            segment: Arc::clone(segment),
            is_borrowed: false,
        };
        DRAFTS.with_borrow_mut(|drafts| {
            // What a forked child finds here belongs to its parent: the entries are forgotten, not dropped, since other
            // threads of the parent may have been in the middle of anything.
            if drafts.iter().any(|other| other.token != self.token) {
                let (own, foreign) = mem::take(&mut **drafts).into_iter().partition(|other| other.token == self.token);
                **drafts = own;
                mem::forget::<Vec<Draft>>(foreign);
            }
            drafts.push(draft);
        });
    }

    pub(crate) fn is_borrowed(self) -> bool {
        self.find(|draft| draft.is_borrowed) == Some(true)
    }

    /// Borrows a value that was noted, or ends that.
    pub(crate) fn set_borrowed(self, is_borrowed: bool) {
        self.find(|draft| draft.is_borrowed = is_borrowed);
    }
}

/// Whether an `update` of this thread has any value under the lock borrowed.
#[cold]
pub(crate) fn is_any_borrowed(lock: &LockLine, token: u64) -> bool {
    DRAFTS.with_borrow(|drafts| drafts.iter().any(|draft| draft.belongs_to(lock, token) && draft.is_borrowed))
}

/// Commits all values that this thread has written under the lock.
///
/// One after the other: if the thread dies in between, those that come later stay as they were.
pub(crate) fn commit(lock: &LockLine, token: u64) {
    each(lock, token, Versions::commit);
}

/// Forgets what this thread has written under the lock since the last commit.
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
        // Only here, where nothing is borrowed: the last of a segment unmaps it.
        drop(ended);
    }
}
