//! Processes that may read the file of a value, and not write it.
#![allow(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Instant;

use rustix::process::geteuid;
use rustix::thread::{Gid, Uid, set_thread_gid, set_thread_uid};
use shared_value::{Error, LockError, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, Forked, SegmentName, fork, lock_bytes, skip};

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// Makes this process one of another user, if it may do that. If not, the process goes on as it is: a descriptor for reading
/// gives it no more rights.
fn become_nobody() -> bool {
    if !geteuid().is_root() {
        skip("this process goes on as its user: becoming another one takes root");
        return false;
    }
    set_thread_gid(Gid::from_raw(NOBODY)).expect("root may do that");
    set_thread_uid(Uid::from_raw(NOBODY)).expect("root may do that");
    true
}

/// Starts a process that holds every lock that a reader can have on a file, until it is dropped.
#[track_caller]
fn reader_of(name: &SegmentName) -> Forked {
    let ready = Synchronized::new(false).unwrap();
    let reader = fork(|| {
        let is_nobody = become_nobody();
        let file = File::open(name.path()).expect("anybody may read it");
        assert!(!is_nobody || OpenOptions::new().write(true).open(name.path()).is_err());
        lock_bytes(&file, libc::F_OFD_SETLK, libc::F_RDLCK, 0, 0).expect("a reader may do that");
        lock_bytes(&file, libc::F_OFD_SETLK, libc::F_WRLCK, 0, 0).expect_err("only writers may do that");
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("anybody may do that");
        let again = File::open(name.path()).expect("anybody may read it");
        lock_bytes(&again, libc::F_SETLK, libc::F_RDLCK, 0, 0).expect("a reader may do that");
        // SAFETY: the descriptor is open, and the call takes a number.
        let leased = unsafe { libc::fcntl(again.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
        assert!(!is_nobody || leased == -1, "a lease would hold up processes that open the file");
        ready.set(true).expect("the test waits for it");
        thread::sleep(DEADLINE);
    });
    ready.wait_for(|ready| *ready, DEADLINE).unwrap();
    reader
}

/// A process that opens the file waits while another one is opening it: the lock of a mere reader must not count as that.
#[test]
fn a_reader_cannot_hold_up_processes_that_open() {
    let name = SegmentName::new("held-up");
    drop(Synchronized::options().mode(0o644).create(&name, 0_u64).unwrap());
    let _reader = reader_of(&name);
    for _ in 0..10 {
        let writers = [(); 3].map(|()| {
            fork(|| {
                let start = Instant::now();
                let value = Synchronized::<u64>::open(&name).unwrap();
                assert!(start.elapsed() < AT_ONCE, "opening took {:?}", start.elapsed());
                value.update(|number| *number += 1).unwrap();
            })
        });
        writers.into_iter().for_each(Forked::finish);
    }
    assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), 30);
}

/// Read permission must be enough for reading, and for nothing else.
#[test]
fn a_reader_reads_and_nothing_else() {
    let name = SegmentName::new("read");
    let value = Synchronized::options().mode(0o644).create(&name, 1_u64).unwrap();
    let _guard = value.lock().unwrap();
    fork(|| {
        let is_nobody = become_nobody();
        let reader = Synchronized::<u64>::open_read_only(&name).unwrap();
        assert_eq!((reader.get(), reader.version()), (1, 0));
        if is_nobody {
            let refused = Synchronized::<u64>::open(&name).unwrap_err();
            assert!(
                matches!(&refused, Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied),
                "{refused:?}"
            );
            let refused = Synchronized::<u64>::open(value.token().unwrap()).unwrap_err();
            assert!(matches!(refused, Error::StaleToken { .. }), "{refused:?}");
        }
    })
    .finish();
}

/// The documentation says what a reader can do: by a lock on the file it can make the file look in use, so that a lock that
/// was left over stays locked.
#[test]
fn a_reader_can_keep_an_abandoned_lock_from_being_found() {
    let (name, copy) = (SegmentName::new("in-use"), SegmentName::new("abandoned"));
    let value = Synchronized::options().mode(0o644).create(&name, 1_u64).unwrap();
    let guard = value.lock().unwrap();
    fs::copy(name.path(), copy.path()).unwrap();
    drop(guard);
    let reader = reader_of(&copy);
    let is_held = || {
        let value = Synchronized::<u64>::open(&copy).unwrap();
        let result = value.try_lock();
        match result {
            Ok(guard) => {
                assert!(guard.recovered());
                false
            }
            Err(error) => matches!(error, Error::Lock(LockError::WouldBlock)),
        }
    };
    // In children: if this process had the file open, forked children of other tests would keep it open.
    fork(|| assert!(is_held(), "the documentation says this: correct it if it is no longer true")).finish();
    drop(reader);
    fork(|| assert!(!is_held())).finish();
}
