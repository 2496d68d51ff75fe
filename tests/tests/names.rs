//! Names: unlinked with their creator, left over by a killed one, and opened by other users.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::Path;
use std::thread;

use rustix::fs::{CWD, FileType, Mode, inotify, mknodat};
use rustix::io::Errno;
use rustix::process::{Signal, getuid, umask};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use shared_value::{Arena, DynValue, Error, NamedValue, RLock, Synchronized, inspect, names, unlink};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{
    DEADLINE, Forked, SHORT, SegmentFile, SegmentName, end_now, eventually, fork, lock_bytes, number_of_file, skip,
};

fn find(name: &str) -> Option<NamedValue> {
    names().unwrap().into_iter().find(|found| found.name() == name)
}

/// Waits until nothing has the value open any more: a child that another test forked meanwhile has it open until it ends.
fn eventually_unused(name: &str) {
    eventually("the value is not in use", || !find(name).expect("the name exists").is_in_use());
}

/// A name that is left behind would lead the next program to an old value.
#[test]
fn a_name_is_unlinked_with_the_last_handle_of_its_creator() {
    let name = SegmentName::new("on-drop");
    let value = Synchronized::options().unlink_on_drop(true).create(&name, 1_u64).unwrap();
    let (clone, opened) = (value.clone(), Synchronized::<u64>::open(&name).unwrap());
    drop(value);
    drop(clone);
    assert!(find(&name).is_some(), "this process still has a handle");
    fork(|| {
        // The child has copies of the creator's handles: it must unlink nothing.
        drop(Synchronized::<u64>::open(&name).unwrap());
    })
    .finish();
    drop(opened);
    assert_eq!(find(&name), None);

    // Handles of other processes stay good.
    let value = Synchronized::options().unlink_on_drop(true).create(&name, 1_u64).unwrap();
    let stage = Synchronized::new(0_u32).unwrap();
    let child = fork(|| {
        let own = value.clone();
        stage.set(1).unwrap();
        eventually("the name is gone", || find(&name).is_none());
        own.set(2).unwrap();
        assert_eq!(own.get(), 2);
    });
    eventually("the child has it", || stage.get() == 1);
    drop(value);
    child.finish();
}

/// A forked child drops copies of its parent's handles.
#[test]
fn a_forked_child_unlinks_nothing() {
    let name = SegmentName::new("on-drop-forked");
    let mut value = Some(Synchronized::options().unlink_on_drop(true).create(&name, 1_u64).unwrap());
    fork(|| drop(value.take())).finish();
    let value = Synchronized::<u64>::open(&name);
    assert!(value.is_ok(), "{value:?}");
}

/// In a PID namespace of its own, a child can have the number that its parent has.
#[test]
fn a_forked_child_of_the_same_number_unlinks_nothing() {
    fn unshare() {
        // SAFETY: no memory, descriptors or directories are unshared, and the process has one thread.
        unsafe { unshare_unsafe(UnshareFlags::NEWPID) }.unwrap();
    }
    if fork(unshare).wait().exit_status() != Some(0) {
        skip("PID namespaces are not permitted here");
        return;
    }
    let name = SegmentName::new("on-drop-first");
    fork(|| {
        unshare();
        fork(|| {
            let mut value = Some(Synchronized::options().unlink_on_drop(true).create(&name, 1_u64).unwrap());
            unshare();
            fork(|| {
                assert_eq!(std::process::id(), 1);
                drop(value.take());
            })
            .finish();
            assert_eq!(std::process::id(), 1);
            let opened = Synchronized::<u64>::open(&name);
            assert!(opened.is_ok(), "{opened:?}");
        })
        .finish();
    })
    .finish();
    assert_eq!(find(&name), None, "its creator has unlinked it");
}

/// A relative path leads elsewhere after a `chdir`, perhaps to another program's file.
#[test]
fn a_relative_path_is_unlinked_after_a_change_of_directory() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fork(|| {
        std::env::set_current_dir(first.path()).unwrap();
        let value = Synchronized::options().unlink_on_drop(true).create(Path::new("value"), 1_u64).unwrap();
        let by_hand = Synchronized::create(Path::new("by hand"), 1_u64).unwrap();
        std::env::set_current_dir(second.path()).unwrap();
        let other = Synchronized::create(Path::new("value"), 2_u64).unwrap();
        by_hand.unlink().unwrap();
        drop((value, other));
    })
    .finish();
    assert!(!first.path().join("value").exists(), "it was left behind");
    assert!(!first.path().join("by hand").exists(), "it was left behind");
    assert!(second.path().join("value").exists(), "another file was unlinked");
}

/// A drop reports nothing, so a program must be able to ask what became of the name.
#[test]
fn a_handle_unlinks_its_own_name_and_says_what_it_could_not() {
    #[track_caller]
    fn assert_not_found(result: Result<(), Error>, named: &str) {
        let Err(Error::NotFound { name }) = result else { panic!("{result:?}") };
        assert_eq!(name, named);
    }
    #[track_caller]
    fn assert_unsupported(result: Result<(), Error>, told: &str) {
        let Err(error @ Error::Unsupported { .. }) = result else { panic!("{result:?}") };
        assert!(error.to_string().contains(told), "{error}");
    }
    let name = SegmentName::new("by-handle");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    value.unlink().unwrap();
    assert_eq!(find(&name), None);
    assert_not_found(value.unlink(), &name);
    assert_eq!(value.get(), 1);

    // The name of a successor stays.
    let successor = Synchronized::options().unlink_on_drop(true).create(&name, 2_u64).unwrap();
    let told = value.unlink().unwrap_err().to_string();
    assert!(told.contains(&*name) && told.contains("leads to another file"), "{told}");
    assert!(find(&name).is_some());
    // Any handle knows the name, and the drop then has nothing to do.
    Synchronized::<u64>::open_read_only(&name).unwrap().unlink().unwrap();
    drop(successor);

    let lock = RLock::create(&name).unwrap();
    lock.unlink().unwrap();
    assert_not_found(lock.unlink(), &name);
    let arena = Arena::create(&name, 1 << 16).unwrap();
    assert_unsupported(arena.insert("key", 1_u64).unwrap().unlink(), "unlink the arena");
    arena.unlink().unwrap();
    assert_not_found(arena.unlink(), &name);

    assert_unsupported(Synchronized::new(1_u64).unwrap().unlink(), "no name");
}

/// Under an old name there may be a new value, which another program needs.
#[test]
fn the_name_of_a_successor_stays() {
    let name = SegmentName::new("on-drop-replaced");
    let value = Synchronized::options().unlink_on_drop(true).create(&name, 1_u64).unwrap();
    unlink(&name).unwrap();
    let other = Synchronized::create(&name, 2_u64).unwrap();
    drop(value);
    drop(other);
    assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), 2);
}

/// A process that is stopped while it changes the name keeps an unlink waiting. Meanwhile other threads drop and open the value:
/// a second mapping would wait for the first one, and then share the lanes of its counters.
#[test]
fn a_value_is_opened_again_beside_an_unlink_that_waits() {
    /// The byte that is locked by the process that changes the name.
    const NAMING: libc::off_t = 3;
    let name = SegmentName::new("unlink-waits");
    fork(|| {
        let mut value = Some(Synchronized::create(&name, 1_u64).unwrap());
        value.as_ref().unwrap().set(2).unwrap();
        let stopped = File::options().read(true).write(true).open(name.path()).unwrap();
        lock_bytes(&stopped, libc::F_OFD_SETLK, libc::F_WRLCK, NAMING, 1).unwrap();
        thread::scope(|scope| {
            let unlinks = scope.spawn(|| unlink(&name));
            thread::sleep(SHORT);
            drop(value.take());
            let again = Synchronized::<u64>::open(&name).unwrap();
            assert!(!unlinks.is_finished(), "it has waited for the unlink");
            drop(stopped);
            unlinks.join().unwrap().unwrap();
            assert!(again.is_retired());
            again.set(3).unwrap();
        });
    })
    .finish();
}

/// A killed process unlinks nothing, so there must be a way to find the names that it left.
#[test]
fn the_name_of_a_killed_process_is_found() {
    let name = SegmentName::new("left");
    let other = SegmentName::new("not-a-value");
    File::create(other.path()).unwrap();
    let stage = Synchronized::new(0_u32).unwrap();
    let child = fork(|| {
        let _value = Synchronized::options().unlink_on_drop(true).create(&name, Account::after(1)).unwrap();
        stage.set(1).unwrap();
        thread::sleep(DEADLINE);
    });
    eventually("the child has it", || stage.get() == 1);
    let found = find(&name).unwrap();
    assert_eq!((found.type_name(), found.is_in_use()), ("Account", true));
    assert_eq!(found.length(), fs::metadata(name.path()).unwrap().len());
    assert!(found.schema().contains("balance: i64"), "{}", found.schema());
    child.signal(Signal::KILL);
    child.finish_killed();
    assert!(!find(&name).unwrap().is_in_use());
    assert_eq!(find(&other), None);

    let value = SynchronizedAccount::open(&name).unwrap();
    assert!(find(&name).unwrap().is_in_use(), "this process uses it");
    drop(value);
    eventually_unused(&name);
}

/// A program that waits for a reader of its pipe would take this one for it, write, and be killed by SIGPIPE.
#[test]
fn no_pipe_is_opened() {
    let name = SegmentName::new("pipe");
    mknodat(CWD, name.path(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, name.path(), inotify::WatchFlags::OPEN).unwrap();
    assert_eq!(find(&name), None);
    for refused in [
        inspect(&name).map(drop),
        SynchronizedAccount::open(&name).map(drop),
        SynchronizedAccount::open_read_only(&name).map(drop),
        SynchronizedAccount::open_or_create(&name, Account::after(1)).map(drop),
        DynValue::open(name.path()).map(drop),
        Arena::open(&name).map(drop),
    ] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("expected a regular file, found a pipe"), "{told}");
    }
    let mut events = [0; 256];
    assert_eq!(rustix::io::read(&watch, &mut events), Err(Errno::AGAIN), "it was opened");
    fs::remove_file(name.path()).unwrap();
}

/// Runs the closure as another user, in a child, if this user may do that.
fn as_another_user(body: impl FnOnce()) -> Option<Forked> {
    const NOBODY: libc::uid_t = 65_534;
    if !getuid().is_root() {
        skip("becoming another user takes root");
        return None;
    }
    Some(fork(|| {
        // SAFETY: the list is empty, so the pointer is not read; the child has one thread.
        let groups = unsafe { libc::setgroups(0, std::ptr::null()) };
        // SAFETY: the call takes numbers; the child has one thread.
        let group = unsafe { libc::setresgid(NOBODY, NOBODY, NOBODY) };
        // SAFETY: the call takes numbers; the child has one thread.
        let user = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
        if (groups, group, user) != (0, 0, 0) {
            end_now(99);
        }
        body();
    }))
}

/// The mode must let in the users that it names, and no others; the error must name the value and the reason.
#[test]
fn other_users_get_what_the_mode_gives() {
    let [closed, readable, open] = ["closed", "readable", "open"].map(SegmentName::new);
    // The umask is the process's; all tests of this program set this one.
    umask(Mode::empty());
    let values = [
        Synchronized::create(&closed, 1_u64).unwrap(),
        Synchronized::options().mode(0o644).create(&readable, 1_u64).unwrap(),
        Synchronized::options().mode(0o666).create(&open, 1_u64).unwrap(),
    ];
    let other = as_another_user(|| {
        for name in [&closed, &readable] {
            let error = Synchronized::<u64>::open(name).unwrap_err();
            let told = error.to_string();
            assert!(
                matches!(&error, Error::Io { source, .. } if source.raw_os_error() == Some(libc::EACCES)),
                "{told}"
            );
            assert!(told.contains(&**name) && told.contains("Permission denied"), "{told}");
            assert!(told.contains("`open_read_only`"), "the message must name the cure: {told}");
        }
        let refused = Synchronized::<u64>::open_read_only(&closed).unwrap_err().to_string();
        assert!(refused.contains("Permission denied") && !refused.contains("open_read_only"), "{refused}");
        let read = Synchronized::<u64>::open_read_only(&readable).unwrap();
        assert_eq!(read.get(), 1);
        Synchronized::<u64>::open(&open).unwrap().update(|number| *number += 1).unwrap();
        assert!(unlink(&closed).is_err(), "the directory is sticky");
        let told = values[2].unlink().unwrap_err().to_string();
        assert!(told.contains(&*open) && told.contains("not permitted"), "{told}");
        let named: Vec<_> = names().unwrap().iter().map(|found| found.name().to_owned()).collect();
        assert!(!named.contains(&closed.to_string()) && named.contains(&readable.to_string()), "{named:?}");
    });
    if let Some(other) = other {
        other.finish();
        assert_eq!(values.map(|value| value.get()), [1, 1, 2]);
    }
}

/// The group of a value is that of its file, which the standard library can change.
#[test]
fn a_group_gets_access_by_its_file() {
    const GROUP: u32 = 54_321;
    let name = SegmentName::new("group");
    umask(Mode::empty());
    let value = Synchronized::options().mode(0o660).create(&name, 1_u64).unwrap();
    if !getuid().is_root() {
        skip("giving a file to another group takes root");
        return;
    }
    chown(name.path(), None, Some(GROUP)).unwrap();
    fork(|| {
        // SAFETY: the pointer leads to one group, in an array that lives until the call returns; the child has one thread.
        let groups = unsafe { libc::setgroups(1, [GROUP].as_ptr()) };
        // SAFETY: the call takes numbers; the child has one thread.
        let user = unsafe { libc::setresuid(65_534, 65_534, 65_534) };
        if (groups, user) != (0, 0) {
            end_now(99);
        }
        Synchronized::<u64>::open(&name).unwrap().update(|number| *number += 1).unwrap();
    })
    .finish();
    assert_eq!(value.get(), 2);
}

/// A value that an earlier version of the library has left behind must not be in the way forever.
#[test]
fn a_value_of_another_format_is_listed_and_can_be_removed() {
    let name = SegmentName::new("earlier");
    drop(Synchronized::create(&name, 1_u64).unwrap());
    shared_value_tests::SegmentFile::open(name.path()).overwrite(12, &1_u32.to_ne_bytes());
    let before = std::fs::read(name.path()).unwrap();
    for error in [
        Synchronized::<u64>::open(&name).unwrap_err(),
        Synchronized::<u64>::open_read_only(&name).unwrap_err(),
        Synchronized::<u64>::open_or_create(&name, 2).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("format version: expected 2, found 1, made by an earlier version"), "{text}");
        assert!(text.contains("remove it by `unlink`"), "{text}");
    }
    assert_eq!(std::fs::read(name.path()).unwrap(), before, "it is unchanged");

    let found = find(&name).expect("it is listed");
    assert_eq!((found.format(), found.type_name()), (1, ""));
    eventually_unused(&name);
    unlink(&name).unwrap();
    assert_eq!(find(&name), None);
    assert_eq!(Synchronized::<u64>::open_or_create(&name, 2).unwrap().get(), 2);
    assert_eq!(find(&name).expect("it is listed").format(), 2);
}

/// A process shows itself in all of its segments before it takes its first lock. What it has shown in a segment that it drops
/// meanwhile must end, or it would be taken for another process when it opens the segment again.
#[test]
fn a_segment_that_is_dropped_during_the_first_lock_can_be_opened_again() {
    const UNVOUCHED: u64 = 88;
    /// Where the locks begin by which processes show themselves.
    const SHOWN: u64 = 1 << 62;
    for _ in 0..20 {
        let name = SegmentName::new("during-first-lock");
        fork(|| {
            let others = [0; 300].map(|_| Synchronized::new(1_u64).unwrap());
            let value = Synchronized::create(&name, 1_u64).unwrap();
            let file = number_of_file(&name.path(), ':');
            thread::scope(|scope| {
                scope.spawn(|| others[0].set(2).unwrap());
                eventually("the process shows itself", || {
                    let locks = fs::read_to_string("/proc/locks").unwrap();
                    let starts = locks.lines().filter_map(|line| line.split_once(&*file)?.1.split_whitespace().next());
                    starts.filter_map(|start| start.parse().ok()).any(|start: u64| start >= SHOWN)
                });
                drop(value);
            });
            let value = Synchronized::<u64>::open(&name).unwrap();
            value.set(2).unwrap();
            assert_eq!(SegmentFile::open(name.path()).bytes(UNVOUCHED, 8), [0; 8]);
        })
        .finish();
    }
}
