//! `exec` while locks are held.

use std::path::Path;
use std::time::Instant;

use shared_value::{Error, LockError, LockState};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{AT_ONCE, SegmentName, Worker};

use crate::hazard;

/// Values whose locks a program holds: the first one in its first thread, the others in another thread.
struct Held {
    /// The names go when this is dropped.
    _names: Vec<SegmentName>,
    accounts: Vec<SynchronizedAccount>,
    holder: Worker,
}

impl Held {
    #[track_caller]
    fn start(arguments: &[&str]) -> Self {
        let names: Vec<_> = (0..4).map(|_| SegmentName::new("exec")).collect();
        let accounts = names.iter().map(|name| SynchronizedAccount::create(name, Account::after(1)).unwrap()).collect();
        let arguments = arguments.iter().copied().chain(names.iter().map(|name| &**name));
        let mut holder = hazard("exec", arguments);
        holder.expect("held");
        let held = Self { _names: names, accounts, holder };
        held.assert_held();
        held
    }

    #[track_caller]
    fn assert_held(&self) {
        for account in &self.accounts {
            assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))), "{account:?}");
        }
    }

    #[track_caller]
    fn becomes_another(&mut self) {
        self.holder.tell("go");
        self.holder.expect("replaced");
    }

    #[track_caller]
    fn end(mut self) {
        self.holder.tell("end");
        self.holder.expect("done");
        self.holder.finish();
    }
}

#[track_caller]
fn assert_recovered(account: &SynchronizedAccount) {
    let start = Instant::now();
    let guard = account.lock_timeout(AT_ONCE).expect("the owner has been replaced by another program");
    assert!(guard.recovered(), "{guard:?}");
    assert_eq!(guard.load().unwrap(), Account::after(1), "the draft is rolled back");
    drop(guard);
    assert_eq!(account.recoveries(), 1);
    println!("recovered after {:?}", start.elapsed());
}

/// The process and the id of its first thread live on, but the code that would release the locks is gone.
#[test]
fn by_the_first_thread_frees_the_locks_of_all_threads() {
    let mut held = Held::start(&["first"]);
    held.becomes_another();
    held.accounts.iter().for_each(assert_recovered);
    held.end();
}

/// A thread that calls `exec` gets the id of the first thread before the kernel walks its list, so the kernel takes its locks for
/// those of another thread. The locks of the first thread must be freed at once all the same, and reads must go on; the other
/// locks are taken over when a waiter has found out that the program does not exist any more.
#[test]
fn by_another_thread_leaves_the_locks_of_that_thread_to_their_waiters() {
    let mut held = Held::start(&["other"]);
    held.becomes_another();
    let (first, others) = held.accounts.split_first().unwrap();
    assert_recovered(first);
    for account in others {
        let LockState::Held { thread_id } = account.lock_state() else { panic!("{account:?}") };
        assert!(!Path::new(&format!("/proc/{thread_id}")).exists(), "the owner is a thread that has ended");
        assert_eq!(account.load().unwrap(), Account::after(1), "readers do not wait");
        assert_eq!(account.requests().fetch_add(1), 0, "atomic fields do not wait");
        let guard = account.lock_timeout(AT_ONCE).expect("the owner is gone");
        assert!(guard.recovered());
        assert_eq!(guard.load().unwrap(), Account { requests: 1, ..Account::after(1) });
    }
    held.end();
}

/// An `exec` that fails must leave the program its locks.
#[test]
fn in_vain_changes_nothing() {
    for by in ["first", "other"] {
        let mut held = Held::start(&["--in-vain", by]);
        held.holder.tell("go");
        held.holder.expect("failed");
        held.assert_held();
        held.holder.tell("go on");
        held.holder.expect("done");
        for account in &held.accounts {
            let guard = account.lock_timeout(AT_ONCE).expect("the owner has released it");
            assert!(!guard.recovered());
            assert_eq!((guard.balance(), account.version()), (-1, 1), "committed by its owner");
        }
        held.holder.finish();
    }
}
