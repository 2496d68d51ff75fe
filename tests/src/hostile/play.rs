//! `Play`: the operations of this process on a segment that another process damages.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Error, Guard, LockError, LockState, Synchronized};

use crate::hostile::damage::{Damage, LOCK};
use crate::hostile::input::Input;
use crate::hostile::memory::Memory;
use crate::hostile::specimen::Specimen;
use crate::hostile::verdict::{PLANNED, allow, allow_refusal, tolerate};

/// How much longer than its timeout an operation may take on a busy machine.
const SLACK: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_micros(20);
/// Deep enough for every kind of nesting, and no danger for the stack.
const DEEPEST: u32 = 4;
const MOST_STEPS: u32 = 60;

/// The operations of one input.
pub(crate) struct Play<'p, 'i> {
    name: &'p str,
    memory: &'p Arc<Memory>,
    cell: Range<usize>,
    /// A value out of reach of the hostile process, whose lock is taken in between.
    other: &'p Synchronized<u64>,
    /// The number of changes of the other value.
    others: Cell<u64>,
    input: RefCell<&'p mut Input<'i>>,
    /// Whether a peer writes meanwhile.
    is_racing: bool,
    steps: Cell<u32>,
    /// The memory as it must be in the end, where the library does not write.
    expected: RefCell<Vec<u8>>,
}

impl<'p, 'i> Play<'p, 'i> {
    pub(crate) fn new(
        name: &'p str,
        memory: &'p Arc<Memory>,
        cell: Range<usize>,
        other: &'p Synchronized<u64>,
        is_racing: bool,
        input: &'p mut Input<'i>,
    ) -> Self {
        let expected = RefCell::new(memory.bytes());
        let (others, steps) = (Cell::new(0), Cell::new(0));
        Self { name, memory, cell, other, others, input: RefCell::new(input), is_racing, steps, expected }
    }

    /// Returns the number of changes of the other value, and the bytes that the memory must hold outside of the cell.
    pub(crate) fn end(self) -> (u64, Vec<u8>) {
        (self.others.get(), self.expected.into_inner())
    }

    fn byte(&self) -> u8 {
        self.input.borrow_mut().byte()
    }

    /// Runs operations under `depth` guards until the input ends the scene.
    pub(crate) fn scene<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        loop {
            let is_over = self.steps.replace(self.steps.get() + 1) >= MOST_STEPS;
            if is_over || self.input.borrow().is_empty() {
                return;
            }
            let start = Instant::now();
            match self.byte() % 20 {
                0 | 1 => self.damage(),
                2 => drop(allow(handle.load().map(|value| format!("{value:?}")))),
                3 => assert!(format!("{handle:?}").starts_with("Synchronized")),
                4 => {
                    let _ = (handle.version(), handle.recoveries(), handle.segment_name());
                    assert!(depth == 0 || handle.lock_state() == LockState::HeldHere, "a guard has lost its lock");
                }
                5 | 6 => self.access(handle, depth),
                7 => drop(self.free_for(handle, depth).map(|()| allow(handle.set(T::sample(self.byte()))))),
                8 | 9 => self.update(handle, depth),
                10..13 if depth < DEEPEST => self.guard(handle, depth),
                13 => self.change_other(),
                14 => {
                    let condition = self.byte();
                    allow(handle.wait_for(|value| *value == T::sample(condition), MOMENT));
                    allow(handle.changes().next_timeout(MOMENT));
                }
                15 => self.reopen(handle, depth),
                16 if depth < DEEPEST => self.cross(handle, depth),
                17 => self.elsewhere(handle),
                18 if depth < DEEPEST => self.panic(handle, depth),
                _ if depth > 0 => return,
                _ => {}
            }
            assert!(start.elapsed() < SLACK, "an operation took {:?}", start.elapsed());
        }
    }

    /// A write by the hostile process.
    fn damage(&self) {
        let input = &mut self.input.borrow_mut();
        let damage = Damage::choose(input, self.memory, self.cell.start, self.cell.end);
        // These bytes are compared in the end, and the result of two racing writers would be unknown.
        if !(self.is_racing && damage.is_outside(self.cell.start)) {
            damage.apply(self.memory);
            damage.apply_to(&mut self.expected.borrow_mut());
        }
    }

    /// Returns whether an operation without a timeout would end: `None` if the lock word names an owner that may not exist.
    /// A peer is no problem: it frees the lock in the end.
    fn free_for<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) -> Option<()> {
        let owner = self.memory.half(self.cell.start + LOCK).load(Relaxed) & 0x3fff_ffff;
        if depth > 0 || owner == 0 {
            return Some(());
        }
        let start = Instant::now();
        drop(allow(handle.try_lock()));
        drop(allow(handle.lock_timeout(MOMENT)));
        assert!(start.elapsed() < SLACK, "a timeout of {MOMENT:?} took {:?}", start.elapsed());
        None
    }

    fn access<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        if self.free_for(handle, depth).is_none() {
            return;
        }
        match tolerate(|| T::access(handle, &mut self.input.borrow_mut())) {
            Some(accessed) => drop(allow(accessed)),
            // The panic of a guard's getter, because of invalid bits, has passed through that guard.
            None => Self::unbar(handle),
        }
    }

    /// Rolls back after a panic. Until then the value cannot be changed under the outer guards.
    fn unbar<T: Specimen>(handle: &Synchronized<T>) {
        if let Some(guard) = allow(handle.try_lock()) {
            guard.rollback();
        }
    }

    fn update<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        if self.free_for(handle, depth).is_none() {
            return;
        }
        let change = |value: &mut T| {
            self.damage();
            // A flag of the header may say that the lock is not recursive.
            let refused = matches!(handle.set(*value), Err(Error::Borrowed | Error::Lock(LockError::AlreadyHeld)));
            assert!(refused, "a value was changed inside of its `update`");
            *value = T::sample(self.byte());
            self.change_other();
            self.damage();
        };
        match self.byte() % 4 {
            0 | 1 => drop(allow(handle.update(change))),
            2 => drop(allow(handle.try_update(|value| {
                change(value);
                Err::<(), _>(Error::Lock(LockError::WouldBlock))
            }))),
            _ => {
                tolerate(|| {
                    handle.update(|value| {
                        change(value);
                        panic!("{PLANNED}")
                    })
                });
            }
        }
    }

    /// Takes the lock, again if this thread holds it, and runs operations on the guard.
    fn guard<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        let guard = match self.byte() % 3 {
            0 if self.free_for(handle, depth).is_some() => handle.lock(),
            1 => handle.try_lock(),
            _ => handle.lock_timeout(MOMENT),
        };
        let Some(guard) = allow(guard) else { return };
        loop {
            match self.byte() % 12 {
                0 | 1 => self.damage(),
                2 => guard.set(T::sample(self.byte())).expect("the lock is held"),
                3 => drop(allow(guard.update(|value| {
                    self.damage();
                    *value = T::sample(self.byte());
                }))),
                4 | 5 => guard.commit(),
                6 => guard.rollback(),
                7 => drop(allow(guard.load().map(|value| format!("{value:?} {}", guard.recovered())))),
                8 => assert!(format!("{guard:?}").starts_with("Guard")),
                9 => self.scene(handle, depth + 1),
                _ => break,
            }
            if self.input.borrow().is_empty() {
                break;
            }
        }
    }

    /// Takes two locks, and releases them in one order or the other.
    fn cross<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        let order = self.byte();
        let mut other: Option<Guard<'_, u64>> = None;
        if order & 1 == 1 {
            other = allow(self.other.try_lock());
        }
        let guard = allow(handle.try_lock());
        let other = other.or_else(|| allow(self.other.try_lock())).expect("only this thread uses it");
        self.damage();
        if guard.is_some() {
            self.scene(handle, depth + 1);
        }
        assert_eq!(self.other.lock_state(), LockState::HeldHere);
        allow(other.update(|number| *number += 1));
        self.others.set(self.others.get() + 1);
        if order & 2 == 2 {
            drop(other);
            self.damage();
            drop(guard);
        } else {
            drop(guard);
            self.damage();
            drop(other);
        }
    }

    fn change_other(&self) {
        // Not under a guard of the other value: each change must be a commit.
        if self.other.lock_state() == LockState::Free {
            self.other.update(|number| *number += 1).expect("the hostile process cannot reach it");
            self.others.set(self.others.get() + 1);
        }
    }

    /// Uses another handle of the value.
    fn reopen<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        match self.byte() % 4 {
            0 => {
                let again = Synchronized::<T>::open(self.name).expect("this process has it open");
                self.scene(&again, depth);
            }
            1 => match handle.read_only() {
                Ok(reader) => {
                    drop(allow(reader.load().map(|value| format!("{value:?}"))));
                    allow(reader.wait_for(|_| false, MOMENT));
                }
                Err(error) => allow_refusal(&error, self.name),
            },
            2 => {
                let token = handle.token().expect("it has a name");
                match Synchronized::<T>::open(&token) {
                    Ok(again) => assert_eq!(again.segment_name(), self.name),
                    // The peer has overwritten the identity in the header.
                    Err(error) => assert!(matches!(error, Error::StaleToken { .. }), "{error:?}"),
                }
            }
            _ => self.scene(&handle.clone(), depth),
        }
    }

    /// Runs operations in another thread, which must end soon even if this thread holds the lock.
    fn elsewhere<T: Specimen>(&self, handle: &Synchronized<T>) {
        let choice = self.byte();
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let start = Instant::now();
                drop(allow(handle.load().map(|value| format!("{value:?}"))));
                if let Some(guard) = allow(handle.lock_timeout(MOMENT)) {
                    guard.set(T::sample(choice)).expect("the lock is held");
                    if choice & 1 == 1 {
                        guard.commit();
                    }
                }
                assert!(start.elapsed() < SLACK, "a timeout of {MOMENT:?} took {:?}", start.elapsed());
            });
            // The scope would wait for the end of the closure, and not for the end of the thread.
            other.join().expect("a panic there ends the process");
        });
    }

    /// Lets a panic pass through a guard.
    fn panic<T: Specimen>(&self, handle: &Synchronized<T>, depth: u32) {
        tolerate(|| {
            let Some(guard) = allow(handle.try_lock()) else { return };
            guard.set(T::sample(self.byte())).expect("the lock is held");
            self.damage();
            panic!("{PLANNED}");
        });
        Self::unbar(handle);
        assert!(depth == 0 || handle.lock_state() == LockState::HeldHere, "a guard has lost its lock");
    }
}
