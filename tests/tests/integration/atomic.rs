//! Atomic fields, which change without the lock.

use std::panic::{self, AssertUnwindSafe};

use shared_value_tests::values::{Account, SynchronizedAccount, SynchronizedTally, Tally};
use shared_value_tests::{SegmentName, in_time, scaled};

use crate::worker;

const PROCESSES: i64 = 4;

/// Without atomic operations on the shared word itself, changes of several processes would be lost.
#[test]
fn operations_of_several_processes_add_up() {
    in_time(|| {
        let count = scaled(100_000, 20_000).cast_signed();
        let name = SegmentName::new("atomic");
        let all = PROCESSES * count;
        let start = Tally { difference: 2 * all.cast_unsigned() + 5, ..Tally::default() };
        let tally = SynchronizedTally::create(&name, start).unwrap();
        let mut workers: Vec<_> =
            (0..PROCESSES).map(|index| worker("atomic", [&*name, &index.to_string(), &count.to_string()])).collect();
        for worker in &mut workers {
            worker.expect("ready");
        }
        for worker in &mut workers {
            worker.tell("go");
        }
        // Meanwhile, commits of other fields must neither move nor overwrite the atomic fields.
        while tally.compared().load() < 3 * all.cast_unsigned() / 2 {
            tally.set(start).unwrap();
            tally.update(|tally| (tally.total, tally.sum) = (7, -1)).unwrap();
        }
        for worker in workers {
            worker.finish();
        }
        assert_eq!(tally.sum().load(), all * (all - 1) / 2);
        assert_eq!(tally.difference().load(), 5);
        assert_eq!(tally.largest().load(), all - 1);
        assert_eq!(tally.smallest().load(), -(all - 1));
        assert_eq!(tally.compared().load(), 3 * all.cast_unsigned());
    });
}

/// If atomic fields lay in the slots, a rollback would undo changes that other processes have seen already.
#[test]
fn a_rollback_leaves_them_alone() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let guard = account.lock().unwrap();
        guard.set_balance(5).unwrap();
        assert_eq!(account.requests().fetch_add(2), 0);
        guard.rollback();
        assert_eq!((account.balance(), account.requests().load(), guard.requests().load()), (10, 2, 2));
        drop(guard);

        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            account.update(|_| {
                account.requests().fetch_add(3);
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(account.requests().load(), 5);
    });
}

/// If atomic fields lay in the slots, the death of an owner would undo the changes of other processes.
#[test]
fn a_killed_owner_leaves_them_alone() {
    in_time(|| {
        let name = SegmentName::new("atomic-kill");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        account.requests().fetch_add(4);
        holder.kill();
        assert!(account.lock().unwrap().recovered());
        assert_eq!(account.requests().load(), 4);
    });
}

/// If a write of the whole value wrote atomic fields too, a slow writer would overwrite what others add meanwhile.
#[test]
fn whole_value_writes_leave_them_alone() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account { requests: 40, ..Account::after(0) }).unwrap();
        assert_eq!(account.requests().load(), 40, "the initial value counts");
        account.set(Account { requests: 1, ..Account::after(1) }).unwrap();
        assert_eq!(account.requests().load(), 40);
        account.set(Account { requests: 2, ..Account::after(2) }).unwrap();
        assert_eq!(account.requests().load(), 40);
        account
            .update(|value| {
                assert_eq!(value.requests, 40, "the closure sees the current number");
                account.requests().fetch_add(1);
                value.requests = 3;
            })
            .unwrap();
        assert_eq!(account.requests().load(), 41);
        let guard = account.lock().unwrap();
        guard.set(Account { requests: 4, ..Account::after(4) }).unwrap();
        guard.update(|value| value.requests = 5).unwrap();
        assert_eq!((guard.requests().load(), guard.load().unwrap().requests), (41, 41));
        guard.commit();
        drop(guard);
        assert_eq!(account.load().unwrap(), Account { requests: 41, ..Account::after(4) });
    });
}

/// The documentation says that operations return the value before, and that signed numbers compare as signed ones.
#[test]
fn they_return_the_value_before() {
    in_time(|| {
        let tally = SynchronizedTally::new(Tally { sum: -3, difference: 10, ..Tally::default() }).unwrap();
        assert_eq!(tally.sum().fetch_add(5), -3);
        assert_eq!(tally.sum().fetch_sub(4), 2);
        assert_eq!(tally.sum().fetch_max(-7), -2);
        assert_eq!(tally.sum().fetch_min(-9), -2);
        assert_eq!(tally.sum().fetch_max(1), -9);
        assert_eq!(tally.sum().compare_exchange(2, 3), Err(1));
        assert_eq!(tally.sum().compare_exchange(1, i64::MAX), Ok(1));
        assert_eq!(tally.sum().fetch_add(1), i64::MAX);
        assert_eq!(tally.sum().load(), i64::MIN, "sums wrap around, as those of the standard library do");
        tally.sum().store(6);
        assert_eq!(tally.sum().load(), 6);
        assert_eq!(tally.difference().fetch_sub(11), 10);
        assert_eq!(tally.difference().fetch_max(3), u64::MAX);
        assert_eq!(tally.difference().fetch_min(3), u64::MAX);
        assert_eq!(tally.difference().load(), 3);
        assert_eq!(tally.version(), 0, "atomic operations are not commits");
    });
}
