//! Segments that are cut short while they are in use.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals};
use rustix::process::Signal;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{SegmentName, fork};

fn writable(path: impl AsRef<Path>) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// The documentation says this: an access to a page that was cut off is SIGBUS, as for every mapped file.
#[test]
fn an_access_to_a_page_that_was_cut_off_is_sigbus() {
    const ACCESSES: [fn(&SynchronizedAccount); 7] = [
        |account| drop(account.load()),
        |account| {
            black_box(account.balance());
        },
        |account| {
            black_box(account.version());
        },
        |account| {
            black_box(account.requests().fetch_add(1));
        },
        |account| drop(account.set_balance(1)),
        |account| drop(account.try_lock()),
        |account| drop(format!("{account:?}")),
    ];
    let name = SegmentName::new("cut");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let other = Synchronized::new(0_u64).unwrap();
    writable(name.path()).set_len(0).unwrap();
    for access in ACCESSES {
        fork(|| {
            let _guard = other.lock().unwrap();
            access(&account);
        })
        .finish_by(Signal::BUS);
        assert!(other.try_lock().unwrap().recovered(), "the kernel frees the other lock, as after every death");
    }
    let error = Synchronized::<Account>::open_read_only(&name).unwrap_err();
    assert!(matches!(error, Error::InvalidSegment { .. }), "{error:?}");
    // This process has not touched the memory, and can go on.
    drop(account);
    let error = SynchronizedAccount::open_or_create(&name, Account::after(1)).unwrap_err();
    assert!(matches!(error, Error::InvalidSegment { .. }), "{error:?}");
}

/// A lock in a page that was cut off cannot be released. Of the thread's other locks, the kernel must free those that it
/// reaches.
#[test]
fn a_guard_of_a_value_that_was_cut_off_is_sigbus() {
    let name = SegmentName::new("cut-held");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let [before, after] = [(), ()].map(|()| Synchronized::new(0_u64).unwrap());
    fork(|| {
        let _before = before.lock().unwrap();
        let guard = account.lock().unwrap();
        let _after = after.lock().unwrap();
        writable(name.path()).set_len(0).unwrap();
        drop(guard);
    })
    .finish_by(Signal::BUS);
    assert!(after.try_lock().unwrap().recovered());
    // The kernel's way to the lock that was taken first leads through the missing page.
    assert!(matches!(before.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
}

/// Bytes that are cut off within a page read as zeros, without a signal: zeros must be a value or invalid bits.
#[test]
fn bytes_that_were_cut_off_within_a_page_are_zeros() {
    let name = SegmentName::new("shortened");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    account.set(Account::after(2)).unwrap();
    let file = writable(name.path());
    let length = file.metadata().unwrap().len();
    for restored in [1, length] {
        file.set_len(1).unwrap();
        file.set_len(restored).unwrap();
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(0), 0));
        account.set(Account::after(3)).unwrap();
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(3), 1));
        assert_eq!(account.lock_state(), LockState::Free);
    }
}

/// The memory of a value without a name is sealed, so that no process can cut it short and kill the others by SIGBUS.
#[test]
fn memory_without_a_name_cannot_be_cut_short() {
    let account = SynchronizedAccount::new(Account::after(1)).unwrap();
    let token = account.token().unwrap().to_string();
    let descriptor = token.rsplit(':').next().unwrap();
    let file = writable(format!("/proc/self/fd/{descriptor}"));
    let length = file.metadata().unwrap().len();
    for other in [0, 1, length - 1, length + 1] {
        let refused = file.set_len(other).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM), "{refused}");
    }
    assert_eq!(
        fcntl_add_seals(&file, SealFlags::WRITE).unwrap_err(),
        rustix::io::Errno::PERM,
        "the memory cannot be made read-only"
    );

    // A peer can free pages, which is like writing zeros: the next access allocates new ones.
    let whole = file.metadata().unwrap().len();
    fallocate(&file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, whole).unwrap();
    assert_eq!((account.load().unwrap(), account.version()), (Account::after(0), 0));
    account.set(Account::after(3)).unwrap();
    assert_eq!(account.load().unwrap(), Account::after(3));
    assert!(file.as_raw_fd() >= 0);
}
