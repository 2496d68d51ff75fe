//! The other locks and mutexes that a thread holds while the lock of one value is overwritten.

use std::mem;
use std::thread;

use rustix::process::{Signal, getpid, kill_process};
use shared_value::{Error, Guard, LockState, Synchronized};
use shared_value_tests::{Protocol, RobustMutexes, SegmentName, Taken, fork, in_time};

use crate::peer::{Peer, WILD};

/// Locks that a peer can write to one of, and mutexes of the C library.
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
            Some(value) => guards[number] = Some(value.try_lock().expect("it is free")),
            None => assert_eq!(self.mutexes.take(number - LOCKS), Taken::Free),
        }
    }

    fn release(&self, number: usize, guards: &mut [Option<Guard<'_, u64>>]) {
        match guards.get_mut(number) {
            Some(guard) => *guard = None,
            None => self.mutexes.release(number - LOCKS),
        }
    }

    /// Whether this lock or mutex was left by a dead owner; nothing if it is not free.
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

/// All orders in which so many things can be done.
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

/// A list that is mended by its own pointers would lose what lies behind the overwritten one.
#[test]
fn they_are_released_in_every_order() {
    in_time(|| {
        let company = Company::new();
        let orders = orders(ALL);
        for (number, taken) in orders.iter().enumerate() {
            // Every order of taking meets every lock overwritten, and different orders of releasing.
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

/// A thread that ends while its process lives must not leave its locks to a walk over overwritten pointers.
#[test]
fn a_thread_that_ends_leaves_all_of_them() {
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
                // The end of the scope waits for the closure only, not for what the thread does after it.
                ending.join().unwrap();
            });
            for number in 0..ALL {
                assert_eq!(company.inherit(number), Some(true), "{number} of {taken:?}");
            }
        }
    });
}

/// The kernel follows the pointers of a process that dies. What it reaches before an overwritten one it frees; what this
/// thread took before that lock it does not reach, if the pointer leads astray.
#[test]
fn a_process_that_dies_leaves_those_before_the_overwritten_one() {
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
                // Mutexes come first in the list, whenever they were taken.
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

/// The kernel looks at what is announced behind all that is in the list, and not at all if a pointer leads astray. So a lock
/// that is in the list must not be announced while a peer may overwrite it at leisure.
#[test]
fn a_process_that_dies_in_a_closure_leaves_the_overwritten_one() {
    in_time(|| {
        let company = Company::new();
        for pointer in WILD {
            fork(|| {
                company.values[1].set(1).expect("it is free");
                let change = |_: &mut u64| {
                    company.peers[0].set_next(pointer);
                    kill_process(getpid(), Signal::KILL).expect("it is this process");
                };
                company.values[0].update(change).expect("it dies");
            })
            .finish_killed();
            assert_eq!(company.inherit(0), Some(true), "{pointer:#x}");
        }
    });
}

/// A list that leads in circles must not keep the kernel busy, or a thread of this process.
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
            // The outer one leads to itself.
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

/// The way to the own locks leads through the mutexes of the C library, which their peers can overwrite as well.
#[test]
fn a_circle_of_mutexes_ends() {
    let value = Synchronized::new(0_u64).unwrap();
    for protocol in [Protocol::Plain, Protocol::InheritPriority] {
        let mutexes = RobustMutexes::new(&[protocol]);
        fork(|| {
            assert_eq!(mutexes.take(0), Taken::Free);
            mutexes.lead_to_itself(0);
            value.update(|number| *number += 1).expect("the circle is not the lock's");
            let guard = value.lock().expect("it is free");
            mutexes.lead_to_itself(0);
            drop(guard);
        })
        .finish();
    }
    let guard = value.try_lock().expect("it was released");
    assert_eq!((guard.load().unwrap(), guard.recovered()), (2, false));
}
