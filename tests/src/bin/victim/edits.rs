//! Operations that replace and remove values of an arena, and transactions that do so, by name.

use shared_value::{Arena, Error};
use shared_value_tests::stepper::marked;
use shared_value_tests::{end_now, fork};

use crate::arenas::{Opened, State, many, state};
use crate::operations::Operations;

/// Adds values under the keys `a`, `b` and `c`.
fn three(arena: &Arena) {
    for (key, value) in [("a", 1_u64), ("b", 1), ("c", 1)] {
        arena.insert(key, value).unwrap();
    }
}

/// Adds as many keys as the first table takes.
fn full(arena: &Arena) {
    for number in 0..24_u64 {
        arena.insert(&number.to_string(), number).unwrap();
    }
}

/// The state that `three` makes.
fn ones() -> State {
    state([("a", 1), ("b", 1), ("c", 1)])
}

/// Changes `a`, removes `b`, replaces `c`, and adds `d` and a value without a key.
fn change_all(arena: &Arena) -> Result<(), Error> {
    let a = arena.get::<u64>("a")?.expect("it is there");
    arena.transaction(|tx| {
        tx.insert("d", 4_u64)?;
        tx.alloc(5_u64)?;
        tx.lock(&a)?.update(|a| *a += 1)?;
        tx.replace("c", 3_u64)?;
        tx.remove("b").map(drop)
    })
}

/// The state after `change_all`.
fn changed() -> State {
    state([("a", 2), ("c", 3), ("d", 4), ("", 1)])
}

/// Dies in a transaction that has decided nothing yet, and holds a lock.
fn die_in_transaction(arena: &Arena) {
    three(arena);
    fork(|| {
        let _ = arena.transaction::<()>(|tx| {
            let a = tx.get::<u64>("a")?.expect("it is there");
            tx.lock(&a)?.set(8)?;
            tx.insert("d", 8_u64)?;
            tx.remove("b")?;
            end_now(0);
        });
    })
    .finish();
}

impl Operations {
    pub(crate) fn add_edits(&mut self) {
        let replaced = [ones(), state([("a", 1), ("b", 2), ("c", 1)])];
        self.add_arena("arena-replace", three, Opened::Since, &replaced, |arena, _| {
            marked(|| arena.unwrap().replace("b", 2_u64)).unwrap();
        });
        let added = [ones(), state([("a", 1), ("b", 1), ("c", 1), ("d", 4)])];
        self.add_arena("arena-replace-none", three, Opened::Since, &added, |arena, _| {
            marked(|| arena.unwrap().replace("d", 4_u64)).unwrap();
        });
        let mut grown = many(24);
        grown.insert("7".to_owned(), 70);
        self.add_arena("arena-replace-grown", full, Opened::Since, &[many(24), grown], |arena, _| {
            marked(|| arena.unwrap().replace("7", 70_u64)).unwrap();
        });
        // The survivor puts in order what the victim has left, because no other process has the arena open.
        self.add_arena("arena-replace-unused", three, Opened::Twice, &replaced, |arena, _| {
            marked(|| arena.unwrap().replace("b", 2_u64)).unwrap();
        });
        let removed = [ones(), state([("a", 1), ("c", 1)])];
        self.add_arena("arena-remove-id", three, Opened::Since, &removed, |arena, _| {
            let arena = arena.unwrap();
            let id = arena.id_of(&arena.get::<u64>("b").unwrap().unwrap()).unwrap();
            assert!(marked(|| arena.remove(id)).unwrap());
        });
        self.add_edits_in_transactions();
    }

    fn add_edits_in_transactions(&mut self) {
        let states = [ones(), changed()];
        let change = |arena: Option<&Arena>, _: &str| marked(|| change_all(arena.unwrap())).unwrap();
        self.add_arena("transaction-edit-first", three, Opened::Since, &states, change);
        let again = |arena: &Arena| {
            three(arena);
            change_all(arena).unwrap();
            for key in ["a", "c"] {
                arena.replace(key, 1_u64).unwrap();
            }
            arena.insert("b", 1_u64).unwrap();
            arena.remove("d").unwrap();
            let without_key = arena.iter().find(|entry| entry.key().is_none()).expect("there is one");
            arena.remove(without_key.id::<u64>()).unwrap();
        };
        self.add_arena("transaction-edit", again, Opened::Since, &states, change);
        self.add_arena("transaction-edit-unused", three, Opened::Twice, &states, change);
        self.add_arena("transaction-edit-after", die_in_transaction, Opened::Since, &states, change);
        // Without a value that changes, and with one change alone.
        self.add_arena(
            "transaction-edit-only",
            three,
            Opened::Since,
            &[ones(), state([("a", 7), ("d", 4)])],
            |arena, _| {
                let edit = || {
                    arena.unwrap().transaction(|tx| {
                        tx.replace("a", 7_u64)?;
                        tx.insert("d", 4_u64)?;
                        tx.remove("b")?;
                        tx.remove("c").map(drop)
                    })
                };
                marked(edit).unwrap();
            },
        );
        self.add_arena(
            "transaction-edit-one",
            three,
            Opened::Since,
            &[ones(), state([("a", 1), ("c", 1)])],
            |arena, _| {
                assert!(marked(|| arena.unwrap().transaction(|tx| tx.remove("b"))).unwrap());
            },
        );
        self.add_arena("transaction-edit-fails", three, Opened::Since, &[ones()], |arena, _| {
            let arena = arena.unwrap();
            let a = arena.get::<u64>("a").unwrap().unwrap();
            let fail = || {
                arena.transaction::<()>(|tx| {
                    tx.lock(&a)?.set(8)?;
                    tx.insert("d", 8_u64)?;
                    tx.replace("b", 8_u64)?;
                    tx.remove("c")?;
                    Err(Error::TimedOut)
                })
            };
            assert!(matches!(marked(fail), Err(Error::TimedOut)));
        });
    }
}
