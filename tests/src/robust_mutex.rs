//! Robust mutexes of the C library: they share a thread's robust list with the locks under test.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Robust mutexes in memory that forked children share.
#[derive(Debug)]
pub struct RobustMutexes {
    first: *mut libc::pthread_mutex_t,
    count: usize,
}

// SAFETY: the memory is never unmapped, and any thread may use the mutexes in it.
unsafe impl Send for RobustMutexes {}
// SAFETY: as above; the mutexes are initialized before a reference can be shared.
unsafe impl Sync for RobustMutexes {}

/// Whether the owner of a mutex inherits the priority of its waiters. The robust list marks mutexes with inheritance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// No inheritance (`PTHREAD_PRIO_NONE`).
    Plain,
    /// Inheritance (`PTHREAD_PRIO_INHERIT`).
    InheritPriority,
}

/// The state in which a mutex was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The mutex was free.
    Free,
    /// Its owner had died while it held the mutex.
    OwnerDied,
}

impl RobustMutexes {
    /// Makes a free mutex for each protocol. The mutexes are never unmapped.
    ///
    /// # Panics
    /// If the system refuses to map memory or to initialize a mutex.
    pub fn new(protocols: &[Protocol]) -> Self {
        let length = size_of::<libc::pthread_mutex_t>() * protocols.len().max(1);
        // SAFETY: the kernel chooses a free address.
        let memory =
            unsafe { mmap_anonymous(ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED) };
        let mutexes = Self { first: memory.expect("a page of memory").cast(), count: protocols.len() };
        for (index, protocol) in protocols.iter().enumerate() {
            mutexes.initialize(index, *protocol);
        }
        mutexes
    }

    fn initialize(&self, index: usize, protocol: Protocol) {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the pointer leads to a local that has room for the attributes.
        check(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) });
        // SAFETY: the attributes were initialized.
        check(unsafe { libc::pthread_mutexattr_setpshared(attributes.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED) });
        // SAFETY: the attributes were initialized.
        check(unsafe { libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST) });
        let protocol = match protocol {
            Protocol::Plain => libc::PTHREAD_PRIO_NONE,
            Protocol::InheritPriority => libc::PTHREAD_PRIO_INHERIT,
        };
        // SAFETY: the attributes were initialized.
        check(unsafe { libc::pthread_mutexattr_setprotocol(attributes.as_mut_ptr(), protocol) });
        // SAFETY: the attributes were initialized, and no thread uses the mutex yet.
        check(unsafe { libc::pthread_mutex_init(self.at(index), attributes.as_ptr()) });
    }

    fn at(&self, index: usize) -> *mut libc::pthread_mutex_t {
        assert!(index < self.count, "there are {} mutexes", self.count);
        self.first.wrapping_add(index)
    }

    /// Takes a mutex that is free or whose owner has died.
    ///
    /// # Panics
    /// If a living thread holds it.
    #[track_caller]
    pub fn take(&self, index: usize) -> Taken {
        // SAFETY: the mutex was initialized and is never unmapped.
        match unsafe { libc::pthread_mutex_trylock(self.at(index)) } {
            0 => Taken::Free,
            libc::EOWNERDEAD => {
                // SAFETY: this thread holds the mutex.
                check(unsafe { libc::pthread_mutex_consistent(self.at(index)) });
                Taken::OwnerDied
            }
            error => panic!("robust mutex {index} cannot be taken: error {error}"),
        }
    }

    /// Releases a mutex that this thread holds.
    ///
    /// # Panics
    /// If this thread does not hold it.
    #[track_caller]
    pub fn release(&self, index: usize) {
        // SAFETY: the mutex was initialized and is never unmapped.
        check(unsafe { libc::pthread_mutex_unlock(self.at(index)) });
    }

    /// Overwrites the mutex's pointer to the next entry of its owner's robust list, so that it leads to the mutex itself.
    ///
    /// After this call the process must not use this mutex again before it ends.
    pub fn lead_to_itself(&self, index: usize) {
        const NODE: usize = 32;
        let node = self.at(index).wrapping_byte_add(NODE).cast::<u64>();
        // SAFETY: the word lies in the mutex, aligned, and the C library accesses it only when a mutex is taken or
        // released.
        unsafe { AtomicU64::from_ptr(node) }.store(node.expose_provenance() as u64, Ordering::Relaxed);
    }
}

#[track_caller]
fn check(error: libc::c_int) {
    assert_eq!(error, 0, "a robust mutex was refused");
}
