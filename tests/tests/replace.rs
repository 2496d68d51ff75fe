//! A value takes the place of another, while processes use both.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use std::{fs, io, mem, thread};

use shared_value::{
    Arena, Capacity, DynData, DynLayout, DynValue, Error, Lock, LockError, LockState, RLock, SharedArray, SharedString,
    SharedVec, Synchronized, names, unlink,
};
use shared_value_tests::{DEADLINE, Futex, SHORT, SegmentFile, SegmentName, end_now, fork, in_time, scaled};

#[expect(clippy::needless_pass_by_value, reason = "a result is dropped with its guard")]
fn is_retired<V>(result: Result<V, Error>) -> bool {
    matches!(result, Err(Error::Retired))
}

/// Without the mark in the lock word, changes by old handles would be lost in silence.
#[test]
fn old_handles_read_and_do_nothing_else() {
    let name = SegmentName::new("replace");
    let old = Synchronized::create(&name, 7_u32).unwrap();
    let reader = old.read_only().unwrap();
    assert!(!old.is_retired() && old.is_current() && reader.is_current());

    let new = Synchronized::replace(&name, |old: u32| [u64::from(old); 3]).unwrap();
    new.update_at(1, |number| *number += 1).unwrap();
    assert_eq!(Synchronized::<[u64; 3]>::open(&name).unwrap().get(), [7, 8, 7]);
    assert!(!new.is_retired() && new.is_current());

    assert!(old.is_retired() && !old.is_current() && old.lock_state() == LockState::Retired);
    assert!(is_retired(old.lock()) && is_retired(old.try_lock()) && is_retired(old.lock_timeout(DEADLINE)));
    assert!(is_retired(old.set(1)) && is_retired(old.update(|_| ())));
    assert!(is_retired(old.try_update(|_| Ok::<_, Error>(()))));
    assert!(is_retired(old.wait_for(|number| *number == 1, DEADLINE)));
    assert!(is_retired(old.changes().next_timeout(DEADLINE)));
    assert!(old.get() == 7 && old.wait_for(|number| *number == 7, DEADLINE).unwrap() == 7);
    assert!(reader.is_retired() && is_retired(reader.wait_for(|_| false, DEADLINE)) && reader.get() == 7);
    assert!(is_retired(old.read_only().unwrap().changes().next_timeout(DEADLINE)));
    // With a lock of another value held, other code takes the lock.
    let other = Synchronized::new(1).unwrap();
    let _guard = other.lock().unwrap();
    assert!(is_retired(old.lock()) && is_retired(old.set(1)) && is_retired(old.update(|_| ())));
}

/// A lock that is not recursive takes another way through the code.
#[test]
fn a_value_whose_lock_is_not_recursive_is_replaced() {
    let name = SegmentName::new("replace-once");
    let old = Synchronized::<u32>::options().non_recursive().create(&name, 7_u32).unwrap();
    let guard = old.lock().unwrap();
    let replaced = Synchronized::<u64>::replace(&name, |old: u32| u64::from(old));
    assert!(matches!(replaced, Err(Error::Lock(LockError::AlreadyHeld))));
    drop(guard);
    let new = Synchronized::<u64>::replace(&name, |old: u32| u64::from(old)).unwrap();
    new.update(|number| *number += 1).unwrap();
    assert!(is_retired(old.set(1)) && is_retired(old.lock()) && is_retired(old.changes().next_timeout(DEADLINE)));
    assert_eq!((old.get(), new.get(), old.lock_state()), (7, 8, LockState::Retired));
}

/// A sleeper that is not woken would find out by itself, much later.
#[test]
fn all_sleepers_are_woken() {
    for of in [Futex::of_lock, Futex::of_changes] {
        let name = SegmentName::new("replace-sleepers");
        let _old = Synchronized::create(&name, 7_u32).unwrap();
        of(&name).assert_woken_by(5, || drop(Synchronized::replace(&name, |old: u32| old + 1).unwrap()));
    }
}

/// A thread that waits for the lock while the closure runs must not get it.
#[test]
fn waiters_learn_of_it() {
    in_time(|| {
        let name = SegmentName::new("replace-waiters");
        let old = Synchronized::create(&name, 7_u32).unwrap();
        let mut children = Vec::new();
        let new = Synchronized::replace(&name, |seen: u32| {
            for number in 0..6 {
                children.push(fork(|| match number % 3 {
                    0 => assert!(is_retired(old.lock())),
                    1 => assert!(is_retired(old.set(9))),
                    _ => assert!(is_retired(old.changes().next_timeout(DEADLINE))),
                }));
            }
            thread::sleep(SHORT);
            u64::from(seen)
        });
        assert_eq!(new.unwrap().get(), 7);
        for child in children {
            child.finish();
        }
        assert_eq!(old.get(), 7);
    });
}

/// If a change by an old handle were accepted after the copy was made, it would be lost.
#[test]
fn no_change_is_lost() {
    in_time(|| {
        let name = SegmentName::new("replace-counter");
        drop(Synchronized::create(&name, 0_u64).unwrap());
        let (added, is_over) = (Synchronized::new(0_u64).unwrap(), Synchronized::new(false).unwrap());
        let add = || {
            let mut value = Synchronized::<u64>::open(&name).unwrap();
            let (mut count, mut reopened) = (0, 0);
            while !is_over.get() || reopened == 0 {
                match value.update(|number| *number += 1) {
                    Ok(()) => count += 1,
                    Err(Error::Retired) => {
                        value = Synchronized::open(&name).unwrap();
                        reopened += 1;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            added.update(|added| *added += count).unwrap();
        };
        let children: Vec<_> = (0..3).map(|_| fork(add)).collect();
        for _ in 0..scaled(2_000, 200) {
            drop(Synchronized::<u64>::replace(&name, |old: u64| old).unwrap());
        }
        is_over.set(true).unwrap();
        // A child that has not met a replacement yet waits for one.
        let have_ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !have_ended.load(Relaxed) {
                    drop(Synchronized::<u64>::replace(&name, |old: u64| old).unwrap());
                    thread::sleep(Duration::from_millis(1));
                }
            });
            for child in children {
                child.finish();
            }
            have_ended.store(true, Relaxed);
        });
        assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), added.get());
    });
}

/// Two processes that replaced one value would each convert it, and one result would be lost.
#[test]
fn one_of_many_replaces() {
    in_time(|| {
        let calls = Synchronized::new(0_u64).unwrap();
        for _ in 0..scaled(100, 20) {
            let name = SegmentName::new("replace-race");
            let _old = Synchronized::create(&name, 7_u32).unwrap();
            let replace = || {
                let value = Synchronized::<u64>::open_or_replace(&name, |old: u32| {
                    calls.update(|calls| *calls += 1).unwrap();
                    u64::from(old) << 32
                });
                value.unwrap().update(|value| *value += 1).unwrap();
            };
            let children: Vec<_> = (0..4).map(|_| fork(replace)).collect();
            for child in children {
                child.finish();
            }
            assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), (7 << 32) + 4);
        }
        assert_eq!(calls.get(), scaled(100, 20));
    });
}

/// What fails must leave the old value as it was, with its lock free.
#[test]
fn after_a_failure_the_old_value_goes_on() {
    let name = SegmentName::new("replace-fails");
    let old = Synchronized::create(&name, 7_u32).unwrap();
    let replace = |make: &dyn Fn(u32) -> Result<u64, Error>| Synchronized::<u64>::try_replace(&name, make);
    assert!(matches!(replace(&|_| Err(Error::Conflict)), Err(Error::Conflict)));
    assert!(catch_unwind(AssertUnwindSafe(|| replace(&|_| panic!("in the closure")))).is_err());
    // Other changes of this thread would be lost.
    assert!(matches!(replace(&|_| old.set(1).map(|()| 0)), Err(Error::Borrowed)));
    // Here the closure would wait for itself.
    let again = replace(&|_| replace(&|_| Ok(0)).map(|_| 0));
    assert!(matches!(again, Err(Error::Lock(LockError::AlreadyHeld))), "{again:?}");
    let guard = old.lock().unwrap();
    guard.set(8).unwrap();
    assert!(matches!(replace(&|_| Ok(0)), Err(Error::Lock(LockError::AlreadyHeld))));
    drop(guard);
    let other = Synchronized::<u64>::replace(&name, |old: [u8; 4]| u64::from(old[0]));
    assert!(matches!(other, Err(Error::LayoutMismatch { .. })));
    let missing = Synchronized::<u64>::replace("shared-value-tests-no-such-name", u64::from as fn(u32) -> u64);
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    assert!(old.get() == 8 && !old.is_retired() && old.is_current() && old.recoveries() == 0);
    old.set(9).unwrap();
    assert_eq!(replace(&|old| Ok(old.into())).unwrap().get(), 9);
}

/// A guard that the closure leaks keeps the lock: retiring it would cut the thread's list.
#[test]
fn a_guard_that_the_closure_leaks_keeps_the_value() {
    let name = SegmentName::new("replace-leak");
    let old = Synchronized::create(&name, 7_u32).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let replaced = Synchronized::<u64>::replace(&name, |seen: u32| {
                mem::forget(old.lock());
                u64::from(seen)
            });
            assert!(matches!(replaced, Err(Error::Lock(LockError::AlreadyHeld))));
        });
    });
    assert!(old.is_current() && old.lock_timeout(DEADLINE).unwrap().recovered());
}

/// The closure may fork: the child must not replace anything.
#[test]
fn a_child_that_the_closure_forks_replaces_nothing() {
    let name = SegmentName::new("replace-fork");
    let _old = Synchronized::create(&name, 7_u32).unwrap();
    let mut child = None;
    let replaced = Synchronized::<u64>::replace(&name, |old: u32| {
        child = shared_value_tests::split();
        u64::from(old)
    });
    match child {
        None => {
            let is_refused = matches!(replaced, Err(Error::Lock(LockError::NotHeld)));
            end_now(i32::from(!is_refused));
        }
        Some(child) => child.finish(),
    }
    assert!(replaced.unwrap().is_current());
}

/// A lock that others share cannot say that one value is retired.
#[test]
fn values_without_a_native_lock_of_their_own_are_refused() {
    let (name, lock) = (SegmentName::new("replace-locks"), RLock::new().unwrap());
    let refused = |what: &str| {
        let error = Synchronized::<u64>::replace(&name, |old: u32| u64::from(old)).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        unlink(&*name).unwrap();
    };
    drop(Synchronized::<u32>::options().lock(&lock).create(&name, 1_u32).unwrap());
    refused("found lock object");
    drop(Synchronized::<u32>::options().lock_kind(shared_value::LockKind::Pthread).create(&name, 1_u32).unwrap());
    refused("found a pthread mutex");
    drop(Synchronized::<u32>::options().unlocked().create(&name, 1_u32).unwrap());
    refused("expected a lock of its own");
    drop(Lock::create(&name).unwrap());
    assert!(DynValue::replace(&name, |_: DynData| DynLayout::of::<u64>().unwrap()).is_err());
    unlink(&*name).unwrap();
    let arena = Arena::create(&name, Capacity(1 << 16)).unwrap();
    let replaced = DynValue::replace(&name, |_: DynData| DynLayout::of::<u64>().unwrap());
    assert!(matches!(replaced, Err(Error::InvalidSegment { .. })), "{replaced:?}");
    arena.insert("key", 1_u32).unwrap();
}

/// Arrays and dynamic values are values too.
#[test]
fn arrays_and_dynamic_values_are_replaced() {
    let name = SegmentName::new("replace-array");
    drop(SharedArray::create(&name, &[1_u16, 2, 3]).unwrap());
    let longer = SharedArray::replace(&name, |old: Vec<u16>| [old, vec![4; 1000]].concat()).unwrap();
    assert_eq!((longer.len(), longer.at(2), longer.at(1002)), (1003, 3, 4));
    let dynamic = DynValue::replace(&name, |old: DynData| {
        let DynData::Array(elements) = old else { panic!("{old:?}") };
        (DynLayout::of::<u64>().unwrap(), DynData::from(elements.len() as u64))
    });
    assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), 1003);
    assert!(dynamic.unwrap().is_current() && longer.is_retired());
    let grown = SharedVec::<u64>::replace(&name, |old: u64| (vec![old; 3], Capacity(10))).unwrap();
    let longer = SharedVec::<u64>::replace(&name, |old: Vec<u64>| ([old, vec![7]].concat(), Capacity(1_000))).unwrap();
    assert!(grown.is_retired() && matches!(grown.push(1), Err(Error::Retired)));
    assert_eq!((longer.load().unwrap(), longer.capacity()), (vec![1003, 1003, 1003, 7], 1_000));
    let array = SharedArray::replace(&name, |old: Vec<u64>| old).unwrap();
    assert!(longer.is_retired() && array.to_vec().unwrap() == [1003, 1003, 1003, 7]);
    let mismatch = SharedArray::<u64>::replace(&name, |_: Vec<u32>| vec![0_u64]);
    assert!(matches!(mismatch, Err(Error::LayoutMismatch { .. })), "{mismatch:?}");
    let text = SharedString::replace(&name, |old: DynData| (old.to_string(), Capacity(100))).unwrap();
    assert_eq!(text.load().unwrap(), "[1003, 1003, 1003, 7]");
    drop(Synchronized::replace(&name, |old: String| old.len() as u64).unwrap());
    let guarded = Synchronized::options().lock(&RLock::new().unwrap()).replace(&name, |old: u64| [old; 2]).unwrap();
    assert_eq!(guarded.get(), [21; 2]);
}

/// With another mode, processes that used the old value could not open the new one, or others could.
#[test]
fn the_permissions_stay() {
    let name = SegmentName::new("replace-mode");
    drop(Synchronized::create(&name, 7_u32).unwrap());
    let old = fs::metadata(name.path()).unwrap().ino();
    fs::set_permissions(name.path(), fs::Permissions::from_mode(0o462)).unwrap();
    drop(Synchronized::<u64>::options().mode(0o600).replace(&name, |old: u32| u64::from(old)).unwrap());
    let new = fs::metadata(name.path()).unwrap();
    assert!(new.ino() != old && new.mode() & 0o7777 == 0o462, "{:o}", new.mode());
}

/// A replacement must not take a name that leads elsewhere by now.
#[test]
fn a_name_that_others_changed_is_left_alone() {
    for change in
        [(|name, _| fs::remove_file(name)) as fn(&Path, &Path) -> io::Result<()>, |name, other| fs::rename(other, name)]
    {
        let (name, other) = (SegmentName::new("replace-moved"), SegmentName::new("replace-other"));
        let old = Synchronized::create(&name, 7_u32).unwrap();
        drop(Synchronized::create(&other, 1_u8).unwrap());
        let replaced = Synchronized::<u64>::replace(&name, |old: u32| {
            change(&name.path(), &other.path()).unwrap();
            u64::from(old)
        });
        assert!(is_retired(replaced) && !old.is_current() && !old.is_retired());
        old.set(8).unwrap();
        assert!(Synchronized::<u64>::open(&name).is_err());
        // The moved value is the one at the name.
        if name.path().exists() {
            assert_eq!(Synchronized::<u8>::open(&name).unwrap().get(), 1);
        }
    }
}

/// The old file that is put back by a user must not stay retired when no process uses it any more.
#[test]
fn an_old_file_that_is_put_back_can_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let (path, kept) = (directory.path().join("value"), directory.path().join("kept"));
    let old = Synchronized::create(&path, 7_u32).unwrap();
    fs::hard_link(&path, &kept).unwrap();
    drop(Synchronized::<u64>::replace(&path, |old: u32| u64::from(old)).unwrap());
    // Under its other name, it is retired as long as a process has it open.
    assert!(is_retired(Synchronized::<u32>::open(&kept).unwrap().set(1)));
    drop(old);
    fs::rename(&kept, &path).unwrap();
    let old = Synchronized::<u32>::open(&path).unwrap();
    assert!(!old.is_retired() && old.recoveries() == 0 && old.get() == 7);
    old.set(8).unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
}

/// People unlink early on purpose: the value goes on, and tells.
#[test]
fn an_unlinked_value_goes_on() {
    let name = SegmentName::new("replace-unlinked");
    let value = Synchronized::create(&name, 7_u32).unwrap();
    let (one, other) = UnixStream::pair().unwrap();
    value.send_to(&one).unwrap();
    let child = fork(|| {
        let reader = Synchronized::<u32>::open_read_only(&other).unwrap();
        assert!(!reader.is_retired() && reader.is_current());
        unlink(&*name).unwrap();
        assert!(reader.is_retired() && !reader.is_current());
    });
    child.finish();
    assert!(value.is_retired() && !value.is_current());
    value.set(8).unwrap();
    assert_eq!(value.lock().unwrap().get(), 8);
    assert_eq!(value.lock_state(), LockState::Free);
    let again = Synchronized::create(&name, 1_u32).unwrap();
    assert!(again.is_current() && !value.is_current());
    // A file that is not a segment is unlinked too.
    fs::remove_file(name.path()).unwrap();
    fs::write(name.path(), "no segment").unwrap();
    unlink(&*name).unwrap();
    assert!(!again.is_retired() && !again.is_current());
    let anonymous = Synchronized::new(1_u32).unwrap();
    assert!(anonymous.is_current() && !anonymous.is_retired());
    anonymous.send_to(&one).unwrap();
    drop(anonymous);
}

/// Unlinking beside a replacement must not leave a name, nor mark a value that has one.
#[test]
fn a_name_is_unlinked_beside_a_replacement() {
    in_time(|| {
        let unlinked = AtomicU64::new(0);
        for _ in 0..scaled(300, 50) {
            let name = SegmentName::new("replace-unlink");
            drop(Synchronized::create(&name, 7_u32).unwrap());
            thread::scope(|scope| {
                let unlinking = scope.spawn(|| unlink(&*name).unwrap());
                let replaced = Synchronized::<u32>::replace(&name, |old: u32| old);
                unlinking.join().unwrap();
                assert!(!name.path().exists());
                match replaced {
                    Ok(new) => assert!(new.is_retired()),
                    Err(Error::Retired | Error::NotFound { .. }) => _ = unlinked.fetch_add(1, Relaxed),
                    Err(error) => panic!("{error}"),
                }
            });
        }
        println!("the name was unlinked first in {unlinked:?} rounds");
    });
}

/// The name of a value that never took its place would stay until a person finds it.
#[test]
fn the_name_that_a_dead_process_gave_is_removed() {
    const IDENTITY: u64 = 64;
    const RETIRED: u64 = 96;
    const PENDING_OF_ONE_NAME: u64 = 3 | 1 << 32;
    // An owner dies when it has named the new value, and before it renames that.
    let die = |path: &Path, old: &Synchronized<u32>| {
        let file = SegmentFile::open(path);
        let identity = u128::from_ne_bytes(file.bytes(IDENTITY, 16).try_into().unwrap());
        let next = path.with_file_name(format!(".shared-value-next-{identity:032x}"));
        let owner = fork(|| {
            mem::forget(old.lock().unwrap());
            file.overwrite(RETIRED, &PENDING_OF_ONE_NAME.to_ne_bytes());
            fs::write(&next, "the new value").unwrap();
            end_now(0);
        });
        owner.finish();
        assert!(next.exists());
        next
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");

    // A user has removed the old name meanwhile.
    let old = Synchronized::create(&path, 7_u32).unwrap();
    let next = die(&path, &old);
    fs::remove_file(&path).unwrap();
    assert!(is_retired(old.lock_timeout(DEADLINE)) && !next.exists());

    // The next owner does not know the name. A process that unlinks it does.
    let known = Synchronized::create(&path, 7_u32).unwrap();
    let (one, other) = UnixStream::pair().unwrap();
    known.send_to(&one).unwrap();
    drop(known);
    let old = Synchronized::<u32>::open(&other).unwrap();
    let next = die(&path, &old);
    assert!(old.lock_timeout(DEADLINE).unwrap().recovered() && next.exists());
    let unlinking = fork(|| {
        std::env::set_current_dir(&directory).unwrap();
        unlink(Path::new("value")).unwrap();
    });
    unlinking.finish();
    assert!(!next.exists() && !path.exists() && old.is_retired());
}

/// The name that a new value has for a moment is of no use to anybody.
#[test]
fn nothing_is_left_and_nothing_is_listed() {
    let name = SegmentName::new("replace-listed");
    drop(Synchronized::create(&name, 7_u32).unwrap());
    drop(Synchronized::<u64>::replace(&name, |old: u32| u64::from(old)).unwrap());
    let listed: Vec<_> = names().unwrap().into_iter().map(|value| value.name().to_owned()).collect();
    assert!(listed.contains(&name.to_string()));
}
