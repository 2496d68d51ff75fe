//! Peers and writers that ask for more than a publisher should do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared_value::{Arena, Capacity, Filled, ReadOnly, SharedArray, SharedVec, Synchronized};
use shared_value_mirror::{Answering, Answers, Follower, MirrorError, Publisher, Question, Settings, Transport, Zenoh};
use shared_value_tests::{DEADLINE, eventually};

use crate::support::{Names, endpoint, follow, publish};

type Receive = Box<dyn Fn(Box<dyn Question>) + Send + Sync>;

/// A transport that never gets an answer away, as one over a link that is slow.
#[derive(Default)]
struct Slow {
    receive: Mutex<Option<Receive>>,
    sent: Arc<Mutex<Vec<Bytes>>>,
}

struct Declared;

impl Answering for Declared {}

struct Asked {
    message: Vec<u8>,
    sent: Arc<Mutex<Vec<Bytes>>>,
}

impl Question for Asked {
    fn message(&self) -> Vec<u8> {
        self.message.clone()
    }

    fn answer(self: Box<Self>, message: Bytes) -> Result<(), MirrorError> {
        self.sent.lock().expect("no thread has panicked").push(message);
        Ok(())
    }
}

impl Transport for Slow {
    fn answer(&self, _: &str, receive: Receive) -> Result<Box<dyn Answering>, MirrorError> {
        *self.receive.lock().expect("no thread has panicked") = Some(receive);
        Ok(Box::new(Declared))
    }

    fn ask(&self, _: &str, _: Vec<u8>, _: Duration) -> Result<Box<dyn Answers>, MirrorError> {
        unreachable!("only a publisher uses it")
    }
}

impl Slow {
    /// Asks for what is newer than a state, which `bytes` are in the form of the protocol.
    fn ask(&self, base: &[u8]) {
        let message = [b"svmi\x01", base, &[0xe0, 0xd4, 0x03]].concat();
        let receive = self.receive.lock().expect("no thread has panicked");
        receive.as_ref().expect("it is published")(Box::new(Asked { message, sent: self.sent.clone() }));
    }

    /// Returns how many answers there are, and how many bytes of memory they take.
    fn sent(&self) -> (usize, usize) {
        let sent = self.sent.lock().expect("no thread has panicked");
        let shared: HashMap<_, _> = sent.iter().map(|message| (message.as_ptr(), message.len())).collect();
        (sent.len(), shared.values().sum())
    }
}

/// A peer that asks again and again without reading would take all memory of the host that writes.
#[test]
fn answers_under_way_take_bounded_memory() {
    const SIZE: usize = 1 << 20;
    let names = Names::new("bounded");
    let array = SharedArray::create(&*names.origin, Filled(7_u8, SIZE)).expect("there is memory");
    let slow = Arc::new(Slow::default());
    let options = Publisher::options().limit(4 * SIZE);
    let publisher = options.start(slow.clone(), &names.origin).expect("it starts");
    for _ in 0..50 {
        slow.ask(&[0]);
    }
    eventually("all are answered", || slow.sent().0 == 50);
    assert!(slow.sent().1 < 4 * SIZE, "the answers to requests of one state take {} bytes", slow.sent().1);

    // Each time there is another state, or another one is named. Without the wait, a publisher that runs late would answer all of
    // these requests with one state.
    for number in 0..40_u8 {
        array.set_at(0, number).expect("the lock is free");
        let mut base = vec![1];
        base.extend([number + 1, 0, 0]);
        slow.ask(&base);
        slow.ask(&[0]);
        let asked = 50 + 2 * (usize::from(number) + 1);
        eventually("they are answered, or there is no room", || {
            let (answers, bytes) = slow.sent();
            answers == asked || bytes > 4 * SIZE
        });
    }
    thread::sleep(Duration::from_millis(500));
    let (answers, bytes) = slow.sent();
    assert!(bytes < 6 * SIZE, "{answers} answers take {bytes} bytes");

    // When they have left, the others are answered.
    slow.sent.lock().expect("no thread has panicked").clear();
    eventually("there is room again", || slow.sent().0 > 0);
    drop(publisher);
}

/// The publisher would not get to its followers any more, nor to its end.
#[test]
fn values_that_change_all_the_time_do_not_keep_the_publisher_busy() {
    let (names, endpoint) = (Names::new("busy"), endpoint());
    let arena = Arena::create(&*names.origin, 1 << 20).expect("the name is free");
    let values: Vec<_> =
        (0..64).map(|number| arena.insert(&format!("key.{number}"), 0_u64).expect("there is room")).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    for value in &values {
                        value.update(|number| *number += 1).expect("the lock is free");
                    }
                }
            });
        }
        let _publisher = publish(&endpoint, &[&names.origin]);
        let _follower = follow(&endpoint, "r1-", &[&names.origin]);
        let start = Instant::now();
        let copy: Result<Arena<ReadOnly>, _> = Arena::options().read_only().wait(DEADLINE).open(&*names.replica);
        let mut seen = 0;
        while copy.is_ok() && seen < 5 && start.elapsed() < DEADLINE {
            let shown = copy.as_ref().ok().and_then(|copy| copy.get::<u64>("key.7").ok().flatten());
            let before = shown.as_ref().map_or(0, Synchronized::get);
            thread::sleep(Duration::from_millis(100));
            seen += u64::from(shown.is_some_and(|shown| shown.get() > before));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(copy.is_ok() && seen >= 5, "{copy:?}, {seen} changes");
    });
}

/// A follower would get a state that its publisher has refused.
#[test]
fn what_is_larger_than_the_limit_is_never_sent() {
    let (names, endpoint) = (Names::new("limit"), endpoint());
    let arena = Arena::create(&*names.origin, 1 << 20).expect("the name is free");
    let first = arena.insert("first", [1_u64; 16]).expect("there is room");
    let there = Settings { connect: vec![endpoint.clone()], ..Settings::default() };
    let here = Settings { listen: vec![endpoint], ..Settings::default() };
    let publisher = Publisher::options().limit(1000);
    let publisher =
        publisher.start(Arc::new(Zenoh::open(&here).expect("it listens")), &names.origin).expect("it starts");
    let transport = Arc::new(Zenoh::open(&there).expect("there is a port"));
    let follower = Follower::options().name(&names.replica).start(transport, &names.origin).expect("the name is free");
    let copy: Arena<ReadOnly> = Arena::options().read_only().wait(DEADLINE).open(&*names.replica).expect("it is made");
    arena.insert("second", [2_u64; 200]).expect("there is room");
    let errors = publisher.figures().errors;
    eventually("it is refused again and again", || publisher.figures().errors > errors + 5);
    assert!(!copy.contains("second"), "{:?}", follower.figures());
    assert!(arena.remove("second").expect("the arena is whole"));
    first.set([3; 16]).expect("the lock is free");
    let shown = copy.get::<[u64; 16]>("first").expect("it is one").expect("it is there");
    shown.wait_for(|first| *first == [3; 16], DEADLINE).expect("it comes");
}

/// A vector would be sent however long it has become.
#[test]
fn a_vector_that_has_outgrown_the_limit_is_not_sent() {
    let (names, endpoint) = (Names::new("outgrown"), endpoint());
    let vector = SharedVec::<u8>::create(&*names.origin, Capacity(10_000)).expect("the name is free");
    let here = Settings { listen: vec![endpoint.clone()], ..Settings::default() };
    let publisher = Publisher::options().limit(1000);
    let publisher =
        publisher.start(Arc::new(Zenoh::open(&here).expect("it listens")), &names.origin).expect("it starts");
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let options = SharedVec::<u8>::options().read_only().wait(DEADLINE);
    let copy = options.open(&*names.replica).expect("the replica is made");
    vector.extend([1; 2000]).expect("there is room");
    let errors = publisher.figures().errors;
    eventually("it is refused again and again", || publisher.figures().errors > errors + 5);
    assert_eq!(copy.len(), 0);
    vector.truncate(5).expect("the lock is free");
    eventually("what is within the limit comes", || copy.len() == 5);
}
