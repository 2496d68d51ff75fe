//! The operations on arenas in which victims are killed, by name.

use std::mem;

use shared_value::{Arena, Error, LockError};
use shared_value_tests::stepper::marked;
use shared_value_tests::{end_now, fork};

use crate::arenas::{Arenas, Opened, State, many, state};
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

/// A key that makes the block of a small value longer.
fn long_key(number: u64) -> String {
    format!("{number}{}", "x".repeat(200))
}

/// Leaves free blocks, each between two values, that are too long for a value with a short key.
fn apart(arena: &Arena) {
    for number in 0..8_u64 {
        arena.insert(&long_key(number), number).unwrap();
    }
    for number in [1, 3, 4, 6] {
        arena.remove(&long_key(number)).unwrap();
    }
}

/// The state that `apart` makes.
fn long() -> State {
    [0, 2, 5, 7].map(|number| (long_key(number), number)).into()
}

/// Leaves free blocks on both sides of the first table, which is full, and one that a small value fills.
fn around_table(arena: &Arena) {
    for number in [100_u64, 101] {
        arena.insert(&long_key(number), number).unwrap();
    }
    for number in 0..22_u64 {
        arena.insert(&number.to_string(), number).unwrap();
    }
    for key in [long_key(100), long_key(101), "21".to_owned()] {
        arena.remove(&key).unwrap();
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

/// The state of two values.
fn two_ones() -> State {
    state([("a", 1), ("b", 1)])
}

/// Adds a value to a state.
fn with(mut state: State, key: &str, value: u64) -> State {
    state.insert(key.to_owned(), value);
    state
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

/// The operations that are also tried while another process waits for changes. A transaction changes several values, and how many
/// of them it finds with a mark depends on how fast the other process is.
const WATCHED: [&str; 4] = ["arena-create", "arena-remove", "arena-replace", "arena-set"];

impl Operations {
    /// Adds an operation on an arena.
    fn add_arena(
        &mut self,
        name: &str,
        prepare: fn(&Arena),
        opened: Opened,
        states: &[State],
        victim: fn(Option<&Arena>, &str),
    ) {
        let states = states.to_vec();
        let keeps_space = !name.starts_with("transaction-edit");
        if WATCHED.contains(&name) {
            let states = states.clone();
            self.push(&format!("{name}-watched"), move || {
                Box::new(Arenas::new(prepare, opened, states.clone(), victim, keeps_space).watched())
            });
        }
        self.push(name, move || Box::new(Arenas::new(prepare, opened, states.clone(), victim, keeps_space)));
    }

    /// Operations that add one value, and remove one.
    pub(crate) fn add_arenas(&mut self) {
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
        self.add_arena("arena-set", two, Opened::Since, &[two_ones(), with(two_ones(), "b", 2)], |arena, _| {
            let b = arena.unwrap().get::<u64>("b").unwrap().unwrap();
            marked(|| b.set(2)).unwrap();
        });
        self.add_arena("arena-create", two, Opened::Since, &[two_ones(), with(two_ones(), "c", 3)], |arena, _| {
            marked(|| arena.unwrap().insert("c", 3_u64)).unwrap();
        });
        self.add_arena("arena-create-grown", full, Opened::Since, &[many(24), many(25)], |arena, _| {
            marked(|| arena.unwrap().insert("24", 24_u64)).unwrap();
        });
        self.add_arena(
            "arena-open-or-create",
            two,
            Opened::Since,
            &[two_ones(), with(two_ones(), "c", 3)],
            |arena, _| {
                marked(|| arena.unwrap().get_or_insert_with("c", || 3_u64)).unwrap();
            },
        );
        self.add_arena("arena-value", two, Opened::Since, &[two_ones(), with(two_ones(), "", 1)], |arena, _| {
            marked(|| arena.unwrap().alloc(3_u64)).unwrap();
        });
        self.add_arena("arena-remove", two, Opened::Since, &[two_ones(), state([("a", 1)])], |arena, _| {
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
        self.add_arena("arena-split", apart, Opened::Again, &[long(), with(long(), "a", 9)], |arena, _| {
            marked(|| arena.unwrap().insert("a", 9_u64)).unwrap();
        });
        self.add_arena(
            "arena-merge",
            around_table,
            Opened::Again,
            &[many(21), with(many(21), "more", 9)],
            |arena, _| {
                marked(|| arena.unwrap().insert("more", 9_u64)).unwrap();
            },
        );
        self.add_arena("arena-merge-unused", apart, Opened::Never, &[long()], |_, name| {
            mem::forget(marked(|| Arena::open(name)).unwrap());
        });
        self.add_transactions(two);
    }

    fn add_transactions(&mut self, two: fn(&Arena)) {
        let states = [two_ones(), state([("a", 2), ("b", 3)])];
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
        // With a look-up, a transaction commits under the lock of the directory, although it adds and removes nothing.
        self.add_arena("transaction-found", two, Opened::Since, &states, |arena, _| {
            let found = || {
                arena.unwrap().transaction(|transaction| {
                    let (a, b) = (transaction.get::<u64>("a")?.unwrap(), transaction.get::<u64>("b")?.unwrap());
                    transaction.lock(&a)?.set(2)?;
                    transaction.lock(&b)?.set(3)
                })
            };
            marked(found).unwrap();
        });
        self.add_arena(
            "transaction-found-one",
            two,
            Opened::Since,
            &[two_ones(), state([("a", 1), ("b", 3)])],
            |arena, _| {
                let found = || {
                    arena.unwrap().transaction(|transaction| {
                        assert!(transaction.get::<u64>("c")?.is_none());
                        let b = transaction.get::<u64>("b")?.unwrap();
                        transaction.lock(&b)?.set(3)
                    })
                };
                marked(found).unwrap();
            },
        );
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
        self.add_arena("transaction-rollback", two, Opened::Since, &[two_ones()], |arena, _| {
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

    /// Operations that replace values, and transactions that add and remove.
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
        // The survivor repairs the arena when it opens it, because no other process has the arena open.
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
                    Err(Error::Unwound)
                })
            };
            assert!(matches!(marked(fail), Err(Error::Unwound)));
        });
    }
}
