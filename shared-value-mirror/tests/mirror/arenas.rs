//! Arenas.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use shared_value::{Arena, ReadOnly};
use shared_value_tests::{DEADLINE, eventually};

use crate::support::{Names, endpoint, follow, publish, status};

fn opened(name: &str) -> Arena<ReadOnly> {
    Arena::options().read_only().wait(DEADLINE).open(name).expect("the replica is made")
}

#[test]
fn keys_that_fit_come_and_go() {
    let (names, endpoint) = (Names::new("keys"), endpoint());
    let arena = Arena::create(&*names.origin, 1 << 20).expect("the name is free");
    let germany = arena.insert("eu.de", 1_u64).expect("there is room");
    arena.insert("us.ny", 1_u64).expect("there is room");
    arena.insert("eu.list", vec![1.5, 2.5]).expect("there is room");
    let _publisher = publish(&endpoint, &[&format!("{}[eu.*]", &*names.origin)]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let copy = opened(&names.replica);
    assert_eq!(copy.len(), 2, "it has all values as soon as it has its name");
    let list = copy.get::<[f64]>("eu.list").expect("it is one").expect("it is there");
    assert_eq!(list.to_vec().expect("it is whole"), [1.5, 2.5]);
    let shown = copy.get::<u64>("eu.de").expect("it is one").expect("it is there");
    germany.set(2).expect("the lock is free");
    shown.wait_for(|value| *value == 2, DEADLINE).expect("it comes");
    arena.insert("eu.fr", 3_u8).expect("there is room");
    arena.remove("eu.list").expect("it is there");
    arena.replace("eu.de", 9_u32).expect("there is room");
    eventually("keys come and go", || {
        let value = copy.get::<u32>("eu.de").ok().flatten().map(|value| value.get());
        copy.contains("eu.fr") && !copy.contains("eu.list") && value == Some(9)
    });
    assert_eq!(copy.len(), 2);
}

/// Two accounts between which a writer moves money all the time: their sum is the same in each snapshot of the replica.
#[test]
fn values_that_changed_together_are_applied_together() {
    let (names, endpoint) = (Names::new("together"), endpoint());
    let arena = Arena::create(&*names.origin, 1 << 20).expect("the name is free");
    let accounts: Vec<_> =
        (0..4).map(|number| arena.insert(&format!("account.{number}"), 250_i64).expect("there is room")).collect();
    let stop = AtomicBool::new(false);
    let publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let copy = opened(&names.replica);
    let shown: Vec<_> = (0..4)
        .map(|number| copy.get::<i64>(&*format!("account.{number}")).expect("it is one").expect("it is there"))
        .collect();
    let (mut states, mut publishers) = (0, vec![publisher]);
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (from, to) = (&accounts[turn % 4], &accounts[(turn + 1 + turn / 4 % 3) % 4]);
                arena
                    .transaction(|transaction| {
                        transaction.lock(from)?.update(|cents| *cents -= 1)?;
                        transaction.lock(to)?.update(|cents| *cents += 1)
                    })
                    .expect("the locks are freed");
            }
        });
        let mut last = Vec::new();
        for round in 0..400 {
            let read =
                copy.snapshot_timeout(DEADLINE, |snapshot| shown.iter().map(|value| snapshot.load(value)).collect());
            let cents: Vec<i64> = read.expect("there is a moment between two transactions");
            let sum: i64 = cents.iter().sum();
            if sum != 1000 {
                stop.store(true, Ordering::Relaxed);
            }
            assert_eq!(sum, 1000, "{cents:?}");
            states += u64::from(cents != last);
            last = cents;
            if round == 200 {
                // Another run of the publisher goes on.
                publishers.clear();
                publishers.push(publish(&endpoint, &[&names.origin]));
            }
            thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(states > 50, "the replica has shown {states} states only");
    eventually("the last state comes", || {
        accounts.iter().zip(&shown).all(|(account, copy)| account.get() == copy.get())
    });
    assert_eq!(status(&names.replica).expect("it is there").refused, 0);
    drop(publishers);
}
