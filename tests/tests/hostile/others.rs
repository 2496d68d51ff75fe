//! Other locks and mutexes that a thread holds while a peer overwrites the lock of one value.

use std::mem;
use std::thread;

use rustix::process::{Signal, getpid, kill_process};
use shared_value::{Error, Guard, LockError, LockState, Synchronized};
use shared_value_tests::{Protocol, RobustMutexes, SegmentName, Taken, fork, in_time};

use crate::peer::{Peer, WILD};

/// Locks, each with a peer that can overwrite it, and mutexes of the C library.
struct Company {
    values: Vec<Synchronized<u64>>,
    mutexes: RobustMutexes,
    /// The names of the values, so that they are unlinked.
    _names: Vec<SegmentName>,
    peers: Vec<Peer>,
}

const LOCKS: usize = 3;
const MUTEXES: usize = 2;
const ALL: usize = LOCKS + MUTEXES;

impl Company {
    fn new() -> Self {
        let names: Vec<_> = (0..LOCKS).map(|_| SegmentName::new("company")).collect();
        let values = names.iter().map(|name| Synchronized::create(name, 0).unwrap()).collect();
        let peers = names.iter().map(Peer::of).collect();
        let mutexes = RobustMutexes::new(&[Protocol::Plain, Protocol::InheritPriority]);
        Self { values, mutexes, _names: names, peers }
    }

    fn take<'c>(&'c self, number: usize, guards: &mut [Option<Guard<'c, u64>>]) {
        match self.values.get(number) {
            Some(value) => guards[number] = Some(value.try_lock().expect("the lock is free")),
            None => assert_eq!(self.mutexes.take(number - LOCKS), Taken::Free),
        }
    }

    fn release(&self, number: usize, guards: &mut [Option<Guard<'_, u64>>]) {
        match guards.get_mut(number) {
            Some(guard) => *guard = None,
            None => self.mutexes.release(number - LOCKS),
        }
    }

    /// Takes and releases this lock or mutex. Returns whether a dead owner has left it, or `None` if it is held.
    fn inherit(&self, number: usize) -> Option<bool> {
        let Some(value) = self.values.get(number) else {
            let taken = self.mutexes.take(number - LOCKS);
            self.mutexes.release(number - LOCKS);
            return Some(taken == Taken::OwnerDied);
        };
        match value.try_lock() {
            Ok(guard) => Some(guard.recovered()),
            Err(Error::Lock(LockError::WouldBlock)) => None,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Returns all orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let shorter = orders(last);
    let longer = |place| {
        shorter.iter().map(move |order| {
            let mut order = order.clone();
            order.insert(place, last);
            order
        })
    };
    (0..count).flat_map(longer).collect()
}

/// If the library followed the pointers in the locks, it would lose the entries behind the overwritten one.
#[test]
fn locks_are_released_in_every_order() {
    in_time(|| {
        let company = Company::new();
        let orders = orders(ALL);
        for (number, taken) in orders.iter().enumerate() {
            // Every order of taking meets every overwritten lock, and many orders of releasing.
            for overwritten in 0..LOCKS {
                let released = &orders[(number * 7 + overwritten * 41) % orders.len()];
                let mut guards = [const { None }; LOCKS];
                for number in taken {
                    company.take(*number, &mut guards);
                }
                company.peers[overwritten].set_next(WILD[number % WILD.len()]);
                company.peers[overwritten].set_previous(WILD[number % WILD.len()]);
                for number in released {
                    company.release(*number, &mut guards);
                }
                for number in 0..ALL {
                    assert_eq!(company.inherit(number), Some(false), "{number} of {taken:?}, released {released:?}");
                }
            }
        }
    });
}

/// If a thread that ends left its locks to the kernel's walk over overwritten pointers, some would stay locked.
#[test]
fn a_thread_that_ends_leaves_all_its_locks() {
    in_time(|| {
        let company = Company::new();
        for (number, taken) in orders(ALL).iter().enumerate() {
            thread::scope(|scope| {
                let ending = scope.spawn(|| {
                    let mut guards = [const { None }; LOCKS];
                    for number in taken {
                        company.take(*number, &mut guards);
                    }
                    for peer in &company.peers {
                        peer.set_next(WILD[number % WILD.len()]);
                    }
                    mem::forget(guards);
                });
                // The end of the scope waits for the closure, but not for the thread's destructors.
                ending.join().unwrap();
            });
            for number in 0..ALL {
                assert_eq!(company.inherit(number), Some(true), "{number} of {taken:?}");
            }
        }
    });
}

/// The kernel follows the pointers of a dead process. It frees all locks up to the overwritten one; it does not reach the
/// locks that the thread took before that one.
#[test]
fn the_kernel_frees_the_locks_up_to_the_overwritten_one() {
    in_time(|| {
        let company = Company::new();
        for (number, taken) in orders(ALL).iter().enumerate() {
            let overwritten = number % LOCKS;
            fork(|| {
                let mut guards = [const { None }; LOCKS];
                for number in taken {
                    company.take(*number, &mut guards);
                }
                company.peers[overwritten].set_next(WILD[number % WILD.len()]);
                kill_process(getpid(), Signal::KILL).expect("it is this process");
            })
            .finish_killed();
            let place = |of: usize| taken.iter().position(|number| *number == of);
            for number in 0..ALL {
                // Mutexes come first in the list, in every order of taking.
                let is_reached = number >= LOCKS || place(number) >= place(overwritten);
                let inherited = company.inherit(number);
                assert_eq!(inherited, is_reached.then_some(true), "{number} of {taken:?}, overwritten: {overwritten}");
                if !is_reached {
                    assert!(matches!(company.values[number].lock_state(), LockState::Held { .. }));
                    company.peers[number].set_lock_word(0);
                }
            }
        }
    });
}

/// The kernel looks at the announced lock after the list, and not at all if a pointer of the list leads nowhere. A lock that
/// is held for long must therefore be in the list, and not announced only.
#[test]
fn a_process_that_dies_in_a_closure_leaves_the_overwritten_lock() {
    in_time(|| {
        let company = Company::new();
        for pointer in WILD {
            fork(|| {
                company.values[1].set(1).expect("the lock is free");
                let change = |_: &mut u64| {
                    company.peers[0].set_next(pointer);
                    kill_process(getpid(), Signal::KILL).expect("it is this process");
                };
                company.values[0].update(change).expect("the process dies before");
            })
            .finish_killed();
            assert_eq!(company.inherit(0), Some(true), "{pointer:#x}");
        }
    });
}

/// A list that is a circle must keep neither the kernel nor a thread of this process busy.
#[test]
fn a_circle_ends() {
    in_time(|| {
        let company = Company::new();
        let node = {
            let _outer = company.values[0].try_lock().unwrap();
            let _inner = company.values[1].try_lock().unwrap();
            company.peers[1].next()
        };
        fork(|| {
            let guards = [0, 1].map(|number| company.values[number].try_lock().unwrap());
            // The outer lock leads to itself.
            company.peers[0].set_next(node);
            mem::forget(guards);
            kill_process(getpid(), Signal::KILL).expect("it is this process");
        })
        .finish_killed();
        for number in [0, 1] {
            assert_eq!(company.inherit(number), Some(true));
        }
    });
}

/// The library walks over the mutexes of the C library to its own locks, and peers can overwrite those mutexes too.
#[test]
fn a_circle_of_mutexes_ends() {
    let value = Synchronized::new(0_u64).unwrap();
    for protocol in [Protocol::Plain, Protocol::InheritPriority] {
        let mutexes = RobustMutexes::new(&[protocol]);
        fork(|| {
            assert_eq!(mutexes.take(0), Taken::Free);
            mutexes.lead_to_itself(0);
            value.update(|number| *number += 1).expect("the circle is one of mutexes");
            let guard = value.lock().expect("the lock is free");
            mutexes.lead_to_itself(0);
            drop(guard);
        })
        .finish();
    }
    let guard = value.try_lock().expect("the child has released it");
    assert_eq!((guard.load().unwrap(), guard.recovered()), (2, false));
}
