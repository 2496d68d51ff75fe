//! Guards that are never dropped.

use std::mem;
use std::sync::Barrier;
use std::thread;

use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SHORT, SegmentName, in_time};

/// If the last handle unmapped the memory, the thread's robust list would lead nowhere, and the kernel could free none of
/// the locks that the thread took before.
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
                guard.set_balance(5).unwrap();
                mem::forget(guard);
                drop(account);

                // The list is whole: an entry behind the forgotten one goes, and others come before it.
                drop(other_guard);
                let more = Synchronized::new(1_u64).unwrap();
                more.update(|number| *number += 1).unwrap();

                let again = SynchronizedAccount::open(&name).unwrap();
                assert_eq!(again.lock_state(), LockState::HeldHere);
                assert_eq!(again.balance(), 5, "this thread sees its own writes");
                drop(again.try_lock().expect("this thread holds it already"));
                assert_eq!(again.version(), 0, "the forgotten guard still holds the lock");
                thread::scope(|scope| {
                    scope.spawn(|| {
                        let refused = again.lock_timeout(SHORT);
                        assert!(
                            matches!(refused, Err(Error::Lock(LockError::TimedOut))),
                            "another thread: {refused:?}"
                        );
                        assert_eq!(again.balance(), 10);
                    });
                });
                mem::forget(other.lock().unwrap());
            });
        });
        let account = SynchronizedAccount::open(&name).unwrap();
        for account in [&account, &other] {
            let guard = account.lock_timeout(DEADLINE).expect("the thread has ended");
            assert!(guard.recovered());
            assert_eq!(guard.load().unwrap(), Account::after(1));
        }
    });
}

/// A thread that forgets guards in a loop must get an error before their count overflows.
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
                assert!(matches!(refused, Err(Error::Lock(LockError::TooDeep { limit: 65_535 }))), "{refused:?}");
                assert!(matches!(value.set(2), Err(Error::Lock(LockError::TooDeep { .. }))));
            });
        });
        assert!(value.lock_timeout(DEADLINE).expect("the thread has ended").recovered());
    });
}

/// A thread-local guard may be dropped after the library's own thread-local, which releases the thread's locks.
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
                // This order decides which of the two destructors runs first.
                if is_first {
                    GUARD.with(|guard| assert!(guard.borrow().is_none()));
                }
                let guard = VALUE.lock().unwrap();
                GUARD.set(Some(guard));
                VALUE.update(|number| *number += 1).unwrap();
            })
            .join()
            .unwrap();
            drop(VALUE.lock_timeout(DEADLINE).expect("the thread has ended"));
        }
    });
}

/// A handle that is dropped must not unmap the memory that another one, which is just being opened, uses.
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

/// A mapping that is being dropped must not be mapped a second time: its thread still holds a lock in it.
#[test]
fn a_handle_that_is_opened_finds_the_forgotten_lock() {
    in_time(|| {
        // Every round leaves a mapping and an open file; a process may have a thousand files.
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
                        assert_eq!(open().lock_state(), LockState::HeldHere, "this thread holds the lock");
                    }
                });
            });
        }
    });
}
