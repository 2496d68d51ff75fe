//! Publishers, followers and writers that are killed at random.

use std::env;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Synchronized, inspect};
use shared_value_tests::{DEADLINE, Process, eventually};

use crate::support::{Names, Words, endpoint, follow, publish, reader, status, watch};

/// The environment entry that makes this test program a writer.
const WRITER: &str = "SHARED_VALUE_MIRROR_WRITER";

/// Not a test: the process that writes.
#[test]
fn writer_process() {
    let Ok(name) = env::var(WRITER) else { return };
    let value = Synchronized::<Words>::open(&*name).expect("it is there");
    for turn in 0_u64.. {
        value.update(|words| *words = Words::of(words.words[0] + 1)).expect("the lock is freed");
        if turn % 64 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn writer(name: &str) -> Process {
    let mut command = Command::new(env::current_exe().expect("it is known"));
    command.args(["--exact", "kills::writer_process", "--nocapture"]).env(WRITER, name);
    Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

/// The writer, the publisher and the follower are killed again and again, each at random: no reader of the replica ever sees a
/// mixture of two states, or an earlier state than before, and in the end it sees the last one.
#[test]
fn kills_at_random_tear_nothing_and_go_back_nowhere() {
    const TIME: Duration = Duration::from_secs(12);
    let (names, endpoint) = (Names::new("kills"), endpoint());
    let value = Synchronized::create(&*names.origin, Words::of(0)).expect("the name is free");
    let mut processes =
        [writer(&names.origin), publish(&endpoint, &[&names.origin]), follow(&endpoint, "r1-", &[&names.origin])];
    let copy = reader::<Words>(&names.replica);
    let segment = inspect(&*names.replica).expect("it is there").identity();
    let (start, mut last, mut kills, mut changes) = (Instant::now(), 0, [0_u32; 3], 0);
    while start.elapsed() < TIME {
        changes += watch(&copy, Duration::from_millis(fastrand::u64(50..500)), &mut last);
        let which = fastrand::usize(..3);
        let process = &mut processes[which];
        process.kill();
        kills[which] += 1;
        *process = match which {
            0 => writer(&names.origin),
            1 => publish(&endpoint, &[&names.origin]),
            _ => follow(&endpoint, "r1-", &[&names.origin]),
        };
    }
    let [writer, _publisher, _follower] = processes;
    drop(writer);
    let end = value.get().number().expect("the origin is never torn");
    eventually("the replica shows the last state", || copy.get().number().expect("it is torn") == end);
    assert!(kills.iter().all(|kills| *kills > 0) && changes > 20, "{kills:?} kills, {changes} changes");
    assert_eq!(inspect(&*names.replica).expect("it is there").identity(), segment, "the replica goes on");
    let status = status(&names.replica).expect("it is there");
    assert_eq!((status.origins, status.refused), (1, 0), "{status:?}");
    println!("{kills:?} kills of writer, publisher and follower, {changes} changes were seen");
}

/// A follower that was killed knows which state its replica shows, and asks for later ones only.
#[test]
fn a_follower_goes_on_with_its_replica() {
    let (names, endpoint) = (Names::new("goes-on"), endpoint());
    let value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let follower = follow(&endpoint, "r1-", &[&names.origin]);
    let copy = reader::<u64>(&names.replica);
    value.set(2).expect("the lock is free");
    copy.wait_for(|value| *value == 2, DEADLINE).expect("it comes");
    eventually("it is noted", || status(&names.replica).is_some_and(|status| status.version == 1));
    drop(follower);
    let version = copy.version();
    let before = status(&names.replica).expect("it is there").heard;
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    eventually("the new follower has heard from the publisher", || {
        status(&names.replica).is_some_and(|status| status.is_fresh() && status.heard != before)
    });
    assert_eq!(copy.version(), version, "nothing was applied twice");
    value.set(3).expect("the lock is free");
    copy.wait_for(|value| *value == 3, DEADLINE).expect("it comes");
    assert_eq!(copy.version(), version + 1);
}
