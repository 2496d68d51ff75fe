//! What a follower asks its transport for.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use shared_value::Synchronized;
use shared_value_mirror::{Follower, Transport};
use shared_value_tests::DEADLINE;

use crate::support::{Names, Relay, endpoint, publish, reader};

/// Zenoh keeps a timer for each request until its time is over. With the five minutes that a whole state may take, a follower of
/// a value that changes all the time would have a million of them.
#[test]
fn asks_for_changes_do_not_wait_as_long_as_those_for_everything() {
    let (names, endpoint) = (Names::new("requests"), endpoint());
    let value = Synchronized::create(&*names.origin, 0_u64).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let noted = Arc::new(Mutex::new(Vec::new()));
    let timeouts = noted.clone();
    let noting = Relay::connect(endpoint, move |zenoh, key, message, timeout| {
        timeouts.lock().expect("no thread has panicked").push(timeout);
        zenoh.ask(key, message, timeout)
    });
    let follower = Follower::options().name(&names.replica).start(noting, &names.origin);
    let _follower = follower.expect("the name is free");
    let copy = reader::<u64>(&names.replica);
    let first = noted.lock().expect("no thread has panicked").len();
    for number in 1..=20 {
        value.set(number).expect("the lock is free");
        copy.wait_for(|value| *value == number, DEADLINE).expect("it comes");
        thread::sleep(Duration::from_millis(1));
    }
    let timeouts = noted.lock().expect("no thread has panicked");
    assert!(timeouts[0] >= Duration::from_secs(300), "the first is for everything: {timeouts:?}");
    let changes = &timeouts[first + 1..];
    assert!(changes.len() > 10 && changes.iter().all(|timeout| *timeout < Duration::from_secs(100)), "{changes:?}");
}
