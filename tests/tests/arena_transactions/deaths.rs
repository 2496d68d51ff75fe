//! Processes that are killed while they change several values.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use shared_value::{Arena, Id, SharedValue, Synchronized};
use shared_value_tests::{AT_ONCE, eventually, fork, in_time, scaled};

use crate::arena;

#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Node {
    amount: i64,
    next: Option<Id<Node>>,
}

/// The head of a list, and the sum and the number of its nodes.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct List {
    head: Option<Id<Node>>,
    sum: i64,
    length: u64,
}

/// Walks the list, and checks it.
fn check(arena: &Arena, list: &Synchronized<List>) {
    let List { head, sum, length } = list.get();
    let (mut next, mut found, mut count) = (head, 0, 0);
    while let Some(id) = next {
        let node = arena.get(id).unwrap().expect("a node leads to one that is there");
        found += node.amount();
        count += 1;
        next = node.next();
    }
    assert_eq!((found, count), (sum, length));
    assert_eq!((arena.values_of::<Node>().count() as u64, arena.len() as u64), (length, length + 1));
}

/// When processes are killed while they add nodes to a list and remove them, the list must stay whole.
#[test]
fn a_list_survives_those_who_change_it() {
    in_time(|| {
        let arena = arena();
        let list = arena.insert("list", List { head: None, sum: 0, length: 0 }).unwrap();
        for round in 0..scaled(100, 30) {
            let before = list.version();
            let child = fork(|| {
                let mut random = fastrand::Rng::with_seed(round);
                loop {
                    let amount = random.i64(1..100);
                    let pushes = random.bool();
                    arena
                        .transaction(|tx| {
                            let list = tx.lock(&list)?;
                            if pushes {
                                let head = tx.alloc(Node { amount, next: list.head() })?;
                                list.update(|list| {
                                    *list = List { head: Some(head), sum: list.sum + amount, length: list.length + 1 };
                                })?;
                            } else if let Some(first) = list.head() {
                                let node = tx.get(first)?.expect("the list leads to it").get();
                                assert!(tx.remove(first)?);
                                list.update(|list| {
                                    *list =
                                        List { head: node.next, sum: list.sum - node.amount, length: list.length - 1 };
                                })?;
                            }
                            Ok(())
                        })
                        .unwrap();
                }
            });
            eventually("the child works", || list.version() != before);
            thread::sleep(Duration::from_micros(200 + fastrand::u64(..2_000)));
            child.signal(Signal::KILL);
            child.finish_killed();
            // Checks without any lock, before the next owner repairs anything, and then after that.
            check(&arena, &list);
            list.lock_timeout(AT_ONCE).unwrap().update(|_| ()).unwrap();
            arena.insert("marker", round).unwrap();
            assert!(arena.remove("marker").unwrap());
            check(&arena, &list);
        }
        assert!(list.recoveries() > 0, "no process died with the lock");
    });
}

/// The death of a process in a transaction may undo its own uncommitted changes, and nothing else.
#[test]
fn money_survives_those_who_move_it() {
    const ACCOUNTS: usize = 8;
    in_time(|| {
        let arena = arena();
        let accounts: Vec<_> =
            (0..ACCOUNTS).map(|number| arena.insert(&number.to_string(), 100_i64).unwrap()).collect();
        let versions = || accounts.iter().map(Synchronized::version).sum::<u64>();
        for round in 0..scaled(100, 30) {
            let before = versions();
            let child = fork(|| {
                let mut random = fastrand::Rng::with_seed(round);
                loop {
                    let mut chosen: Vec<_> = (0..ACCOUNTS).collect();
                    random.shuffle(&mut chosen);
                    arena
                        .transaction(|tx| {
                            for (place, index) in chosen[..4].iter().enumerate() {
                                tx.lock(&accounts[*index])?.update(|balance| *balance += [3, -1, -1, -1][place])?;
                            }
                            Ok(())
                        })
                        .unwrap();
                }
            });
            eventually("the child works", || versions() != before);
            thread::sleep(Duration::from_micros(200 + fastrand::u64(..2_000)));
            child.signal(Signal::KILL);
            child.finish_killed();
            // Checks without any lock, before the next owner repairs anything.
            let total = |load: &dyn Fn(&Synchronized<i64>) -> i64| accounts.iter().map(load).sum::<i64>();
            assert_eq!(total(&|account| account.get()), 800, "round {round}");
            let sum = arena
                .snapshot(|snapshot| accounts.iter().map(|account| snapshot.load(account)).sum::<Result<i64, _>>());
            assert_eq!(sum.unwrap(), 800);
            for account in &accounts {
                account.lock_timeout(AT_ONCE).unwrap().update(|balance| *balance += 0).unwrap();
            }
            assert_eq!(total(&|account| account.get()), 800, "round {round}, after recovery");
        }
        assert!(accounts.iter().map(Synchronized::recoveries).sum::<u64>() > 0, "no process died with a lock");
    });
}
