//! Guards that are never dropped.

use std::mem;
use std::sync::Barrier;
use std::thread;

use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SHORT, SegmentName, in_time};

/// If the mapping went away with the handle, the thread's robust list would lead into nothing, and strand all locks
/// that were taken before.
#[test]
fn the_memory_stays_while_the_lock_is_held() {
    in_time(|| {
        let (name, other_name) = (SegmentName::new("forgotten"), SegmentName::new("before"));
        let other = SynchronizedAccount::create(&other_name, Account::after(1)).unwrap();
        let this = thread::current().id();
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_ne!(thread::current().id(), this);
                let other_guard = other.lock().unwrap();
                let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
                let guard = account.lock().unwrap();
                guard.set_balance(5);
                mem::forget(guard);
                drop(account);

                // The list is whole: this takes out what lies behind the forgotten one, and puts more before it.
                drop(other_guard);
                let more = Synchronized::new(1_u64).unwrap();
                more.update(|number| *number += 1).unwrap();

                let again = SynchronizedAccount::open(&name).unwrap();
                assert_eq!(again.lock_state(), LockState::HeldHere);
                assert_eq!(again.balance(), 5, "this thread sees what it wrote");
                drop(again.try_lock().expect("this thread holds it already"));
                assert_eq!(again.version(), 0, "the forgotten guard is still there");
                thread::scope(|scope| {
                    scope.spawn(|| {
                        assert!(matches!(again.lock_timeout(SHORT), Err(Error::TimedOut)), "another thread");
                        assert_eq!(again.balance(), 10);
                    });
                });
                mem::forget(other.lock().unwrap());
            });
        });
        let account = SynchronizedAccount::open(&name).unwrap();
        for account in [&account, &other] {
            let guard = account.lock_timeout(DEADLINE).expect("the thread is gone");
            assert!(guard.recovered());
            assert_eq!(guard.load().unwrap(), Account::after(1));
        }
    });
}

/// A thread that forgets guards in a loop must be told before the count of them runs over.
#[test]
fn forgetting_in_a_loop_ends_in_an_error() {
    in_time(|| {
        let value = Synchronized::new(1_u64).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..65_535 {
                    mem::forget(value.lock().unwrap());
                }
                let refused = value.lock();
                assert!(matches!(refused, Err(Error::TooDeep { limit: 65_535 })), "{refused:?}");
                assert!(matches!(value.set(2), Err(Error::TooDeep { .. })));
            });
        });
        assert!(value.lock_timeout(DEADLINE).expect("the thread is gone").recovered());
    });
}

/// A thread-local guard is dropped while its thread ends, after the library has cleaned up behind that thread.
#[test]
fn a_guard_in_a_thread_local_is_released_when_the_thread_ends() {
    in_time(|| {
        use std::cell::RefCell;
        use std::sync::LazyLock;

        use shared_value::Guard;

        static VALUE: LazyLock<Synchronized<u64>> = LazyLock::new(|| Synchronized::new(1).unwrap());
        thread_local! {
            static GUARD: RefCell<Option<Guard<'static, u64>>> = const { RefCell::new(None) };
        }
        for is_first in [true, false] {
            thread::spawn(move || {
                // Which of the two destructors runs first depends on this order.
                if is_first {
                    GUARD.with(|guard| assert!(guard.borrow().is_none()));
                }
                let guard = VALUE.lock().unwrap();
                GUARD.set(Some(guard));
                VALUE.update(|number| *number += 1).unwrap();
            })
            .join()
            .unwrap();
            drop(VALUE.lock_timeout(DEADLINE).expect("the thread is gone"));
        }
    });
}

/// Handles that are dropped while others are opened must not take the shared mapping along.
#[test]
fn opening_and_dropping_in_many_threads_keeps_the_value() {
    in_time(|| {
        let name = SegmentName::new("handles");
        let value = Synchronized::create(&name, 0_u64).unwrap();
        drop(value);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let value = Synchronized::<u64>::open(&name).unwrap();
                        value.update(|number| *number += 1).unwrap();
                    }
                });
            }
        });
        assert_eq!(Synchronized::<u64>::open(&name).unwrap().get(), 1_500);
    });
}

/// A mapping that is being given up must not be mapped again beside itself: its thread still holds a lock in it.
#[test]
fn a_forgotten_lock_is_found_by_whoever_opens_at_that_moment() {
    in_time(|| {
        // Every round leaves a mapping behind, and an open file, of which there may be a thousand.
        for _ in 0..250 {
            let name = SegmentName::new("given-up");
            let value = Synchronized::create(&name, 1_u64).unwrap();
            let start = Barrier::new(2);
            let open = || Synchronized::<u64>::open(&name).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..20 {
                        drop(open());
                    }
                });
                scope.spawn(|| {
                    mem::forget(value.lock().unwrap());
                    start.wait();
                    drop(value);
                    for _ in 0..20 {
                        assert_eq!(open().lock_state(), LockState::HeldHere, "this thread holds it and does not know");
                    }
                });
            });
        }
    });
}
