//! Fields that are changed without the lock.

use std::panic::{self, AssertUnwindSafe};

use shared_value_tests::values::{Account, SynchronizedAccount, SynchronizedTally, Tally};
use shared_value_tests::{SegmentName, in_time, scaled};

use crate::worker;

const PROCESSES: i64 = 4;

/// Without read-modify-write operations on the shared word itself, those of several processes are lost.
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
        // Commits of the other fields meanwhile neither move nor overwrite the atomic ones.
        while tally.compared() < 3 * all.cast_unsigned() / 2 {
            tally.store(start).unwrap();
            tally.update(|tally| (tally.total, tally.sum) = (7, -1)).unwrap();
        }
        for worker in workers {
            worker.finish();
        }
        assert_eq!(tally.sum(), all * (all - 1) / 2);
        assert_eq!(tally.difference(), 5);
        assert_eq!(tally.largest(), all - 1);
        assert_eq!(tally.smallest(), -(all - 1));
        assert_eq!(tally.compared(), 3 * all.cast_unsigned());
    });
}

/// With atomic fields in the slots, a rollback would take back what others were told had happened.
#[test]
fn a_rollback_leaves_them_alone() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let mut guard = account.lock().unwrap();
        guard.set_balance(5);
        assert_eq!(account.requests_fetch_add(2), 0);
        guard.rollback();
        assert_eq!((account.balance(), account.requests(), guard.requests()), (10, 2, 2));
        drop(guard);

        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            account.update(|_| {
                account.requests_fetch_add(3);
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(account.requests(), 5);
    });
}

/// With atomic fields in the slots, whoever dies with the lock takes the changes of others along.
#[test]
fn a_killed_owner_leaves_them_alone() {
    in_time(|| {
        let name = SegmentName::new("atomic-kill");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        account.requests_fetch_add(4);
        holder.kill();
        assert!(account.lock().unwrap().recovered());
        assert_eq!(account.requests(), 4);
    });
}

/// If whole-value writes carried atomic fields along, a slow writer would overwrite what was added meanwhile.
#[test]
fn whole_value_writes_leave_them_alone() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account { requests: 40, ..Account::after(0) }).unwrap();
        assert_eq!(account.requests(), 40, "the first value counts");
        account.store(Account { requests: 1, ..Account::after(1) }).unwrap();
        assert_eq!(account.requests(), 40);
        account.set(Account { requests: 2, ..Account::after(2) }).unwrap();
        assert_eq!(account.requests(), 40);
        account
            .update(|value| {
                assert_eq!(value.requests, 40, "the closure sees what it is now");
                account.requests_fetch_add(1);
                value.requests = 3;
            })
            .unwrap();
        assert_eq!(account.requests(), 41);
        let mut guard = account.lock().unwrap();
        guard.store(Account { requests: 4, ..Account::after(4) });
        guard.update(|value| value.requests = 5).unwrap();
        assert_eq!((guard.requests(), guard.load().unwrap().requests), (41, 41));
        guard.commit();
        drop(guard);
        assert_eq!(account.load().unwrap(), Account { requests: 41, ..Account::after(4) });
    });
}

/// Operations that returned the new value, or compared as unsigned numbers, would be others than the documented ones.
#[test]
fn they_return_what_was_there() {
    in_time(|| {
        let tally = SynchronizedTally::new(Tally { sum: -3, difference: 10, ..Tally::default() }).unwrap();
        assert_eq!(tally.sum_fetch_add(5), -3);
        assert_eq!(tally.sum_fetch_sub(4), 2);
        assert_eq!(tally.sum_fetch_max(-7), -2);
        assert_eq!(tally.sum_fetch_min(-9), -2);
        assert_eq!(tally.sum_fetch_max(1), -9);
        assert_eq!(tally.sum_compare_exchange(2, 3), Err(1));
        assert_eq!(tally.sum_compare_exchange(1, i64::MAX), Ok(1));
        assert_eq!(tally.sum_fetch_add(1), i64::MAX);
        assert_eq!(tally.sum(), i64::MIN, "sums wrap around, as those of the standard library do");
        tally.sum_store(6);
        assert_eq!(tally.sum(), 6);
        assert_eq!(tally.difference_fetch_sub(11), 10);
        assert_eq!(tally.difference_fetch_max(3), u64::MAX);
        assert_eq!(tally.difference_fetch_min(3), u64::MAX);
        assert_eq!(tally.difference(), 3);
        assert_eq!(tally.version(), 0, "none of these is a commit");
    });
}
