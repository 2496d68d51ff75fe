//! The list of robust futexes that glibc registers for every thread.
//!
//! When a thread dies, in whatever way, the kernel walks this list, and every lock word in it that holds the thread's
//! id gets the owner-died bit and one sleeper woken (`kernel/futex/core.c`, `exit_robust_list`; the contract is
//! `Documentation/locking/robust-futex-ABI.rst`). An entry is the address of the lock's `next` pointer; the lock word
//! lies `futex_offset` bytes from it; the `prev` pointer, which only user space reads, lies 8 bytes before it. Bit 0 of
//! a pointer marks a priority-inheriting lock and does not belong to the address.
#![allow(unsafe_code)]
#![allow(clippy::cast_possible_truncation, reason = "addresses are 64 bits wherever this crate compiles")]

use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, compiler_fence};

/// From a list entry back to its lock word, in bytes, as glibc on 64-bit platforms registers it.
pub(crate) const NODE_OFFSET: usize = 32;

const PRIORITY_INHERITING: u64 = 1;

/// `struct robust_list_head` of `linux/futex.h`; addresses as integers.
///
/// The C library accesses it without atomics, but only from its own thread, so those accesses do not race with these.
#[derive(Debug)]
#[repr(C)]
struct Head {
    list: AtomicU64,
    futex_offset: AtomicI64,
    pending: AtomicU64,
}

/// The robust list of one thread. Only that thread may call its methods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RobustList {
    head: NonNull<Head>,
}

/// A place for a thread's list in a record that other threads can see, but not use.
#[derive(Debug, Default)]
pub(crate) struct RobustListCell {
    head: AtomicPtr<Head>,
}

impl RobustListCell {
    pub(crate) fn set(&self, list: RobustList) {
        self.head.store(list.head.as_ptr(), Relaxed);
    }

    /// The list put in last.
    ///
    /// # Safety
    /// One was put in, by the calling thread.
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> RobustList {
        // SAFETY: the pointer comes from a `RobustList`, as the caller promises.
        let head = unsafe { NonNull::new_unchecked(self.head.load(Relaxed)) };
        RobustList { head }
    }
}

/// The list cannot take this crate's locks.
#[derive(Debug)]
pub(crate) struct Unfit;

impl RobustList {
    /// The calling thread's list, if locks laid out like glibc's fit into it.
    pub(crate) fn of_this_thread() -> Result<Self, Unfit> {
        let mut head: *mut Head = ptr::null_mut();
        let mut length: usize = 0;
        // SAFETY: the call writes one pointer and one length, to locals of these types.
        let result = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length) };
        let head = NonNull::new(head).filter(|_| result == 0 && length == size_of::<Head>()).ok_or(Unfit)?;
        let list = Self { head };
        let expected = -i64::try_from(NODE_OFFSET).expect("a small number");
        if list.head().futex_offset.load(Relaxed) == expected { Ok(list) } else { Err(Unfit) }
    }

    #[inline(always)]
    fn head(&self) -> &Head {
        // SAFETY: glibc registered this head for the thread that alone gets here, so it is mapped while that runs.
        unsafe { self.head.as_ref() }
    }

    /// The address that ends the list, as the entries before and behind it hold it.
    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.head.as_ptr().expose_provenance() as u64
    }

    /// The first entry, perhaps with its mark; `address()` if the list is empty.
    #[inline(always)]
    pub(crate) fn first(self) -> u64 {
        self.head().list.load(Relaxed)
    }

    /// Makes an entry the first.
    ///
    /// # Safety
    /// - `entry` is `address()` or the address of an entry whose `next` leads through valid entries to `address()`.
    /// - Entries stay mapped until they are taken out.
    #[inline(always)]
    pub(crate) unsafe fn set_first(self, entry: u64) {
        // The kernel looks at the list when this thread is stopped, between any two of its instructions, as a signal
        // handler would. So the order of the instructions is enough, and the fences keep the compiler to it.
        compiler_fence(SeqCst);
        self.head().list.store(entry, Relaxed);
        compiler_fence(SeqCst);
    }

    /// Announces an entry that this thread is about to put in or take out, so that the kernel looks at it too.
    ///
    /// The kernel checks the address itself, and changes the word there only if it holds this thread's id.
    #[inline(always)]
    pub(crate) fn announce(self, entry: u64) {
        self.head().pending.store(entry, Relaxed);
        compiler_fence(SeqCst);
    }

    /// Takes the announcement back.
    #[inline(always)]
    pub(crate) fn retract(self) {
        compiler_fence(SeqCst);
        self.head().pending.store(0, Relaxed);
    }
}

/// The `next` pointer of an entry.
///
/// # Safety
/// `entry`, without its mark, is the address of an entry that is mapped now.
#[inline(always)]
pub(crate) unsafe fn next_of(entry: u64) -> u64 {
    // SAFETY: the caller promises a mapped entry, which is an aligned word.
    unsafe { word_at(entry & !PRIORITY_INHERITING) }.load(Relaxed)
}

/// Changes the `next` pointer of an entry.
///
/// # Safety
/// `entry`, without its mark, is the address of an entry in this thread's list; and as for `RobustList::set_first`.
#[inline(always)]
pub(crate) unsafe fn set_next_of(entry: u64, next: u64) {
    // As in `RobustList::set_first`.
    compiler_fence(SeqCst);
    // SAFETY: the caller promises a mapped entry, which is an aligned word.
    unsafe { word_at(entry & !PRIORITY_INHERITING) }.store(next, Relaxed);
    compiler_fence(SeqCst);
}

/// # Safety
/// `address` is that of an aligned word, mapped during `'a`, that is only accessed atomically.
#[inline(always)]
unsafe fn word_at<'a>(address: u64) -> &'a AtomicU64 {
    let word = ptr::with_exposed_provenance_mut(address as usize);
    // SAFETY: promised by the caller. glibc accesses the words of its own locks without atomics, but only from this
    // thread, so its accesses do not race with these.
    unsafe { AtomicU64::from_ptr(word) }
}
