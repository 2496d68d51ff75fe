//! Operations on two values, and on mutexes of the C library beside them.

use std::sync::mpsc;
use std::{mem, thread};

use shared_value_tests::stepper::marked;

use crate::operations::Operations;
use crate::stage::{Company, Victim};
use crate::triple::Line;

impl Operations {
    /// Adds operations on two values, and on mutexes of the C library between them.
    pub(crate) fn add_several(&mut self) {
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
    pub(crate) fn add_closures(&mut self) {
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
}
