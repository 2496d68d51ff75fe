//! The operations in which victims are killed, by name.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared_value::{Arena, Error, LockError, SharedArray, Synchronized};
use shared_value_tests::stepper::{Scenario, marked};
use shared_value_tests::{DEADLINE, end_now, fork};

use crate::arenas::{Arenas, Opened, State, many, state};
use crate::elements::{Elements, LENGTH, changed};
use crate::kindred::{Guarded, Kindred, Past};
use crate::naming::{Before, NEW, Naming, Place};
use crate::stage::{Company, Stage, Victim};
use crate::triple::{Line, Number, Triple};

/// An operation, and a function that prepares its values and processes.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) set_stage: Box<dyn Fn() -> Box<dyn Scenario>>,
}

/// All operations.
pub(crate) fn all() -> Vec<Operation> {
    let mut operations = Operations { all: Vec::new() };
    operations.add_changes::<u16, 2>();
    operations.add_changes::<u64, 6>();
    operations.add_changes::<u64, 510>();
    operations.add_panics();
    operations.add_waits();
    operations.add_changes_awaited();
    operations.add_several();
    operations.add_closures();
    operations.add_names();
    operations.add_other_locks();
    operations.add_arenas();
    operations.add_arrays();
    operations.all
}

struct Operations {
    all: Vec<Operation>,
}

impl Operations {
    /// Adds an operation that takes values through states.
    fn add<N: Number, const BETWEEN: usize>(
        &mut self,
        name: &str,
        company: Company,
        states: &[&[Triple<N, BETWEEN>]],
        victim: Victim<N, BETWEEN>,
    ) {
        let states: Vec<_> = states.iter().map(|states| states.to_vec()).collect();
        self.all.push(Operation {
            name: name.to_owned(),
            set_stage: Box::new(move || Box::new(Stage::new(company, states.clone(), victim))),
        });
    }

    /// Adds changes of one value by one thread, for one size of the value.
    fn add_changes<N: Number, const BETWEEN: usize>(&mut self) {
        let size = size_of::<Triple<N, BETWEEN>>();
        let old = Triple::<N, BETWEEN>::of(1);
        let mut add = |name: &str, company, states: &[Triple<N, BETWEEN>], victim: Victim<N, BETWEEN>| {
            self.add(&format!("{name}-{size}"), company, &[states], victim);
        };
        add("set", Company::Alone, &[old, old.left(2)], |stage| {
            stage.get_ready();
            marked(|| stage.value().set_left(N::from(2))).unwrap();
        });
        add("set-element", Company::Alone, &[old, old.first_between(2)], |stage| {
            stage.get_ready();
            marked(|| stage.value().in_between().set_at(0, N::from(2))).unwrap();
        });
        add("store", Company::Alone, &[old, Triple::of(2)], |stage| {
            stage.get_ready();
            let new = Triple::of(2);
            marked(|| stage.value().set(new)).unwrap();
        });
        add("update", Company::Alone, &[old, old.left(2).right(2)], |stage| {
            stage.get_ready();
            marked(|| stage.value().update(|value| *value = value.left(2).right(2))).unwrap();
        });
        add("guard", Company::Alone, &[old, old.left(2).right(3)], |stage| {
            stage.get_ready();
            marked(|| {
                let guard = stage.value().lock().unwrap();
                guard.set_left(N::from(2)).unwrap();
                guard.set_right(N::from(3)).unwrap();
            });
        });
        add("recursive", Company::Alone, &[old, old.left(3).right(2)], |stage| {
            stage.get_ready();
            marked(|| {
                let outer = stage.value().lock().unwrap();
                stage.value().set_left(N::from(2)).unwrap();
                let inner = stage.value().lock().unwrap();
                inner.set_right(N::from(2)).unwrap();
                drop(outer);
                inner.set_left(N::from(3)).unwrap();
                drop(inner);
            });
        });
        add("commit", Company::Alone, &[old, old.left(2).right(2), old.left(3).right(2)], |stage| {
            stage.get_ready();
            marked(|| {
                let guard = stage.value().lock().unwrap();
                guard.set_left(N::from(2)).unwrap();
                guard.set_right(N::from(2)).unwrap();
                guard.commit();
                guard.set_left(N::from(3)).unwrap();
            });
        });
        add("rollback", Company::Alone, &[old, old.right(3)], |stage| {
            stage.get_ready();
            marked(|| {
                let guard = stage.value().lock().unwrap();
                guard.set_left(N::from(2)).unwrap();
                guard.rollback();
                guard.set_right(N::from(3)).unwrap();
            });
        });
        add("take-over", Company::DeadOwner, &[old, old.right(2)], |stage| {
            stage.get_ready();
            marked(|| stage.value().set_right(N::from(2))).unwrap();
        });
    }

    fn add_panics(&mut self) {
        let old = Line::of(1);
        self.add("panic-in-update", Company::Alone, &[&[old]], |stage| {
            stage.get_ready();
            let update = || stage.value().update(|_| resume_unwind(Box::new(())));
            marked(|| catch_unwind(AssertUnwindSafe(update))).unwrap_err();
        });
        self.add("panic-with-guard", Company::Alone, &[&[old]], |stage| {
            stage.get_ready();
            let hold = || {
                let guard = stage.value().lock().unwrap();
                guard.set_left(2).unwrap();
                resume_unwind(Box::new(()))
            };
            marked(|| catch_unwind(AssertUnwindSafe(hold))).unwrap_err();
        });
    }

    /// Adds operations in which threads wait for each other.
    fn add_waits(&mut self) {
        let old = Line::of(1);
        let set: Victim<u64, 6> = |stage| {
            stage.get_ready();
            marked(|| stage.value().set_left(2)).unwrap();
        };
        self.add("first-lock", Company::Alone, &[&[old, old.left(2)]], |stage| {
            marked(|| stage.value().set_left(2)).unwrap();
        });
        self.add("refused", Company::Owner, &[&[old]], |stage| {
            stage.get_ready();
            marked(|| stage.value().try_lock().map(drop)).unwrap_err();
        });
        self.add("wait", Company::Owner, &[&[old, old.left(2)]], set);
        self.add("woken", Company::OwnerAndWaiter, &[&[old, old.left(2)]], set);
        self.add("wait-for-dying", Company::DyingOwner, &[&[old, old.left(2)]], set);
        self.add("woken-by-dying", Company::DyingOwnerAndWaiter, &[&[old, old.left(2)]], set);
        self.add("give-up", Company::Owner, &[&[old]], |stage| {
            stage.get_ready();
            // The timeout may end before or after the owner releases the lock.
            let _ = marked(|| stage.value().lock_timeout(Duration::from_micros(1)).map(drop));
        });
        self.add("unlock-with-waiter", Company::Waiter, &[&[old, old.left(2)]], |stage| {
            stage.get_ready();
            let guard = stage.value().lock().unwrap();
            guard.set_left(2).unwrap();
            marked(|| drop(guard));
        });
    }

    /// Adds operations in which one process waits for a change by another.
    fn add_changes_awaited(&mut self) {
        let old = Line::of(1);
        let states = [old, old.left(2)];
        self.add("set-watched", Company::Watcher, &[&states], |stage| {
            stage.get_ready();
            marked(|| stage.value().set_left(2)).unwrap();
        });
        self.add("commit-watched", Company::Watcher, &[&states], |stage| {
            stage.get_ready();
            let guard = stage.value().lock().unwrap();
            guard.set_left(2).unwrap();
            marked(|| guard.commit());
        });
        self.add("watch", Company::Changer, &[&states], |stage| {
            stage.get_ready();
            marked(|| stage.value().wait_for(|value| value.left == 2, DEADLINE)).unwrap();
        });
    }

    /// Adds operations on two values, and on mutexes of the C library between them.
    fn add_several(&mut self) {
        let old = Line::of(1);
        let states = [&[old, old.left(2)][..], &[old, old.left(3)][..]];
        let inner_first: Victim<u64, 6> = |stage| {
            stage.get_ready();
            marked(|| {
                let outer = stage.value().lock().unwrap();
                let inner = stage.other().lock().unwrap();
                outer.set_left(2).unwrap();
                inner.set_left(3).unwrap();
                drop(inner);
                drop(outer);
            });
        };
        let outer_first: Victim<u64, 6> = |stage| {
            stage.get_ready();
            marked(|| {
                let outer = stage.value().lock().unwrap();
                let inner = stage.other().lock().unwrap();
                outer.set_left(2).unwrap();
                inner.set_left(3).unwrap();
                drop(outer);
                drop(inner);
            });
        };
        self.add("nested", Company::Alone, &states, inner_first);
        self.add("nested-crosswise", Company::Alone, &states, outer_first);
        self.add("nested-meddled", Company::Meddler, &states, inner_first);
        self.add("nested-crosswise-meddled", Company::Meddler, &states, outer_first);
        self.add("mutex-between", Company::Alone, &states, |stage| {
            stage.get_ready();
            marked(|| {
                let outer = stage.value().lock().unwrap();
                stage.mutexes().take(0);
                let inner = stage.other().lock().unwrap();
                outer.set_left(2).unwrap();
                inner.set_left(3).unwrap();
                drop(inner);
                stage.mutexes().release(0);
                drop(outer);
            });
        });
        self.add("mutex-between-crosswise", Company::Meddler, &states, |stage| {
            stage.get_ready();
            marked(|| {
                let outer = stage.value().lock().unwrap();
                stage.mutexes().take(0);
                let inner = stage.other().lock().unwrap();
                outer.set_left(2).unwrap();
                inner.set_left(3).unwrap();
                drop(outer);
                stage.mutexes().release(0);
                drop(inner);
            });
        });
        self.add("mutex-released-first", Company::Meddler, &states, |stage| {
            stage.get_ready();
            marked(|| {
                stage.mutexes().take(0);
                let outer = stage.value().lock().unwrap();
                let inner = stage.other().lock().unwrap();
                stage.mutexes().release(0);
                outer.set_left(2).unwrap();
                inner.set_left(3).unwrap();
                drop(outer);
                drop(inner);
            });
        });
        self.add("mutexes-between", Company::Meddler, &states, |stage| {
            stage.get_ready();
            marked(|| {
                let outer = stage.value().lock().unwrap();
                stage.mutexes().take(1);
                let inner = stage.other().lock().unwrap();
                stage.mutexes().take(0);
                outer.set_left(2).unwrap();
                inner.set_left(3).unwrap();
                stage.mutexes().release(1);
                drop(outer);
                drop(inner);
                stage.mutexes().release(0);
            });
        });
        self.add("other-thread-holds", Company::Alone, &[&[old, old.left(2)], &[old]], |stage| {
            stage.get_ready();
            let other = stage.other().clone();
            let (sender, held) = mpsc::channel();
            thread::spawn(move || {
                let guard = other.lock().unwrap();
                guard.set_left(9).unwrap();
                sender.send(()).unwrap();
                thread::park();
            });
            held.recv().unwrap();
            marked(|| stage.value().set_left(2)).unwrap();
        });
    }

    /// Adds updates whose closures take other locks, and the value's own lock again.
    fn add_closures(&mut self) {
        let old = Line::of(1);
        let states = [&[old, old.left(2)][..], &[old, old.left(3)][..]];
        self.add("update-nesting", Company::Alone, &states, |stage| {
            stage.get_ready();
            marked(|| {
                let change = |value: &mut Line| {
                    stage.mutexes().take(0);
                    stage.other().set_left(3).unwrap();
                    drop(stage.value().lock().unwrap());
                    stage.mutexes().release(0);
                    *value = value.left(2);
                };
                stage.value().update(change).unwrap();
            });
        });
        self.add("update-leaking", Company::Alone, &[&[old, old.left(2)]], |stage| {
            stage.get_ready();
            marked(|| {
                let change = |value: &mut Line| {
                    mem::forget(stage.value().lock().unwrap());
                    *value = value.left(2);
                };
                stage.value().update(change).unwrap();
            });
        });
    }

    fn add_name(
        &mut self,
        name: &str,
        place: fn() -> Place,
        before: Before,
        states: &'static [bool],
        victim: fn(&Place),
    ) {
        self.all.push(Operation {
            name: name.to_owned(),
            set_stage: Box::new(move || Box::new(Naming::new(place(), before, states, victim))),
        });
    }

    fn add_names(&mut self) {
        let create = |place: &Place| mem::forget(marked(|| place.create(NEW)).unwrap());
        let open = |place: &Place| mem::forget(marked(|| place.open()).unwrap());
        let open_or_create = |place: &Place| mem::forget(marked(|| place.open_or_create()).unwrap());
        let unlink = |place: &Place| marked(|| place.unlink()).unwrap();
        self.add_name("create", Place::name, Before::Nothing, &[false, true], create);
        self.add_name("create-file", Place::file, Before::Nothing, &[false, true], create);
        self.add_name("create-taken", Place::name, Before::Unused, &[true], |place| {
            let _ = marked(|| place.create(NEW)).unwrap_err();
        });
        self.add_name("open", Place::name, Before::Unused, &[true], open);
        self.add_name("open-used", Place::name, Before::Used, &[true], open);
        self.add_name("open-abandoned", Place::name, Before::Abandoned, &[true], open);
        self.add_name("open-abandoned-file", Place::file, Before::Abandoned, &[true], open);
        self.add_name("open-or-create-absent", Place::name, Before::Nothing, &[false, true], open_or_create);
        self.add_name("open-or-create-present", Place::name, Before::Unused, &[true], open_or_create);
        self.add_name("unlink", Place::name, Before::Unused, &[true, false], unlink);
        self.add_name("close", Place::name, Before::Unused, &[true], |place| {
            let value = place.open().unwrap();
            marked(|| drop(value));
        });
    }

    fn add_arena(
        &mut self,
        name: &str,
        prepare: fn(&Arena),
        opened: Opened,
        states: &[State],
        victim: fn(Option<&Arena>, &str),
    ) {
        let states = states.to_vec();
        self.all.push(Operation {
            name: name.to_owned(),
            set_stage: Box::new(move || Box::new(Arenas::new(prepare, opened, states.clone(), victim))),
        });
    }

    fn add_arenas(&mut self) {
        let empty = |_: &Arena| {};
        let two = |arena: &Arena| {
            for (key, value) in [("a", 1_u64), ("b", 1)] {
                arena.insert(key, value).unwrap();
            }
        };
        let full = |arena: &Arena| {
            for number in 0..24_u64 {
                arena.insert(&number.to_string(), number).unwrap();
            }
        };
        self.add_arena("arena-create-first", empty, Opened::Since, &[state([]), state([("a", 1)])], |arena, _| {
            marked(|| arena.unwrap().insert("a", 1_u64)).unwrap();
        });
        self.add_arena("arena-create", two, Opened::Since, &[ones(), with(ones(), "c", 3)], |arena, _| {
            marked(|| arena.unwrap().insert("c", 3_u64)).unwrap();
        });
        self.add_arena("arena-create-grown", full, Opened::Since, &[many(24), many(25)], |arena, _| {
            marked(|| arena.unwrap().insert("24", 24_u64)).unwrap();
        });
        self.add_arena("arena-open-or-create", two, Opened::Since, &[ones(), with(ones(), "c", 3)], |arena, _| {
            marked(|| arena.unwrap().get_or_insert_with("c", || 3_u64)).unwrap();
        });
        self.add_arena("arena-value", two, Opened::Since, &[ones(), with(ones(), "", 1)], |arena, _| {
            marked(|| arena.unwrap().alloc(3_u64)).unwrap();
        });
        self.add_arena("arena-remove", two, Opened::Since, &[ones(), state([("a", 1)])], |arena, _| {
            marked(|| arena.unwrap().remove("b")).unwrap();
        });
        // The first process that opens an unused arena repairs it, and frees the space of removed values.
        let removed = |arena: &Arena| {
            for number in 0..30_u64 {
                arena.insert(&number.to_string(), number).unwrap();
            }
            for number in 5..30_u64 {
                arena.remove(&number.to_string()).unwrap();
            }
        };
        self.add_arena("arena-open-unused", removed, Opened::Never, &[many(5)], |_, name| {
            mem::forget(marked(|| Arena::open(name)).unwrap());
        });
        self.add_arena("arena-reuse", removed, Opened::Again, &[many(5), with(many(5), "9", 9)], |arena, _| {
            marked(|| arena.unwrap().insert("9", 9_u64)).unwrap();
        });
        self.add_transactions(two);
    }

    fn add_transactions(&mut self, two: fn(&Arena)) {
        let states = [ones(), state([("a", 2), ("b", 3)])];
        let transact = |arena: Option<&Arena>, _: &str| {
            let arena = arena.unwrap();
            let (a, b) = (arena.get::<u64>("a").unwrap().unwrap(), arena.get::<u64>("b").unwrap().unwrap());
            marked(|| {
                arena.transaction(|transaction| {
                    transaction.lock(&b)?.set(3)?;
                    transaction.lock(&a)?.update(|a| *a += 1)?;
                    Ok(())
                })
            })
            .unwrap();
        };
        self.add_arena("transaction-first", two, Opened::Since, &states, transact);
        let again = |arena: &Arena| {
            let (a, b) = (arena.insert("a", 0_u64).unwrap(), arena.insert("b", 0_u64).unwrap());
            arena
                .transaction(|transaction| {
                    transaction.lock(&a)?.set(1)?;
                    transaction.lock(&b)?.set(1)?;
                    Ok(())
                })
                .unwrap();
        };
        self.add_arena("transaction", again, Opened::Since, &states, transact);
        let dead = |arena: &Arena| {
            let (a, b) = (arena.insert("a", 1_u64).unwrap(), arena.insert("b", 1_u64).unwrap());
            fork(|| {
                let _ = arena.transaction(|transaction| {
                    transaction.lock(&a)?.set(8)?;
                    transaction.lock(&b)?.set(9)?;
                    end_now(0);
                    #[expect(unreachable_code, reason = "it gives the closure its type")]
                    Ok(())
                });
            })
            .finish();
        };
        self.add_arena("transaction-take-over", dead, Opened::Since, &states, transact);
        self.add_arena("transaction-rollback", two, Opened::Since, &[ones()], |arena, _| {
            let arena = arena.unwrap();
            let (a, b) = (arena.get::<u64>("a").unwrap().unwrap(), arena.get::<u64>("b").unwrap().unwrap());
            let failed = marked(|| {
                arena.transaction(|transaction| {
                    transaction.lock(&a)?.set(8)?;
                    transaction.lock(&b)?.set(9)?;
                    Err::<(), _>(Error::Lock(LockError::WouldBlock))
                })
            });
            assert!(matches!(failed, Err(Error::Lock(LockError::WouldBlock))));
        });
    }

    fn add_array(&mut self, name: &str, states: &[Vec<u64>], victim: fn(&SharedArray<u64>)) {
        let states = states.to_vec();
        self.all.push(Operation {
            name: name.to_owned(),
            set_stage: Box::new(move || Box::new(Elements::new(states.clone(), victim))),
        });
    }

    /// Adds changes of many elements of an array.
    fn add_arrays(&mut self) {
        /// Elements all over the array: more than the marks can list one by one.
        fn places() -> impl Iterator<Item = usize> {
            (0..12).map(|number| number * 277 % LENGTH)
        }
        let old = changed(|_| {});
        let few = changed(|all| [3, 4, 500].into_iter().for_each(|index| all[index] = 2));
        let many = changed(|all| places().for_each(|index| all[index] = 2));
        self.add_array("array-set", &[old.clone(), changed(|all| all[3] = 2)], |array| {
            get_array_ready(array);
            marked(|| array.set_at(3, 2)).unwrap();
        });
        self.add_array("array-write", &[old.clone(), changed(|all| all[100..400].fill(2))], |array| {
            get_array_ready(array);
            let values = [2; 300];
            marked(|| array.write_slice(100, &values)).unwrap();
        });
        self.add_array("array-few", &[old.clone(), few.clone()], |array| {
            get_array_ready(array);
            marked(|| {
                let guard = array.lock().unwrap();
                for index in [3, 4, 500] {
                    guard.set_at(index, 2).unwrap();
                }
            });
        });
        self.add_array("array-places", &[old.clone(), many.clone()], |array| {
            get_array_ready(array);
            marked(|| {
                let guard = array.lock().unwrap();
                places().for_each(|index| guard.set_at(index, 2).unwrap());
            });
        });
        self.add_array("array-fill", &[old.clone(), vec![2; LENGTH]], |array| {
            get_array_ready(array);
            marked(|| array.fill(2)).unwrap();
        });
        let written = changed(|all| {
            all.clone_from_slice(&many);
            all[10..90].fill(3);
        });
        self.add_array("array-commit", &[old.clone(), many, written], |array| {
            get_array_ready(array);
            let values = [3; 80];
            marked(|| {
                let guard = array.lock().unwrap();
                places().for_each(|index| guard.set_at(index, 2).unwrap());
                guard.commit();
                guard.write_slice(10, &values).unwrap();
            });
        });
        self.add_array("array-rollback", &[old, few], |array| {
            get_array_ready(array);
            marked(|| {
                let guard = array.lock().unwrap();
                places().for_each(|index| guard.set_at(index, 9).unwrap());
                guard.rollback();
                for index in [3, 4, 500] {
                    guard.set_at(index, 2).unwrap();
                }
            });
        });
    }

    fn add_kindred(&mut self, name: &str, guarded: Guarded, past: Past, states: &[&[Line]], victim: fn(&Kindred)) {
        let states: Vec<_> = states.iter().map(|states| states.to_vec()).collect();
        self.all.push(Operation {
            name: name.to_owned(),
            set_stage: Box::new(move || Box::new(Kindred::new(guarded, past, states.clone(), victim))),
        });
    }

    /// Adds operations on values under a lock object, and on a value under a pthread mutex.
    fn add_other_locks(&mut self) {
        let old = Line::of(1);
        let one = [&[old, old.left(2)][..]];
        let two = [&[old, old.left(2)][..], &[old, old.left(3)][..]];
        let twice = [&[old, old.left(2), old.left(4)][..], &[old, old.left(3)][..]];
        let both = |values: &Kindred| {
            get_ready();
            marked(|| {
                let _guard = values.values[0].lock().unwrap();
                values.values[0].set_left(2).unwrap();
                values.values[1].set_left(3).unwrap();
            });
        };
        self.add_kindred("object", Guarded::Object, Past::Nothing, &two, both);
        self.add_kindred("object-take-over", Guarded::Object, Past::DeadOwner, &two, both);
        self.add_kindred("object-update", Guarded::Object, Past::DeadOwner, &two, |values| {
            get_ready();
            marked(|| {
                values.values[0].update(|value| value.left = 2).unwrap();
                values.values[1].update(|value| value.left = 3).unwrap();
            });
        });
        self.add_kindred("object-commit", Guarded::Object, Past::Nothing, &twice, |values| {
            get_ready();
            marked(|| {
                let guard = values.values[0].lock().unwrap();
                values.values[0].set_left(2).unwrap();
                values.values[1].set_left(3).unwrap();
                guard.commit();
                values.values[0].set_left(4).unwrap();
            });
        });
        let set = |values: &Kindred| {
            get_ready();
            marked(|| values.values[0].set_left(2)).unwrap();
        };
        self.add_kindred("pthread", Guarded::Pthread, Past::Nothing, &one, set);
        self.add_kindred("pthread-take-over", Guarded::Pthread, Past::DeadOwner, &one, set);
        self.add_kindred("pthread-guard", Guarded::Pthread, Past::Nothing, &one, |values| {
            get_ready();
            marked(|| {
                let guard = values.values[0].lock().unwrap();
                guard.set_left(2).unwrap();
            });
        });
    }
}

fn ones() -> State {
    state([("a", 1), ("b", 1)])
}

fn with(mut state: State, key: &str, value: u64) -> State {
    state.insert(key.to_owned(), value);
    state
}

/// Takes and releases a lock: the first lock of a thread does more than the later ones.
fn get_ready() {
    Synchronized::new(0_u64).unwrap().set(1).unwrap();
}

/// Takes and releases another lock, and maps the pages of the array.
fn get_array_ready(array: &SharedArray<u64>) {
    get_ready();
    assert_eq!(array.at(0), 1);
}
