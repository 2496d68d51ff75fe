//! Peers that send anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::Synchronized;
use shared_value_mirror::{
    Answering, Answers, Follower, MirrorError, Next, Question, Settings, Transport, Zenoh, remove,
};
use shared_value_tests::DEADLINE;

use crate::support::{Names, Words, endpoint, publish, reader};

/// A transport that changes what it carries, and otherwise is zenoh.
struct Hostile {
    inner: Zenoh,
    is_on: AtomicBool,
    changed: AtomicU64,
}

struct Changed {
    inner: Box<dyn Answers>,
    is_changed: bool,
}

impl Transport for Hostile {
    fn answer(
        &self,
        key: &str,
        receive: Box<dyn Fn(Box<dyn Question>) + Send + Sync>,
    ) -> Result<Box<dyn Answering>, MirrorError> {
        self.inner.answer(key, receive)
    }

    fn ask(&self, key: &str, mut message: Vec<u8>, timeout: Duration) -> Result<Box<dyn Answers>, MirrorError> {
        let is_hostile = self.is_on.load(Ordering::Relaxed);
        if is_hostile && fastrand::bool() {
            mutate(&mut message);
            self.changed.fetch_add(1, Ordering::Relaxed);
        }
        // An ask that cannot be read has no answer.
        let timeout = if is_hostile { Duration::from_millis(50) } else { timeout };
        let is_changed = is_hostile && fastrand::bool();
        Ok(Box::new(Changed { inner: self.inner.ask(key, message, timeout)?, is_changed }))
    }
}

impl Answers for Changed {
    fn next(&self, timeout: Duration) -> Next {
        match self.inner.next(timeout) {
            Next::Answer(mut message) if self.is_changed => {
                mutate(&mut message);
                Next::Answer(message)
            }
            next => next,
        }
    }
}

fn mutate(message: &mut Vec<u8>) {
    if message.is_empty() {
        return;
    }
    let length = message.len();
    // Lengths, schemas and positions stand in front.
    let front = fastrand::usize(..length.min(80));
    match fastrand::u32(..5) {
        0 => message.truncate(front),
        1 => message.extend((0..fastrand::usize(1..50)).map(|_| fastrand::u8(..))),
        2 => message[front] = fastrand::u8(..),
        3 => message[front] ^= 1 << fastrand::u32(..8),
        _ => message[fastrand::usize(..length)] = fastrand::u8(..),
    }
}

/// Neither side ends, and a follower that starts afresh shows the value again.
#[test]
fn messages_that_are_changed_on_their_way_stop_nobody() {
    let (names, endpoint) = (Names::new("hostile"), endpoint());
    let value = Synchronized::create(&*names.origin, Words::of(0)).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let there = Settings { connect: vec![endpoint], ..Settings::default() };
    let inner = Zenoh::open(&there).expect("there is a port");
    let hostile = Arc::new(Hostile { inner, is_on: true.into(), changed: AtomicU64::new(0) });
    let options = Follower::options().name(&names.replica).interval(Duration::from_millis(20));
    let follower = options.start(hostile.clone(), &names.origin).expect("the name is free");
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < Duration::from_secs(6) || follower.figures().errors < 10 {
        assert!(start.elapsed() < DEADLINE, "{:?}", follower.figures());
        number += 1;
        value.set(Words::of(number)).expect("the lock is free");
        thread::sleep(Duration::from_micros(500));
    }
    let (changed, errors) = (hostile.changed.load(Ordering::Relaxed), follower.figures().errors);
    println!("{changed} asks were changed, the follower had {errors} errors");

    // A peer that may answer can also say what the newest version is: a false one is forgotten with the replica.
    drop(follower);
    remove(&names.replica).expect("nobody follows");
    hostile.is_on.store(false, Ordering::Relaxed);
    let _follower = options.start(hostile, &names.origin).expect("the name is free");
    let copy = reader::<Words>(&names.replica);
    assert_eq!(
        copy.wait_for(|words| words.number() == Some(number), DEADLINE).expect("it comes").number(),
        Some(number)
    );
}
