//! A network that takes its time: a proxy between both sides keeps all bytes back for a while.

use std::thread;
use std::time::{Duration, Instant};

use shared_value::Synchronized;
use shared_value_tests::eventually;

use crate::proxy::Proxy;
use crate::support::{Names, Words, endpoint, follow, publish, reader, watch};

const DELAY: Duration = Duration::from_millis(40);

#[test]
fn a_network_that_delays_all_messages() {
    let (names, endpoint) = (Names::new("delay"), endpoint());
    let value = Synchronized::create(&*names.origin, Words::of(0)).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let proxy = Proxy::start(&endpoint, DELAY);
    let _follower = follow(&proxy.endpoint("tcp"), "r1-", &[&names.origin]);
    let copy = reader::<Words>(&names.replica);
    let mut last = 0;
    let changes = thread::scope(|scope| {
        let reader = scope.spawn(|| watch(&copy, Duration::from_secs(3), &mut last));
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            value.update(|words| *words = Words::of(words.words[0] + 1)).expect("the lock is free");
            thread::sleep(Duration::from_millis(1));
        }
        reader.join().expect("the replica is whole")
    });
    let end = value.get().number();
    eventually("the replica shows the last state", || copy.get().number() == end);
    assert!((5..=60).contains(&changes), "{changes} changes in 3 s, with a round trip of 80 ms");
}
