//! Names and files: creating, opening, unlinking.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::thread;

use shared_value::{Error, LockError, LockState, Synchronized, unlink};
use shared_value_tests::values::{Account, SynchronizedAccount, SynchronizedTally, Tally};
use shared_value_tests::{SHORT, SegmentName, Worker, eventually, in_time, scaled};

use crate::worker;

/// If `create` opened an existing value, two programs that both mean to start afresh would share it.
#[test]
fn a_taken_name_is_refused() {
    in_time(|| {
        let name = SegmentName::new("taken");
        let first = Synchronized::create(&name, 1_u64).unwrap();
        let error = Synchronized::create(&name, 2_u64).unwrap_err();
        assert!(matches!(&error, Error::AlreadyExists { name: taken } if **taken == *name), "{error:?}");
        assert!(error.to_string().contains("open_or_create"), "the message says what to do: {error}");
        assert!(matches!(Synchronized::create(&name, [0_u8; 3]), Err(Error::AlreadyExists { .. })));
        assert_eq!(first.get(), 1);

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("value");
        fs::write(&path, "a text of another program").unwrap();
        assert!(matches!(Synchronized::create(&path, 1_u64), Err(Error::AlreadyExists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "a text of another program");
    });
}

/// If a missing value had the error of a broken one, programs could not wait until it appears.
#[test]
fn a_missing_name_is_not_found() {
    in_time(|| {
        let name = SegmentName::new("missing");
        let error = Synchronized::<u64>::open(&name).unwrap_err();
        assert!(matches!(&error, Error::NotFound { name: missing } if **missing == *name), "{error:?}");
        assert!(matches!(unlink(&name), Err(Error::NotFound { .. })));
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(Synchronized::<u64>::open(directory.path().join("no")), Err(Error::NotFound { .. })));
        assert!(matches!(Synchronized::<u64>::open(directory.path().join("no/way")), Err(Error::NotFound { .. })));
        assert!(matches!(Synchronized::create(directory.path().join("no/way"), 1_u64), Err(Error::Io { .. })));
    });
}

/// Without the check, a name could reach out of `/dev/shm`.
#[test]
fn a_name_that_no_file_can_have_is_refused() {
    in_time(|| {
        let long = "x".repeat(256);
        for name in ["", ".", "..", "a/b", "/a", "../tmp/a", "a\0b", &long] {
            for error in [
                Synchronized::create(name, 1_u64).unwrap_err(),
                Synchronized::<u64>::open(name).unwrap_err(),
                Synchronized::open_or_create(name, 1_u64).unwrap_err(),
                unlink(name).unwrap_err(),
            ] {
                assert!(matches!(error, Error::InvalidName { .. }), "{name:?}: {error:?}");
                assert!(!error.to_string().contains('\0'), "{error:?}");
            }
        }
        let longest = SegmentName::new(&"é".repeat(90));
        Synchronized::create(&longest, 1_u64).expect("a long name is fine");
    });
}

/// Without the umask, other users would get permissions that this user has withheld; without 0600, they could write.
#[test]
fn the_mode_is_the_requested_one_less_the_umask() {
    in_time(|| {
        let directory = tempfile::tempdir().unwrap();
        let name = SegmentName::new("umask");
        worker("umask", [directory.path().to_str().unwrap(), &*name]).finish();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    });
}

/// With a check before creation instead of an atomic link, several processes would each create a value of their own.
#[test]
fn one_of_many_processes_creates_and_the_others_open() {
    in_time(|| {
        const PROCESSES: u64 = 16;
        let rounds = scaled(100, 25);
        let gate_name = SegmentName::new("gate");
        let gate = SynchronizedTally::create(&gate_name, Tally::default()).unwrap();
        let prefix = SegmentName::new("race");
        let mut workers: Vec<_> = (0..PROCESSES)
            .map(|index| worker("race", [&*gate_name, &*prefix, &index.to_string(), &rounds.to_string()]))
            .collect();
        for worker in &mut workers {
            worker.expect("ready");
        }
        let mut creators = vec![0; 16];
        for round in 1..=rounds {
            eventually("all processes are at the gate", || gate.difference().load() == PROCESSES * round);
            let name = SegmentName::of(format!("{}-{round}", &*prefix));
            gate.compared().store(round);
            let values: Vec<_> = workers.iter_mut().map(Worker::hear).collect();
            assert!(values.iter().all(|value| *value == values[0]), "several were created: {values:?}");
            creators[values[0].parse::<usize>().unwrap()] += 1;
            let value = Synchronized::<u64>::open(&name).unwrap();
            assert_eq!(value.version(), PROCESSES, "all processes changed one value");
        }
        for worker in workers {
            worker.finish();
        }
        println!("rounds won by each process: {creators:?}");
    });
}

/// If the name appeared before the value is complete, a process that opens it then would see zeros, or no segment.
#[test]
fn a_name_never_leads_to_an_incomplete_value() {
    in_time(|| {
        let milliseconds = scaled(1_000, 700).to_string();
        let name = SegmentName::new("churn");
        let mut churn = worker("churn", [&*name]);
        churn.expect("ready");
        let openers: Vec<_> = (0..2).map(|_| worker("open-often", [&*name, &milliseconds])).collect();
        for opener in openers {
            opener.finish();
        }
        churn.kill();
    });
}

/// If unlinking freed the memory, processes that have the value open would crash.
#[test]
fn unlinking_removes_the_name_only() {
    in_time(|| {
        let name = SegmentName::new("unlinked");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        unlink(&name).unwrap();
        assert!(matches!(SynchronizedAccount::open(&name), Err(Error::NotFound { .. })));
        let other = SynchronizedAccount::create(&name, Account::after(5)).expect("the name is free");
        assert_eq!(account.balance(), 10, "the old value stays");
        assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))), "its lock stays");
        assert_eq!(other.balance(), 50);
        other.update(|value| *value = Account::after(6)).expect("the new value has a lock of its own");
        holder.tell("end");
        holder.finish();
        assert_eq!(account.load().unwrap(), Account::after(2), "the other process has changed the old value");
        assert_eq!(other.load().unwrap(), Account::after(6));
    });
}

/// If the value lay anywhere but in its file, it would end with its processes.
#[test]
fn a_file_outlives_all_processes() {
    in_time(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("value");
        let mut maker = worker("make-file", [path.display()]);
        maker.expect("made");
        let while_open = Synchronized::<[u64; 2]>::open(&path).unwrap();
        assert_eq!(while_open.get(), [1, 22]);
        drop(while_open);
        maker.kill();

        let value = Synchronized::<[u64; 2]>::open(&path).unwrap();
        assert_eq!((value.get(), value.version(), value.recoveries()), ([1, 22], 1, 0));
        value.set_at(0, 11).unwrap();
        assert_eq!(value.segment_name(), path.display().to_string());
        drop(value);
        assert_eq!(Synchronized::open_or_create(&path, [0_u64; 2]).unwrap().get(), [11, 22]);
        fs::remove_file(&path).unwrap();
        assert_eq!(Synchronized::open_or_create(&path, [3_u64; 2]).unwrap().get(), [3, 3]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no other file is left");
    });
}

/// If the machine stops, the kernel does not free the locks of its processes: a file must not stay locked forever.
#[test]
fn a_file_copied_while_its_lock_was_held_opens_unlocked() {
    in_time(|| {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("value"), directory.path().join("copy"));
        let account = SynchronizedAccount::create(&path, Account::after(2)).unwrap();
        account.set(Account::after(3)).unwrap();
        let guard = account.lock().unwrap();
        guard.set_balance(-1).unwrap();
        // This is what a machine that stops leaves on its disk.
        fs::copy(&path, &copy).unwrap();

        let copied = SynchronizedAccount::open(&copy).unwrap();
        assert_eq!(copied.load().unwrap(), Account::after(3), "the last committed value");
        let copied_guard = copied.try_lock().expect("the copy's lock is free");
        assert!(copied_guard.recovered());
        assert_eq!(copied_guard.load().unwrap(), Account::after(3));
        drop(copied_guard);
        assert_eq!(copied.recoveries(), 1);
        copied.update(|value| *value = Account::after(9)).unwrap();

        guard.rollback();
        drop(guard);
        assert_eq!(account.load().unwrap(), Account::after(3), "the original is not affected");
        assert_eq!(account.recoveries(), 0);
    });
}

/// If a process that opens the value took the lock for abandoned, two owners would hold it.
#[test]
fn opening_a_value_whose_lock_is_held_leaves_it_held() {
    in_time(|| {
        let directory = tempfile::tempdir().unwrap();
        let name = SegmentName::new("in-use");
        let path = directory.path().join("value");
        let named = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        drop(named);
        // This process has no handle left: it has to find out anew that another process has the segment open.
        let named = SynchronizedAccount::open(&name).unwrap();
        assert!(matches!(named.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        let mut other = worker("take", [&*name]);
        other.expect("waiting");
        assert_eq!(other.hear_within(SHORT), None, "another process got the lock");
        holder.tell("end");
        holder.finish();
        other.expect("recovered=false whole=true balance=20");
        other.finish();

        let file = SynchronizedAccount::create(&path, Account::after(1)).unwrap();
        let guard = file.lock().unwrap();
        let again = SynchronizedAccount::open(&path).unwrap();
        drop(again.lock().expect("the same thread holds it"));
        drop(guard);
    });
}

/// If each handle had a mapping of its own, a thread would not know that it holds the lock.
#[test]
fn all_handles_of_a_process_are_one_value() {
    in_time(|| {
        let name = SegmentName::new("handles");
        let created = Synchronized::create(&name, 1_u64).unwrap();
        let opened = Synchronized::<u64>::open(&name).unwrap();
        let by_path = Synchronized::<u64>::open(name.path()).unwrap();
        let clone = by_path.clone();
        created.set(2).unwrap();
        assert_eq!([opened.get(), by_path.get(), clone.get()], [2; 3]);
        let _guard = opened.lock().unwrap();
        drop(by_path.try_lock().expect("this thread holds the lock"));
    });
}

/// If a thread that opens the name in the moment when it appears made a second mapping, it would see another lock.
#[test]
fn a_value_that_is_opened_while_it_is_created_is_mapped_once() {
    in_time(|| {
        for _ in 0..scaled(4_000, 1_000) {
            let name = SegmentName::new("at-once");
            let start = Barrier::new(2);
            let (created, opened) = thread::scope(|scope| {
                let opener = scope.spawn(|| {
                    start.wait();
                    loop {
                        match Synchronized::<u64>::open(&name) {
                            Err(Error::NotFound { .. }) => {}
                            opened => break opened.unwrap(),
                        }
                    }
                });
                start.wait();
                let created = Synchronized::create(&name, 1_u64).unwrap();
                (created, opener.join().unwrap())
            });
            let _guard = created.lock().unwrap();
            assert_eq!(opened.lock_state(), LockState::HeldHere, "the two handles have different locks: {opened:?}");
        }
    });
}

/// A mode that is refused would keep a group from sharing a value; one that is widened would let in other users.
#[test]
fn the_mode_may_be_changed_later() {
    in_time(|| {
        let name = SegmentName::new("mode");
        let value = Synchronized::options().mode(0o640).create(&name, 1_u64).unwrap();
        assert_eq!(fs::metadata(name.path()).unwrap().permissions().mode() & 0o7777, 0o640);
        fs::set_permissions(name.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), value.get());
    });
}
