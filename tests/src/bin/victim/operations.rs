//! The operations in which victims are killed, by name.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use shared_value::Synchronized;
use shared_value_tests::DEADLINE;
use shared_value_tests::stepper::{Scenario, marked};

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
    operations.add_replacements();
    operations.add_other_locks();
    operations.add_arenas();
    operations.add_edits();
    operations.add_forking();
    operations.add_arrays();
    operations.add_vectors();
    operations.add_versions();
    operations.add_live();
    operations.add_counters();
    operations.all
}

/// A list of operations that grows. The files of the scenarios add to it.
pub(crate) struct Operations {
    all: Vec<Operation>,
}

impl Operations {
    /// Adds an operation.
    pub(crate) fn push(&mut self, name: &str, set_stage: impl Fn() -> Box<dyn Scenario> + 'static) {
        self.all.push(Operation { name: name.to_owned(), set_stage: Box::new(set_stage) });
    }

    /// Adds an operation that takes values through states.
    pub(crate) fn add<N: Number, const BETWEEN: usize>(
        &mut self,
        name: &str,
        company: Company,
        states: &[&[Triple<N, BETWEEN>]],
        victim: Victim<N, BETWEEN>,
    ) {
        let states: Vec<_> = states.iter().map(|states| states.to_vec()).collect();
        self.push(name, move || Box::new(Stage::new(company, states.clone(), victim)));
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
        for (set, commit, company) in [
            ("set-watched", "commit-watched", Company::Watcher),
            ("set-watched-by-task", "commit-watched-by-task", Company::WatchingTask),
        ] {
            self.add(set, company, &[&states], |stage| {
                stage.get_ready();
                marked(|| stage.value().set_left(2)).unwrap();
            });
            self.add(commit, company, &[&states], |stage| {
                stage.get_ready();
                let guard = stage.value().lock().unwrap();
                guard.set_left(2).unwrap();
                marked(|| guard.commit());
            });
        }
        self.add("watch", Company::Changer, &[&states], |stage| {
            stage.get_ready();
            marked(|| stage.value().wait_for(|value| value.left == 2, DEADLINE)).unwrap();
        });
    }
}

/// Takes and releases a lock: the first lock of a thread does more than the later ones.
pub(crate) fn get_ready() {
    Synchronized::new(0_u64).unwrap().set(1).unwrap();
}
