//! Locks that guard several values.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, Lock, LockState, Options, RLock, ReadOnly, Recursive, Synchronized};
use shared_value_tests::values::Account;
use shared_value_tests::{AT_ONCE, DEADLINE, SHORT, SegmentName, end_now, eventually, fork, in_time, scaled};

/// Two values under one lock.
struct Pair {
    lock: RLock,
    left: Synchronized<i64>,
    right: Synchronized<[u64; 20]>,
}

impl Pair {
    fn new() -> Self {
        let lock = RLock::new().unwrap();
        let guarded = Synchronized::options().lock(&lock);
        Self { left: guarded.new(0).unwrap(), right: guarded.new([0; 20]).unwrap(), lock }
    }

    fn versions(&self) -> (u64, u64) {
        (self.left.version(), self.right.version())
    }

    fn values(&self) -> (i64, u64) {
        let right = self.right.get();
        assert_eq!(right, [right[0]; 20], "torn");
        (self.left.get(), right[0])
    }

    fn set_both(&self, number: u32) {
        self.left.set(number.into()).unwrap();
        self.right.set([number.into(); 20]).unwrap();
    }
}

/// What another thread sees, which holds nothing.
fn elsewhere<R: Send>(look: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(look).join().unwrap())
}

#[test]
fn values_are_committed_when_their_lock_is_released() {
    let pair = Pair::new();
    let outer = pair.lock.lock().unwrap();
    pair.set_both(1);
    let inner = pair.left.lock().unwrap();
    pair.right.update(|right| *right = [2; 20]).unwrap();
    assert_eq!(pair.values(), (1, 2), "a thread sees its own writes");
    assert_eq!(elsewhere(|| pair.values()), (0, 0));
    drop(inner);
    assert_eq!(elsewhere(|| pair.values()), (0, 0), "the thread holds the lock still");
    assert_eq!(pair.left.lock_state(), LockState::HeldHere);
    assert!(matches!(elsewhere(|| pair.right.lock_state()), LockState::Held { .. }));
    assert!(matches!(elsewhere(|| pair.right.try_lock().map(drop)), Err(Error::Lock(LockError::WouldBlock))));
    drop(outer);
    assert_eq!((pair.values(), pair.versions()), ((1, 2), (1, 1)));
    assert_eq!(elsewhere(|| pair.values()), (1, 2));
}

#[test]
fn whichever_guard_is_dropped_last_commits_all() {
    let pair = Pair::new();
    let first = pair.lock.lock().unwrap();
    let last = pair.left.lock().unwrap();
    pair.right.set([5; 20]).unwrap();
    drop(first);
    assert_eq!(pair.versions(), (0, 0));
    drop(last);
    assert_eq!((pair.values(), pair.versions()), ((0, 5), (0, 1)));
}

#[test]
fn a_commit_or_rollback_is_of_all_values_of_the_lock() {
    let pair = Pair::new();
    let guard = pair.lock.lock().unwrap();
    pair.set_both(1);
    guard.commit();
    assert_eq!(elsewhere(|| pair.values()), (1, 1));
    pair.set_both(2);
    guard.rollback();
    assert_eq!(pair.values(), (1, 1));
    pair.set_both(3);
    let inner = pair.right.lock().unwrap();
    inner.commit();
    assert_eq!(elsewhere(|| pair.values()), (3, 3));
    pair.set_both(4);
    inner.rollback();
    drop((inner, guard));
    assert_eq!((pair.values(), pair.versions()), ((3, 3), (2, 2)));
}

#[test]
fn a_panic_rolls_all_values_back() {
    let pair = Pair::new();
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        let _guard = pair.lock.lock().unwrap();
        pair.set_both(1);
        panic!("while it is held");
    }));
    assert!(panicked.is_err());
    assert_eq!((pair.values(), pair.lock.lock_state()), ((0, 0), LockState::Free));

    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        pair.left.update(|left| {
            *left = 1;
            pair.right.set([1; 20]).unwrap();
            panic!("in an update");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((pair.values(), pair.versions(), pair.lock.lock_state()), ((0, 0), (0, 0), LockState::Free));

    // Caught while an outer guard is there: nothing may be written until it is rolled back.
    let guard = pair.lock.lock().unwrap();
    pair.set_both(2);
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        let _inner = pair.left.lock().unwrap();
        panic!("under an inner guard");
    }));
    assert!(panicked.is_err());
    assert!(matches!(pair.right.set([3; 20]), Err(Error::Unwound)));
    guard.rollback();
    pair.set_both(4);
    drop(guard);
    assert_eq!((pair.values(), pair.versions()), ((4, 4), (1, 1)));
}

#[test]
fn in_an_update_of_one_value_the_others_can_be_changed() {
    let pair = Pair::new();
    pair.left
        .update(|left| {
            assert!(matches!(pair.left.set(7), Err(Error::Borrowed)));
            pair.right.update(|right| right.fill(8)).unwrap();
            *left = 9;
        })
        .unwrap();
    assert_eq!((pair.values(), pair.versions()), ((9, 8), (1, 1)));
}

#[test]
fn a_lock_is_not_taken_twice() {
    let lock = Lock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let (value, other) = (guarded.new(1_u32).unwrap(), guarded.new(1_u32).unwrap());
    let guard = lock.lock().unwrap();
    for refused in [
        lock.lock().map(drop),
        lock.try_lock().map(drop),
        lock.lock_timeout(DEADLINE).map(drop),
        value.lock().map(drop),
        value.set(2),
        value.update(|value| *value = 2),
    ] {
        assert!(matches!(refused, Err(Error::Lock(LockError::AlreadyHeld))), "{refused:?}");
    }
    assert_eq!(value.get(), 1, "reading takes no lock");
    assert!(matches!(elsewhere(|| lock.try_lock().map(drop)), Err(Error::Lock(LockError::WouldBlock))), "it is held still");
    drop(guard);

    value.update(|_| assert!(matches!(other.set(2), Err(Error::Lock(LockError::AlreadyHeld))))).unwrap();
    let guard = value.lock().unwrap();
    guard.set(3).unwrap();
    drop(guard);
    assert_eq!((value.get(), other.get()), (3, 1));
    elsewhere(|| lock.lock().map(drop)).unwrap();
}

#[test]
fn a_value_is_committed_although_its_last_handle_went_first() {
    let name = SegmentName::new("dropped");
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let guard = lock.lock().unwrap();
    guarded.create(&name, 1_u64).unwrap().set(2).unwrap();
    drop(guard);
    assert_eq!(guarded.open::<u64>(&name).unwrap().get(), 2);
}

#[test]
fn a_value_opens_with_its_lock_only() {
    let [lock_name, value_name, own_name] = ["lock", "guarded", "own"].map(SegmentName::new);
    let lock = RLock::create(&lock_name).unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let value = guarded.create(&value_name, 1_u64).unwrap();
    Synchronized::create(&own_name, 1_u64).unwrap();

    let other = RLock::new().unwrap();
    let same = RLock::open(&lock_name).unwrap();
    for (opened, expected) in [
        (Synchronized::<u64>::open(&value_name), "expected a lock of its own, found lock object"),
        (Synchronized::options().lock(&other).open(&value_name), "expected lock object"),
        (guarded.open(&own_name), "found a lock of its own"),
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, Error::InvalidSegment { field: "lock", .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let opened = Synchronized::options().lock(&same).open::<u64>(&value_name).unwrap();
    opened.set(5).unwrap();
    assert_eq!(value.get(), 5);
    // Readers take no lock.
    assert_eq!(Synchronized::<u64>::open_read_only(&value_name).unwrap().get(), 5);

    let error = Lock::open(&lock_name).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error:?}");
    drop((value, opened));
    // Another lock by the same name is another lock.
    shared_value::unlink(&lock_name).unwrap();
    let replaced = RLock::open_or_create(&lock_name).unwrap();
    assert!(matches!(Synchronized::options().lock(&replaced).open::<u64>(&value_name), Err(Error::InvalidSegment { .. })));
}

#[test]
fn processes_exclude_each_other() {
    in_time(|| {
        let pair = Pair::new();
        let rounds = scaled(20_000, 2_000);
        let children: Vec<_> = (0..4)
            .map(|number| {
                fork(|| {
                    for _ in 0..rounds {
                        if number % 2 == 0 {
                            let _guard = pair.lock.lock().unwrap();
                            pair.left.set(pair.left.get() + 1).unwrap();
                            pair.right.update(|right| right.iter_mut().for_each(|word| *word += 1)).unwrap();
                        } else {
                            let guard = pair.right.lock().unwrap();
                            pair.left.update(|left| *left += 1).unwrap();
                            let right = guard.load().unwrap();
                            guard.set(right.map(|word| word + 1)).unwrap();
                        }
                    }
                })
            })
            .collect();
        for child in children {
            child.finish();
        }
        assert_eq!(pair.values(), (i64::try_from(4 * rounds).unwrap(), 4 * rounds));
        assert_eq!(pair.versions(), (4 * rounds, 4 * rounds));
    });
}

/// What a killed owner has written to a value stays in its memory until somebody touches that value again, which may be
/// long after the lock was taken over.
#[test]
fn what_a_killed_owner_wrote_is_gone_whenever_it_is_touched() {
    let touch: [fn(&Pair) -> u64; 7] = [
        // Touched and not written: there must be nothing to commit.
        |pair| {
            let failed: Result<(), Error> = pair.right.try_update(|_| Err(Error::Lock(LockError::WouldBlock)));
            assert!(matches!(failed, Err(Error::Lock(LockError::WouldBlock))));
            1
        },
        |pair| {
            let _guard = pair.lock.lock().unwrap();
            let failed: Result<(), Error> = pair.right.try_update(|_| Err(Error::Lock(LockError::WouldBlock)));
            assert!(matches!(failed, Err(Error::Lock(LockError::WouldBlock))));
            1
        },
        |pair| pair.right.update(|right| right[0]).unwrap(),
        |pair| {
            let guard = pair.right.lock().unwrap();
            guard.load().unwrap()[0]
        },
        |pair| {
            let _guard = pair.lock.lock().unwrap();
            let seen = pair.right.get()[0];
            pair.right.set([1; 20]).unwrap();
            seen
        },
        |pair| {
            pair.right.set([1; 20]).unwrap();
            1
        },
        |pair| {
            let guard = pair.right.lock().unwrap();
            guard.rollback();
            guard.commit();
            guard.load().unwrap()[0]
        },
    ];
    in_time(move || {
        for touch in touch {
            let pair = Pair::new();
            // What this thread has touched under the lock counts until it releases it, and no longer.
            let guard = pair.lock.lock().unwrap();
            pair.set_both(1);
            drop(guard);
            let held = Synchronized::new(false).unwrap();
            let child = fork(|| {
                let _guard = pair.lock.lock().unwrap();
                pair.set_both(2);
                held.set(true).unwrap();
                thread::sleep(DEADLINE);
            });
            eventually("the child has written", || held.get());
            child.signal(Signal::KILL);
            child.finish_killed();

            assert!(pair.lock.lock_timeout(AT_ONCE).unwrap().recovered());
            assert_eq!(pair.values(), (1, 1));
            // Locks and releases in between that touch only the other value.
            pair.left.set(1).unwrap();
            pair.left.update(|left| *left += 1).unwrap();
            assert_eq!(pair.right.get(), [1; 20]);
            assert_eq!(touch(&pair), 1);
            assert_eq!(pair.right.get(), [1; 20]);
            assert_eq!(pair.lock.recoveries(), 1);
        }
    });
}

/// A field is changed in a copy of the committed value, not in what a dead owner has left.
#[test]
fn a_field_is_changed_in_the_committed_value() {
    in_time(|| {
        let lock = RLock::new().unwrap();
        let account = Synchronized::options().lock(&lock).new(Account::after(1)).unwrap();
        fork(|| {
            let guard = account.lock().unwrap();
            guard.set(Account::after(9)).unwrap();
            end_now(0);
        })
        .finish();
        let guard = lock.lock().unwrap();
        assert!(guard.recovered());
        account.set_balance(Account::after(2).balance).unwrap();
        drop(guard);
        assert_eq!(account.load().unwrap(), Account { balance: Account::after(2).balance, ..Account::after(1) });
    });
}

#[test]
fn processes_killed_at_random_leave_every_value_whole() {
    in_time(|| {
        let pair = Pair::new();
        let kills = scaled(200, 40);
        for round in 0..kills {
            let child = fork(|| {
                loop {
                    let _guard = pair.lock.lock().unwrap();
                    let next = pair.left.get() + 1;
                    pair.left.set(next).unwrap();
                    // Word by word, so that there is a time at which it is half done.
                    pair.right.update(|right| right.iter_mut().for_each(|word| *word += 1)).unwrap();
                }
            });
            let before = pair.left.version();
            eventually("the child works", || pair.left.version() > before + round % 7);
            child.signal(Signal::KILL);
            child.finish_killed();
            let guard = pair.lock.lock_timeout(AT_ONCE).unwrap();
            let (left, right) = pair.values();
            drop(guard);
            // One release commits the left one, then the right one.
            let apart = left - i64::try_from(right).unwrap();
            assert!((0..=i64::try_from(round + 1).unwrap()).contains(&apart), "{left} and {right}");
        }
        assert!(pair.lock.recoveries() > 0);
    });
}

#[test]
fn a_forked_child_does_not_own_the_lock() {
    let pair = Pair::new();
    let guard = RefCell::new(Some(pair.lock.lock().unwrap()));
    pair.set_both(1);
    let stage = Synchronized::new(0_u32).unwrap();
    // This one's parent has touched the values, it has not.
    let later = fork(|| {
        eventually("another owner has died", || stage.get() == 1);
        let guard = pair.lock.lock().unwrap();
        assert!(guard.recovered());
        assert_eq!(pair.values(), (1, 1));
        pair.left.update(|left| *left += 1).unwrap();
    });
    fork(|| {
        assert!(matches!(pair.left.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        assert_eq!(pair.values(), (0, 0), "what the parent has not committed");
        drop(guard.take());
        assert!(matches!(pair.left.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        // The child has other locks of its own.
        let own = Pair::new();
        own.set_both(2);
        assert_eq!((own.values(), own.versions()), ((2, 2), (1, 1)));
    })
    .finish();
    assert_eq!((pair.versions(), pair.lock.lock_state()), ((0, 0), LockState::HeldHere));
    assert_eq!(pair.values(), (1, 1));
    drop(guard);
    assert_eq!((pair.values(), pair.versions()), ((1, 1), (1, 1)));

    fork(|| {
        let _guard = pair.lock.lock().unwrap();
        pair.set_both(9);
        end_now(0);
    })
    .finish();
    stage.set(1).unwrap();
    later.finish();
    assert_eq!(pair.values(), (2, 1));
}

/// Whichever value's guard, or the lock's own, is the last to go: those who wait for a change of any value are woken.
#[test]
fn a_change_under_a_lock_object_wakes() {
    /// A sleeper that was woken is there sooner than one that looks by itself, every 50 milliseconds.
    const WOKEN: Duration = Duration::from_millis(25);
    in_time(|| {
        let pair = Pair::new();
        let mut latencies: Vec<_> = (1..=12)
            .map(|round| {
                thread::scope(|scope| {
                    let waiter = scope.spawn(|| {
                        pair.left.wait_for(|left| *left == round, DEADLINE).unwrap();
                        Instant::now()
                    });
                    thread::sleep(SHORT / 5);
                    let guard = pair.lock.lock().unwrap();
                    pair.left.set(round).unwrap();
                    let committed = Instant::now();
                    drop(guard);
                    waiter.join().unwrap().saturating_duration_since(committed)
                })
            })
            .collect();
        latencies.sort_unstable();
        // The quickest quarter, because the machine may be busy.
        assert!(latencies[3] < WOKEN, "they were not woken, but looked by themselves: {latencies:?}");
    });
}

#[test]
fn derived_structs_work_under_lock_objects() {
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let [first, second] = [1, 2].map(|number| guarded.new(Account::after(number)).unwrap());
    let guard = lock.lock().unwrap();
    first.set_balance(100).unwrap();
    second.update_balance(|balance| *balance += 1).unwrap();
    second.requests().fetch_add(5);
    assert_eq!((first.version(), second.version()), (0, 0));
    drop(guard);
    assert_eq!((first.version(), second.version()), (1, 1));
    assert_eq!((first.balance(), second.balance()), (100, Account::after(2).balance + 1));
}

/// As a value, its guards would commit nothing of what it guards, and its identity could be changed.
#[test]
fn a_lock_is_no_value() {
    let name = SegmentName::new("no-value");
    let lock = RLock::create(&name).unwrap();
    let refused = [
        Synchronized::<Recursive>::open(&name).map(drop),
        Synchronized::<Recursive>::open(&lock.token().unwrap()).map(drop),
        Synchronized::options().lock(&lock).open::<Recursive>(&name).map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::InvalidSegment { field: "lock", .. }), "{error:?}");
    }
}

/// Whatever is borrowed: a panic under an inner guard has cut something short, and the outer one must hear of it.
#[test]
fn a_panic_in_an_update_bars_the_other_values_too() {
    let pair = Pair::new();
    let outer = pair.left.lock().unwrap();
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        outer.update(|_| {
            let _inner = pair.left.lock().unwrap();
            pair.right.update(|right| right[0] = 1).unwrap();
            panic!("before the rest of it");
        })
    }));
    assert!(panicked.is_err());
    assert!(matches!(pair.right.set([1; 20]), Err(Error::Unwound)));
    drop(outer);
    assert_eq!((pair.values(), pair.versions()), ((0, 0), (0, 0)));
}

#[test]
fn an_update_that_caught_a_panic_of_another_value_fails() {
    let pair = Pair::new();
    let change = || {
        pair.left.update(|left| {
            pair.right.set([1; 20]).unwrap();
            let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
                let _inner = pair.right.lock().unwrap();
                panic!("under an inner guard");
            }));
            assert!(panicked.is_err());
            *left = 1;
        })
    };
    let changed = change();
    assert!(matches!(changed, Err(Error::Unwound)), "{changed:?}");
    assert_eq!((pair.values(), pair.versions()), ((0, 0), (0, 0)));

    let guard = pair.lock.lock().unwrap();
    let changed = change();
    assert!(matches!(changed, Err(Error::Unwound)), "{changed:?}");
    guard.rollback();
    pair.set_both(2);
    drop(guard);
    assert_eq!((pair.values(), pair.versions()), ((2, 2), (1, 1)));
}

/// The closure works on a copy, in which what was rolled back meanwhile would come back.
#[test]
fn nothing_is_rolled_back_in_the_middle_of_an_update() {
    let pair = Pair::new();
    let guard = pair.left.lock().unwrap();
    guard.set(9).unwrap();
    for attempt in 0..3 {
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            guard.update(|_| match attempt {
                0 => pair.right.lock().unwrap().rollback(),
                1 => pair.right.lock().unwrap().commit(),
                _ => pair.lock.lock().unwrap().rollback(),
            })
        }));
        assert!(panicked.is_err(), "attempt {attempt}");
        guard.rollback();
        guard.set(9).unwrap();
    }
    drop(guard);
    assert_eq!(pair.values(), (9, 0));
}

#[test]
fn readers_do_not_see_the_lock() {
    let pair = Pair::new();
    let read_only = pair.left.read_only().unwrap();
    let guard = pair.lock.lock().unwrap();
    assert_eq!(read_only.lock_state(), LockState::Unknown);
    drop(guard);
    assert_eq!(read_only.get(), 0);
}
