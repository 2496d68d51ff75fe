//! Peers that send anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::Synchronized;
use shared_value_mirror::{Answers, Follower, Next, Transport, remove};
use shared_value_tests::DEADLINE;

use crate::support::{Names, Relay, Words, endpoint, publish, reader};

/// Answers that are changed on their way.
struct Changed {
    inner: Box<dyn Answers>,
    is_changed: bool,
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
    let (is_on, requests) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let (is_hostile, changed) = (is_on.clone(), requests.clone());
    let hostile = Relay::connect(endpoint, move |zenoh, key, mut message, timeout| {
        let is_hostile = is_hostile.load(Ordering::Relaxed);
        if is_hostile && fastrand::bool() {
            mutate(&mut message);
            changed.fetch_add(1, Ordering::Relaxed);
        }
        // A request that cannot be read has no answer.
        let timeout = if is_hostile { Duration::from_millis(50) } else { timeout };
        let is_changed = is_hostile && fastrand::bool();
        Ok(Box::new(Changed { inner: zenoh.ask(key, message, timeout)?, is_changed }))
    });
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
    let (changed, errors) = (requests.load(Ordering::Relaxed), follower.figures().errors);
    println!("{changed} requests were changed, the follower had {errors} errors");

    // A peer that may answer can also say what the newest version is: a false one is forgotten with the replica.
    drop(follower);
    remove(&names.replica).expect("nobody follows");
    is_on.store(false, Ordering::Relaxed);
    let _follower = options.start(hostile, &names.origin).expect("the name is free");
    let copy = reader::<Words>(&names.replica);
    assert_eq!(
        copy.wait_for(|words| words.number() == Some(number), DEADLINE).expect("it comes").number(),
        Some(number)
    );
}
