//! `inspect`: what a tool sees of a segment that it does not use.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use shared_value::{Arena, DynLayout, DynValue, Error, LockKind, RLock, ReportedLock, Synchronized, inspect};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SegmentName, eventually, fork};

/// A tool that looks at a segment must not change it, and must not count as one of its users.
#[test]
fn a_look_leaves_everything_as_it_is() {
    let name = SegmentName::new("inspect-look");
    let value = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    drop(value);
    name.wait_until_unused();
    let before = fs::read(name.path()).unwrap();
    let report = inspect(&name).unwrap();
    assert!(!report.is_in_use() && !report.is_read() && !report.is_being_opened());
    assert_eq!((report.type_name(), report.version(), report.recoveries()), ("Account", Some(0), Some(0)));
    assert_eq!((report.size(), report.format()), (Some(size_of::<Account>()), Some(2)));
    assert!(report.fault().is_none() && !report.is_arena() && !report.is_unvouched() && !report.is_retired());
    assert_eq!(fs::read(name.path()).unwrap(), before);

    let reader = SynchronizedAccount::open_read_only(&name).unwrap();
    assert!(inspect(&name).unwrap().is_read() && !inspect(&name).unwrap().is_in_use());
    drop(reader);
    // A child that another test has forked meanwhile reads too, until it ends.
    eventually("no process reads", || !inspect(&name).unwrap().is_read());
    let writer = SynchronizedAccount::open(&name).unwrap();
    assert!(inspect(&name).unwrap().is_in_use() && !inspect(&name).unwrap().is_read());
    drop(writer);
}

/// Without the owner, a tool could not say which process holds up all others.
#[test]
fn the_owner_of_each_kind_of_lock_is_named() {
    let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();

    let name = SegmentName::new("inspect-native");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    assert_eq!(inspect(&name).unwrap().lock(), Some(ReportedLock::Native));
    assert_eq!(inspect(&name).unwrap().owner(), None);
    let guard = value.lock().unwrap();
    let owner = inspect(&name).unwrap().owner().unwrap();
    assert_eq!(owner.thread_id(), thread);
    assert!(owner.process_number().is_some_and(|number| number != 0));
    drop(guard);

    let name = SegmentName::new("inspect-pthread");
    let value = Synchronized::options().lock_kind(LockKind::Pthread).create(&name, 1_u64).unwrap();
    assert_eq!(inspect(&name).unwrap().lock(), Some(ReportedLock::Pthread));
    assert_eq!(inspect(&name).unwrap().owner(), None);
    let guard = value.lock().unwrap();
    let owner = inspect(&name).unwrap().owner().unwrap();
    assert_eq!((owner.thread_id(), owner.process_number()), (thread, None));
    drop(guard);

    let (name, guarded) = (SegmentName::new("inspect-object"), SegmentName::new("inspect-guarded"));
    let lock = RLock::create(&name).unwrap();
    let value = Synchronized::options().lock(&lock).create(&guarded, 1_u64).unwrap();
    let Some(ReportedLock::Itself { identity }) = inspect(&name).unwrap().lock() else {
        panic!("{:?}", inspect(&name));
    };
    assert_eq!(inspect(&guarded).unwrap().lock(), Some(ReportedLock::Object { identity }));
    let guard = value.lock().unwrap();
    assert_eq!(inspect(&name).unwrap().owner().map(|owner| owner.thread_id()), Some(thread));
    assert_eq!(inspect(&guarded).unwrap().owner(), None);
    drop(guard);

    let name = SegmentName::new("inspect-unlocked");
    let _value = Synchronized::options().unlocked().create(&name, 1_u64).unwrap();
    assert_eq!(inspect(&name).unwrap().lock(), Some(ReportedLock::None));
}

/// A death, its recovery, and threads that wait are what a diagnosis is made of.
#[test]
fn deaths_and_waiters_are_seen() {
    let name = SegmentName::new("inspect-death");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let holder = fork(|| {
        let _guard = value.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    eventually("the child holds the lock", || inspect(&name).unwrap().owner().is_some());
    assert!(!inspect(&name).unwrap().has_waiters());
    let waiter = fork(|| value.update(|value| *value += 1).unwrap());
    eventually("the other child waits", || inspect(&name).unwrap().has_waiters());
    holder.signal(Signal::KILL);
    holder.finish_killed();
    waiter.finish();
    let report = inspect(&name).unwrap();
    assert_eq!((report.version(), report.recoveries(), report.owner()), (Some(1), Some(1), None));

    let last = fork(|| {
        let _guard = value.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    eventually("the child holds the lock", || inspect(&name).unwrap().owner().is_some());
    last.signal(Signal::KILL);
    last.finish_killed();
    eventually("the death is marked", || inspect(&name).unwrap().has_owner_died());
    assert_eq!(value.get(), 2);

    let watcher = fork(|| assert_eq!(value.wait_for(|value| *value == 3, DEADLINE).unwrap(), 3));
    eventually("a thread waits for a change", || inspect(&name).unwrap().is_awaited());
    value.set(3).unwrap();
    watcher.finish();
}

#[test]
fn an_arena_is_no_struct_of_this_name() {
    let name = SegmentName::new("inspect-arena");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    arena.insert("one", 1_u8).unwrap();
    let report = inspect(&name).unwrap();
    assert!(report.is_arena() && report.type_name() == "Arena");
    assert!(report.length() >= 1 << 20);

    let other = SegmentName::new("inspect-no-arena");
    let layout = DynLayout::structure("Arena").field::<u64>("number").build().unwrap();
    let _value = DynValue::create(&other, layout).unwrap();
    assert!(!inspect(&other).unwrap().is_arena());
}

/// `names` leaves out files that cannot be opened: a tool must be able to say why.
#[test]
fn files_that_cannot_be_opened_are_described() {
    let name = SegmentName::new("inspect-other");
    drop(Synchronized::create(&name, 1_u64).unwrap());
    let intact = fs::read(name.path()).unwrap();
    let with = |offset: usize, byte: u8| {
        let mut bytes = intact.clone();
        bytes[offset] = byte;
        fs::write(name.path(), bytes).unwrap();
        inspect(&name).unwrap()
    };
    let report = with(12, 1);
    assert_eq!((report.format(), report.schema(), report.owner()), (Some(1), "", None));
    assert!(report.fault().unwrap().to_string().contains("format version"), "{:?}", report.fault());
    let report = with(20, 9);
    assert!(report.fault().unwrap().to_string().contains("lock kind"), "{:?}", report.fault());
    assert_eq!((report.format(), report.lock()), (Some(2), None));
    let report = with(96, 2);
    assert!(report.is_retired() && report.fault().is_none());
    let report = with(88, 1);
    assert!(report.is_unvouched() && report.fault().is_none());
    let report = with(0, 0);
    assert_eq!(report.format(), None);
    assert!(report.fault().is_some());
    for length in 0..intact.len() {
        fs::write(name.path(), &intact[..length]).unwrap();
        assert!(inspect(&name).unwrap().fault().is_some(), "{length} bytes");
    }

    assert!(matches!(inspect("shared-value-tests-no-such-name"), Err(Error::NotFound { .. })));
    assert!(matches!(inspect(Path::new("/dev/shm")), Err(Error::InvalidSegment { .. })));
}
