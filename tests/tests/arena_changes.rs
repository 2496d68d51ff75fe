//! Waiting for changes of many values of an arena, by a pattern of their keys.

use std::collections::{BTreeMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Arena, ArenaChange, ArenaChanges, Error, Synchronized, Versioned};
use shared_value_tests::stepper::is_asleep;
use shared_value_tests::{DEADLINE, SHORT, block_on, eventually, fork, in_time, scaled};

fn added(key: &str) -> ArenaChange {
    ArenaChange::Added { key: key.to_owned() }
}

fn changed(key: &str) -> ArenaChange {
    ArenaChange::Changed { key: key.to_owned() }
}

fn removed(key: &str) -> ArenaChange {
    ArenaChange::Removed { key: key.to_owned() }
}

/// Returns all changes that are there, in the order of their keys.
fn all<A: Versioned>(changes: &mut ArenaChanges<A>) -> Vec<ArenaChange> {
    let next = || changes.next_timeout(Duration::ZERO).ok();
    let mut all: Vec<_> = std::iter::from_fn(next).collect();
    all.sort_by(|one, other| one.key().cmp(other.key()));
    all
}

/// A program that mirrors some keys must learn of each of them, and of no others.
#[test]
fn keys_that_fit_are_reported_and_no_others() {
    let arena = Arena::new(1 << 20).unwrap();
    let requests = arena.insert("http.requests", 0_u64).unwrap();
    let bytes = arena.insert("http.bytes", [0_u32; 100]).unwrap();
    let other = arena.insert("tcp.connections", 0_u64).unwrap();
    let mut changes = arena.changes("http.*").unwrap();
    let mut only_read = arena.read_only().unwrap().changes("http.*").unwrap();
    let mut same = |expected: &[ArenaChange]| {
        assert_eq!(all(&mut changes), expected);
        assert_eq!(all(&mut only_read), expected, "by a handle that only reads");
    };
    same(&[]);
    requests.set(1).unwrap();
    other.set(1).unwrap();
    same(&[changed("http.requests")]);
    requests.set(2).unwrap();
    requests.set(3).unwrap();
    bytes.set_at(7, 1).unwrap();
    same(&[changed("http.bytes"), changed("http.requests")]);

    let errors = arena.insert("http.errors", 0_u8).unwrap();
    arena.insert("tcp.errors", 0_u8).unwrap();
    arena.alloc(1_u64).unwrap();
    same(&[added("http.errors")]);
    errors.set(1).unwrap();
    assert!(arena.remove("http.bytes").unwrap());
    same(&[removed("http.bytes"), changed("http.errors")]);
    bytes.set_at(8, 1).unwrap();
    same(&[]);

    // A value that was added and removed again is not a change; one that was removed and added again is a new value.
    arena.insert("http.short", 1_u8).unwrap();
    arena.remove("http.short").unwrap();
    arena.remove("http.errors").unwrap();
    arena.insert("http.errors", 2_u8).unwrap();
    arena.replace("http.requests", "text".len()).unwrap();
    same(&[added("http.errors"), added("http.requests")]);
    requests.set(9).unwrap();
    same(&[]);

    let errors = arena.get::<u8>("http.errors").unwrap().unwrap();
    arena
        .transaction(|tx| {
            tx.lock(&errors)?.set(3)?;
            tx.remove("http.requests")?;
            tx.insert("http.last", 1_u64).map(drop)
        })
        .unwrap();
    same(&[changed("http.errors"), added("http.last"), removed("http.requests")]);
}

/// A waiter that kept its handles of removed values would fill the arena. In a process of its own: each `fork` of another test keeps
/// the space for a moment.
#[test]
fn removed_values_are_let_go() {
    fork(|| {
        let arena = Arena::new(1 << 16).unwrap();
        let mut changes = arena.changes("*").unwrap();
        for round in 0..2_000_u64 {
            arena.insert("key", [round; 10]).expect("the space of the last one is used again");
            assert_eq!(all(&mut changes), [added("key")]);
            arena.remove("key").unwrap();
            assert_eq!(all(&mut changes), [removed("key")]);
        }
    })
    .finish();
}

/// A forked child that only waits must not keep the space of what its parent removes meanwhile.
#[test]
fn a_child_that_waits_keeps_no_space() {
    fork(|| {
        let [arena, other] = [0; 2].map(|_| Arena::new(1 << 16).unwrap());
        let _held = [&arena, &other].map(|arena| arena.insert("other", 0_u8).unwrap());
        let mut changes = other.changes("*").unwrap();
        let child = fork(|| {
            changes.next_timeout(DEADLINE).unwrap();
            unreachable!("it is killed before");
        });
        let id = child.process_id().as_raw_nonzero().get().unsigned_abs();
        eventually("the child sleeps", || is_asleep(id));
        for round in 0..2_000_u64 {
            arena.insert("key", [round; 10]).expect("the space of the last one is used again");
            arena.remove("key").unwrap();
        }
        child.signal(Signal::KILL);
        child.finish_killed();
    })
    .finish();
}

/// Plays a game in which each of two processes waits for the other. If wake-ups were lost, each wait would take up to 50
/// milliseconds.
fn play(next: impl Fn(&mut ArenaChanges) -> ArenaChange + Copy) {
    const ROUNDS: u32 = 200;
    let arena = Arena::new(1 << 20).unwrap();
    let values = ["a", "b"].map(|key| arena.insert(key, 0_u32).unwrap());
    let wait = move |changes: &mut ArenaChanges, value: &Synchronized<u32>, key: &str, round: u32| {
        while value.get() != round {
            assert_eq!(next(changes).key(), key);
        }
    };
    let mut changes = [arena.changes("a").unwrap(), arena.changes("b").unwrap()];
    let start = Instant::now();
    let child = fork(|| {
        for round in 1..=ROUNDS {
            wait(&mut changes[0], &values[0], "a", round);
            // This release of the lock takes the announcement back, although there is no new version.
            drop(values[1].lock().unwrap());
            std::thread::yield_now();
            values[1].set(round).unwrap();
        }
    });
    for round in 1..=ROUNDS {
        values[0].set(round).unwrap();
        wait(&mut changes[1], &values[1], "b", round);
    }
    child.finish();
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_millis(25) * ROUNDS, "{elapsed:?}");
    println!("{ROUNDS} rounds between two processes: {:?} each", elapsed / ROUNDS);
}

#[test]
fn threads_of_two_processes_wake_each_other() {
    in_time(|| play(|changes| changes.next_timeout(DEADLINE).unwrap()));
}

#[test]
fn tasks_of_two_processes_wake_each_other() {
    in_time(|| play(|changes| block_on(changes.changed()).unwrap()));
}

/// A new key must wake those that wait, and so must one that is gone.
#[test]
fn new_and_removed_keys_wake_a_waiter() {
    in_time(|| {
        const ROUNDS: u32 = 100;
        let arena = Arena::new(1 << 20).unwrap();
        let (mut calls, mut answers) = (arena.changes("ping.*").unwrap(), arena.changes("pong.*").unwrap());
        let start = Instant::now();
        let child = fork(|| {
            let mut keys = HashSet::new();
            for round in 0..ROUNDS {
                let key = format!("ping.{round}");
                while !keys.contains(&key) {
                    follow(&mut keys, calls.next_timeout(DEADLINE).unwrap());
                }
                arena.insert(&format!("pong.{round}"), 0_u8).unwrap();
                while keys.contains(&key) {
                    follow(&mut keys, block_on(calls.changed()).unwrap());
                }
            }
        });
        let mut keys = HashSet::new();
        for round in 0..ROUNDS {
            arena.insert(&format!("ping.{round}"), 0_u8).unwrap();
            while !keys.contains(&format!("pong.{round}")) {
                follow(&mut keys, block_on(answers.changed()).unwrap());
            }
            arena.remove(&*format!("ping.{round}")).unwrap();
        }
        child.finish();
        assert!(start.elapsed() < Duration::from_millis(50) * ROUNDS, "{:?}", start.elapsed());
    });
}

/// Does to a set of keys what was done to the keys of the arena. One look at the arena may find that one key was removed and the
/// next one added, in any order.
fn follow(keys: &mut HashSet<String>, change: ArenaChange) {
    match change {
        ArenaChange::Added { key } => assert!(keys.insert(key.clone()), "{key} was added already"),
        ArenaChange::Removed { key } => assert!(keys.remove(&key), "{key} was not there"),
        change => panic!("no value is changed: {change:?}"),
    }
}

/// A watcher that is killed leaves its marks in all values. They must neither stop writers, nor keep another watcher asleep.
#[test]
fn a_killed_watcher_disturbs_nobody() {
    in_time(|| {
        const ROUNDS: u32 = 30;
        let arena = Arena::new(1 << 20).unwrap();
        let values: Vec<_> = (0..50).map(|number| arena.insert(&format!("k{number}"), 0_u32).unwrap()).collect();
        let mut other = arena.changes("k*").unwrap();
        let start = Instant::now();
        for round in 1..=ROUNDS {
            let mut changes = arena.changes("*").unwrap();
            let watcher = fork(|| {
                changes.next_timeout(DEADLINE).unwrap();
                unreachable!("it is killed before there is a change");
            });
            let id = watcher.process_id().as_raw_nonzero().get().unsigned_abs();
            eventually("the watcher sleeps", || is_asleep(id));
            watcher.signal(Signal::KILL);
            watcher.finish_killed();
            drop(changes);
            let value = values[round as usize % values.len()].clone();
            let writer = std::thread::spawn(move || value.set(round).unwrap());
            assert_eq!(other.next_timeout(DEADLINE).unwrap(), changed(&format!("k{}", round as usize % values.len())));
            writer.join().unwrap();
        }
        println!("{ROUNDS} rounds with a killed watcher: {:?} each", start.elapsed() / ROUNDS);
    });
}

/// A program with ten thousand values must learn of each change, and not of values that have not changed.
#[test]
fn each_of_many_keys_is_reported() {
    const KEYS: usize = 10_000;
    let arena = Arena::new(8 << 20).unwrap();
    let values: Vec<_> = (0..KEYS).map(|key| arena.insert(&format!("{key}"), 0_u64).unwrap()).collect();
    let mut changes = arena.changes("*").unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..20 {
        let mut chosen: Vec<_> = (0..100).map(|_| random.usize(0..KEYS)).collect();
        for key in &chosen {
            values[*key].update(|value| *value += 1).unwrap();
        }
        chosen.sort_unstable_by_key(ToString::to_string);
        chosen.dedup();
        let expected: Vec<_> = chosen.iter().map(|key| changed(&key.to_string())).collect();
        assert_eq!(all(&mut changes), expected);
    }
}

/// A handle that only reads cannot ask to be woken. It must look often enough.
#[test]
fn a_handle_that_only_reads_learns_of_changes() {
    in_time(|| {
        let arena = Arena::new(1 << 20).unwrap();
        let value = arena.insert("key", 0_u64).unwrap();
        let mut changes = arena.read_only().unwrap().changes("*").unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            value.set(1).unwrap();
            std::thread::sleep(SHORT);
            arena.insert("other", 0_u64).unwrap();
        });
        assert_eq!(changes.next_timeout(DEADLINE).unwrap(), changed("key"));
        assert_eq!(block_on(changes.changed()).unwrap(), added("other"));
        writer.join().unwrap();
    });
}

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A future may be dropped at any time; and the thread that waits for tasks does not keep the arena.
#[test]
fn a_dropped_wait_loses_no_change() {
    let arena = Arena::new(1 << 20).unwrap();
    let value = arena.insert("key", 0_u64).unwrap();
    let mut changes = arena.changes("*").unwrap();
    let count = Arc::new(Count::default());
    {
        let mut waiting = pin!(changes.changed());
        let waker = Waker::from(Arc::clone(&count));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        value.set(1).unwrap();
        eventually("the task is woken", || count.0.load(Relaxed) > 0);
    }
    assert_eq!(Arc::strong_count(&count), 1, "the waker is dropped");
    assert_eq!(block_on(changes.changed()).unwrap(), changed("key"));
    assert!(matches!(changes.next_timeout(SHORT), Err(Error::TimedOut { .. })));
}

/// Tasks of a runtime, each with a pattern of its own, beside one that waits for a value.
#[tokio::test]
async fn tasks_wait_for_patterns_and_values() {
    let arena = Arena::new(1 << 20).unwrap();
    let values: Vec<_> = (0..100).map(|number| arena.insert(&format!("{number}.x"), 0_u64).unwrap()).collect();
    let waiting: Vec<_> = (0..100)
        .map(|number| {
            let mut changes = arena.changes(&format!("{number}.*")).unwrap();
            let mut value = values[number].changes();
            tokio::spawn(async move {
                let change = tokio::time::timeout(DEADLINE, changes.changed()).await.expect("it is woken").unwrap();
                let value = tokio::time::timeout(DEADLINE, value.changed()).await.expect("it is woken").unwrap();
                (change, value)
            })
        })
        .collect();
    tokio::time::sleep(SHORT).await;
    for (number, value) in values.iter().enumerate() {
        value.set(number as u64 + 1).unwrap();
    }
    for (number, waiting) in waiting.into_iter().enumerate() {
        assert_eq!(waiting.await.unwrap(), (changed(&format!("{number}.x")), number as u64 + 1));
    }
}

/// If a change were lost when its writer is killed, a program that mirrors an arena would differ from it forever.
#[test]
fn a_mirror_follows_writers_that_are_killed() {
    let arena = Arena::new(1 << 20).unwrap();
    let mut changes = arena.changes("k*").unwrap();
    let mut mirror = BTreeMap::<String, u64>::new();
    let follow = |mirror: &mut BTreeMap<String, u64>, change: &ArenaChange| {
        // A removed key may be there again, and gone before the next look: so no value is looked for.
        let value = match change {
            ArenaChange::Removed { .. } => None,
            change => arena.get::<u64>(change.key()).unwrap(),
        };
        match value {
            Some(value) => mirror.insert(change.key().to_owned(), value.get()),
            None => mirror.remove(change.key()),
        };
    };
    for round in 0..scaled(300, 60) {
        let child = fork(|| {
            let mut random = fastrand::Rng::with_seed(round);
            loop {
                let key = format!("k{}", random.u32(0..20));
                match random.u32(0..8) {
                    0 => drop(arena.remove(&*key).unwrap()),
                    1 => drop(arena.replace(&key, random.u64(..)).unwrap()),
                    2 => {
                        let other = format!("k{}", random.u32(0..20));
                        let _ = arena.transaction(|tx| {
                            tx.remove(&*key)?;
                            tx.replace(&other, random.u64(..)).map(drop)
                        });
                    }
                    _ => arena.get_or_insert_with(&key, || 0_u64).unwrap().set(random.u64(..)).unwrap(),
                }
            }
        });
        let end = Instant::now() + Duration::from_micros(500 + 61 * (round % 100));
        while Instant::now() < end {
            let change = if round % 2 == 0 {
                changes.next_timeout(Duration::from_millis(1)).ok()
            } else {
                block_on(async { poll_once(&mut changes).await })
            };
            if let Some(change) = &change {
                follow(&mut mirror, change);
            }
        }
        child.signal(Signal::KILL);
        child.finish_killed();
        while let Ok(change) = changes.next_timeout(Duration::ZERO) {
            follow(&mut mirror, &change);
        }
        let there: BTreeMap<_, _> =
            arena.values_of::<u64>().filter_map(|(key, value)| key.map(|key| (key, value.get()))).collect();
        assert_eq!(mirror, there, "after round {round}");
    }
}

/// Polls once, and gives up.
async fn poll_once(changes: &mut ArenaChanges) -> Option<ArenaChange> {
    let mut waiting = pin!(changes.changed());
    std::future::poll_fn(|context| match waiting.as_mut().poll(context) {
        std::task::Poll::Ready(change) => std::task::Poll::Ready(change.ok()),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
