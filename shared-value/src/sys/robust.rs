//! The list of robust futexes that glibc registers for every thread.
//!
//! When a thread dies, the kernel walks this list. It sets the owner-died bit of every lock word that holds the thread's id,
//! and wakes one sleeper (`kernel/futex/core.c`, `exit_robust_list`; the contract is
//! `Documentation/locking/robust-futex-ABI.rst`). An entry is the address of the lock's *node*, its `next` pointer. The lock
//! word lies `futex_offset` bytes from the node. The `prev` pointer, which only user space reads, lies 8 bytes before the
//! node. Bit 0 of a pointer marks a priority-inheriting lock, and is not part of the address.
#![allow(unsafe_code)]
#![allow(clippy::cast_possible_truncation, reason = "addresses are 64 bits wherever this crate compiles")]

use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, compiler_fence};

/// The number of bytes from a lock word to its node, as glibc on 64-bit platforms registers it.
pub(crate) const NODE_OFFSET: usize = 32;

const PRIORITY_INHERITING: u64 = 1;

/// `struct robust_list_head` of `linux/futex.h`; addresses as integers.
///
/// The C library accesses it without atomics, but only in the thread that the list belongs to. So those accesses do not race
/// with the ones here, which that thread makes too.
#[derive(Debug)]
#[repr(C)]
struct ListHead {
    list: AtomicU64,
    futex_offset: AtomicI64,
    pending: AtomicU64,
}

/// The robust list of one thread. Only that thread may call its methods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RobustList {
    head: NonNull<ListHead>,
}

/// Holds a thread's list in a record that other threads can see. They cannot use the list.
#[derive(Debug, Default)]
pub(crate) struct RobustListCell {
    head: AtomicPtr<ListHead>,
}

impl RobustListCell {
    pub(crate) fn set(&self, list: RobustList) {
        self.head.store(list.head.as_ptr(), Relaxed);
    }

    /// Returns the list that was set last.
    ///
    /// # Safety
    /// The calling thread has set a list.
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> RobustList {
        // SAFETY: the caller promises that `set` was called, which stores the pointer of a `RobustList`: that is not null.
        let head = unsafe { NonNull::new_unchecked(self.head.load(Relaxed)) };
        RobustList { head }
    }
}

/// Why a thread has no list that can hold this crate's locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The kernel refuses to say where the list is: a filter of system calls, or a kernel without robust lists.
    Refused,
    /// The list has another form, or the C library has registered none.
    Form,
}

impl RobustList {
    /// Returns the calling thread's list, if locks that are laid out like glibc's fit into it.
    pub(crate) fn of_this_thread() -> Result<Self, Unfit> {
        let mut head: *mut ListHead = ptr::null_mut();
        let mut length: usize = 0;
        // SAFETY: the call writes a pointer and a length, to locals of these types.
        let result = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length) };
        if result != 0 {
            return Err(Unfit::Refused);
        }
        let head = NonNull::new(head).filter(|_| length == size_of::<ListHead>()).ok_or(Unfit::Form)?;
        let list = Self { head };
        let expected = -i64::try_from(NODE_OFFSET).expect("a small number");
        if list.head().futex_offset.load(Relaxed) == expected { Ok(list) } else { Err(Unfit::Form) }
    }

    #[inline(always)]
    fn head(&self) -> &ListHead {
        // SAFETY: glibc registered this head for the calling thread, the only one that may call these methods. The head is
        // mapped while that thread runs. Its fields are atomics, which are valid for any bytes.
        unsafe { self.head.as_ref() }
    }

    /// Returns the address of the head. As a `next` pointer, it ends the list.
    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.head.as_ptr().expose_provenance() as u64
    }

    /// Returns the first entry, perhaps with the bit of a priority-inheriting lock; `address()` if the list is empty.
    #[inline(always)]
    pub(crate) fn first(self) -> u64 {
        self.head().list.load(Relaxed)
    }

    /// Makes an entry the first one.
    ///
    /// # Safety
    /// - `entry` is `address()` or the address of an entry whose `next` leads through valid entries to `address()`.
    /// - Entries stay mapped until they are removed.
    #[inline(always)]
    pub(crate) unsafe fn set_first(self, entry: u64) {
        // The kernel reads the list while this thread is stopped between two instructions, as a signal handler would. So the
        // order of the instructions is enough, and the fences make the compiler keep that order.
        compiler_fence(SeqCst);
        self.head().list.store(entry, Relaxed);
        compiler_fence(SeqCst);
    }

    /// Announces an entry that this thread is about to add or remove: the kernel then handles that entry too.
    ///
    /// The kernel checks the address itself, and changes the lock word only if that holds this thread's id.
    #[inline(always)]
    pub(crate) fn announce(self, entry: u64) {
        self.head().pending.store(entry, Relaxed);
        compiler_fence(SeqCst);
    }

    /// Withdraws the announcement.
    #[inline(always)]
    pub(crate) fn retract(self) {
        compiler_fence(SeqCst);
        self.head().pending.store(0, Relaxed);
    }
}

/// Returns the `next` pointer of an entry.
///
/// # Safety
/// `entry`, without the bit of a priority-inheriting lock, is the address of an entry that is mapped now.
#[inline(always)]
pub(crate) unsafe fn next_of(entry: u64) -> u64 {
    // SAFETY: the caller promises a mapped entry: an aligned word, which other threads access only atomically.
    unsafe { word_at(entry & !PRIORITY_INHERITING) }.load(Relaxed)
}

/// Changes the `next` pointer of an entry.
///
/// # Safety
/// - `entry`, without the bit of a priority-inheriting lock, is the address of an entry in this thread's list.
/// - `next` is the head's address or the address of an entry whose `next` leads through valid entries to the head.
/// - Entries stay mapped until they are removed.
#[inline(always)]
pub(crate) unsafe fn set_next_of(entry: u64, next: u64) {
    // The fences make the compiler keep the order of the stores, which the kernel relies on: see `RobustList::set_first`.
    compiler_fence(SeqCst);
    // SAFETY: the caller promises a mapped entry: an aligned word, which other threads access only atomically.
    unsafe { word_at(entry & !PRIORITY_INHERITING) }.store(next, Relaxed);
    compiler_fence(SeqCst);
}

/// # Safety
/// `address` is the address of an aligned word that is mapped during `'a`, and that other threads access only atomically.
#[inline(always)]
unsafe fn word_at<'a>(address: u64) -> &'a AtomicU64 {
    let word = ptr::with_exposed_provenance_mut(address as usize);
    // SAFETY: the caller promises an aligned and mapped word that other threads access only atomically. glibc accesses the
    // words of its own locks without atomics, but only in this thread, so these accesses do not race.
    unsafe { AtomicU64::from_ptr(word) }
}
