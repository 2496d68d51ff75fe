//! Answers that are lost on their way: a follower that has missed several states gets all that has changed since its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Arena, Bytes, Capacity, Dyn, DynData, DynLayout, Error, ReadOnly, Synchronized, Vector};
use shared_value_mirror::{Answers, Follower, Next, Transport};
use shared_value_tests::{DEADLINE, Process, eventually};

use crate::support::{Names, Relay, endpoint, publish, status};

/// Answers that are lost while it is told so.
struct Kept {
    inner: Box<dyn Answers>,
    is_losing: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
}

impl Answers for Kept {
    fn next(&self, timeout: Duration) -> Next {
        match self.inner.next(timeout) {
            Next::Answer(_) if self.is_losing.load(Ordering::Relaxed) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                Next::Ended
            }
            next => next,
        }
    }
}

/// An arena, its publisher and a follower whose answers can be lost.
struct Followed {
    names: Names,
    arena: Arena,
    _publisher: Process,
    follower: Follower,
    is_losing: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
}

impl Followed {
    fn new(label: &str, capacity: usize, fill: impl FnOnce(&Arena)) -> Self {
        let (names, endpoint) = (Names::new(label), endpoint());
        let arena = Arena::create(&*names.origin, Capacity(capacity)).expect("the name is free");
        fill(&arena);
        let publisher = publish(&endpoint, &[&names.origin]);
        let (is_losing, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (loses, count) = (is_losing.clone(), lost.clone());
        let lossy = Relay::connect(endpoint, move |zenoh, key, message, timeout| {
            let inner = zenoh.ask(key, message, timeout)?;
            Ok(Box::new(Kept { inner, is_losing: loses.clone(), lost: count.clone() }))
        });
        let follower = Follower::options().name(&names.replica).start(lossy, &names.origin);
        Self { names, arena, _publisher: publisher, follower: follower.expect("the name is free"), is_losing, lost }
    }

    fn opened(&self) -> Arena<ReadOnly> {
        Arena::options().read_only().wait(DEADLINE).open(&*self.names.replica).expect("the replica is made")
    }

    /// Makes changes that the follower misses. After each of them, the publisher has sent a state.
    fn miss(&self, changes: &[&dyn Fn()]) {
        self.is_losing.store(true, Ordering::Relaxed);
        for change in changes {
            change();
            // The second answer was asked for after the change.
            let before = self.lost.load(Ordering::Relaxed);
            eventually("an answer is lost", || self.lost.load(Ordering::Relaxed) > before + 1);
        }
        self.is_losing.store(false, Ordering::Relaxed);
    }

    /// Waits until the replica shows what the arena holds.
    #[track_caller]
    fn converge(&self) {
        let mut last = String::new();
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            // The replica may have been made anew.
            let copy = self.opened();
            let differs = self.arena.iter().find_map(|entry| {
                let key = entry.key().expect("all have keys").to_owned();
                let value = self.arena.get::<Dyn>(&*key).expect("it is whole")?.load().expect("it is whole");
                let shown = copy.get::<Dyn>(&*key).ok().flatten().and_then(|value| value.load().ok());
                (shown.as_ref() != Some(&value)).then_some(key)
            });
            match differs {
                None if copy.len() == self.arena.len() => return,
                None => last = format!("{} values instead of {}", copy.len(), self.arena.len()),
                Some(key) => last = format!("`{key}` differs"),
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{last}; {:?}", self.follower.figures());
    }
}

/// The key would never come back: it has not changed since.
#[test]
fn a_key_that_was_removed_and_added_again_stays() {
    let followed = Followed::new("again", 1 << 20, |arena| {
        arena.insert("a", 1_u64).expect("there is room");
        arena.insert("b", 1_u64).expect("there is room");
    });
    followed.converge();
    let remove = || assert!(followed.arena.remove("a").expect("the arena is whole"));
    let add = || drop(followed.arena.insert("a", 2_u64).expect("there is room"));
    followed.miss(&[&remove, &add]);
    followed.converge();
    assert_eq!(followed.arena.len(), 2);
    // Nor is it removed by a later message.
    followed.arena.get::<u64>("b").expect("it is one").expect("it is there").set(7).expect("the lock is free");
    followed.converge();
}

/// A follower that kept the smaller one could not show the value any more once it is full.
#[test]
fn a_vector_that_is_replaced_by_a_larger_one_grows_at_the_follower_too() {
    let vector = |capacity| {
        let layout = DynLayout::vector(DynLayout::of::<u32>().expect("numbers have a layout"));
        (layout.expect("so have vectors of them"), Capacity(capacity))
    };
    let followed = Followed::new("larger", 1 << 20, |arena| {
        arena.insert::<Dyn>("list", vector(4)).expect("there is room");
    });
    followed.converge();
    let list = followed.arena.replace::<Dyn>("list", vector(100)).expect("there is room");
    followed.converge();
    for number in 0..50_u64 {
        list.push(number).expect("there is room");
    }
    followed.converge();
    let copy: Synchronized<Dyn, ReadOnly> = followed.opened().get("list").expect("it is one").expect("it is there");
    assert_eq!(copy.capacity().expect("it is a vector"), 100);
}

/// A thread holds fewer locks than that, so the follower would ask for the same changes forever.
#[test]
fn more_values_than_locks_change_at_once() {
    let mut values = Vec::new();
    let followed = Followed::new("locks", 8 << 20, |arena| {
        for number in 0..2500_u64 {
            values.push(arena.insert(&format!("key.{number}"), number).expect("there is room"));
        }
    });
    followed.converge();
    for round in 1..3 {
        let change = || values.iter().for_each(|value| value.set(value.get() + round).expect("the lock is free"));
        followed.miss(&[&change]);
        followed.converge();
    }
}

/// Values that are replaced take room beside the new ones, and as long as a reader has them. The arena of the origin is full.
#[test]
fn a_replica_that_has_no_room_for_a_state_is_made_anew() {
    let mut values = Vec::new();
    let followed = Followed::new("room", 2 << 20, |arena| {
        loop {
            match arena.insert(&format!("key.{}", values.len()), [0_u64; 32]) {
                Ok(value) => values.push(value),
                Err(Error::ArenaFull { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert!(values.len() > 2000, "{} values", values.len());
    followed.converge();
    let mut readers = Vec::new();
    for round in 1..4_u64 {
        let copy = followed.opened();
        readers.extend(copy.iter().filter_map(|entry| copy.get(entry.id::<[u64; 32]>()).expect("it is one")));
        let change = || values.iter().for_each(|value| value.set([round; 32]).expect("the lock is free"));
        followed.miss(&[&change]);
        followed.converge();
    }
    assert_eq!(status(&followed.names.replica).expect("it is there").origins, 1);
}

/// A value that cannot be carried must not stop the others.
#[test]
fn a_vector_that_is_too_long_is_left_out() {
    let followed = Followed::new("long", 256 << 20, |arena| {
        arena.insert("a", 1_u64).expect("there is room");
    });
    followed.converge();
    followed.arena.insert::<Vector<Bytes>>("long", Capacity((64 << 20) + 10)).expect("there is room");
    let long = followed.arena.get::<Dyn>("long").expect("it is one").expect("it is there");
    followed.converge();
    let part = vec![7_u8; 32 << 20];
    for _ in 0..2 {
        long.extend(DynData::Bytes(part.clone())).expect("there is room");
    }
    long.push(7_u64).expect("there is room");
    let small = followed.arena.get::<u64>("a").expect("it is one").expect("it is there");
    small.set(2).expect("the lock is free");
    let copy = followed.opened();
    eventually("the other value is shown, and this one is not", || {
        let shown = copy.get::<u64>("a").expect("it is one").expect("it is there");
        shown.get() == 2 && !copy.contains("long")
    });
    long.truncate(3).expect("the lock is free");
    followed.converge();
}
