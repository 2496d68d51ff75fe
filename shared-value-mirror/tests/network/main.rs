//! Two hosts, whose network loses packets, is slow, or is cut: in network namespaces of this machine, which need root.

mod hosts;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{SharedValue, Source, Synchronized, Timestamp};
use shared_value_mirror::{MirrorStatus, SynchronizedMirrorStatus};
use shared_value_tests::{DEADLINE, Process, SegmentName, eventually, skip};

use hosts::{Hosts, ORIGIN};

/// A value whose words all hold the same number, and when it was written. It has more than one block.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Frame {
    at: Timestamp,
    words: [u64; 1000],
}

impl Frame {
    fn of(number: u64) -> Self {
        Self { at: Timestamp::now(), words: [number; 1000] }
    }

    fn number(&self) -> Option<u64> {
        self.words.iter().all(|word| *word == self.words[0]).then_some(self.words[0])
    }
}

/// Stops the threads of a scope when it is dropped.
struct Stopping<'s>(&'s AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A value, its replica, and the hosts that they are on.
struct Scene {
    // Processes end before their hosts.
    _publisher: Process,
    _follower: Process,
    hosts: Hosts,
    origin: SegmentName,
    replica: SegmentName,
    _status: SegmentName,
    value: Synchronized<Frame>,
    copy: Synchronized<Frame, shared_value::ReadOnly>,
}

impl Scene {
    /// Returns `None` if this process may not make hosts.
    fn new(label: &str) -> Option<Self> {
        // The effective user of this process.
        let is_root =
            std::fs::metadata("/proc/self").is_ok_and(|facts| std::os::unix::fs::MetadataExt::uid(&facts) == 0);
        if !is_root {
            skip("only root makes network namespaces");
            return None;
        }
        let hosts = Hosts::new();
        let origin = SegmentName::new(label);
        let replica = SegmentName::of(format!("r-{}", &*origin));
        let status = SegmentName::of(format!("{}.mirror", &*replica));
        let value = Synchronized::create(&*origin, Frame::of(0)).expect("the name is free");
        let mirror = env!("CARGO_BIN_EXE_mirror");
        let endpoint = format!("tcp/{ORIGIN}:7447");
        let mut publisher = hosts.on_origin(mirror);
        publisher.args(["publish", "--listen", &endpoint, &origin]);
        let mut follower = hosts.on_follower(mirror);
        follower.args(["follow", "--connect", &endpoint, "--prefix", "r-", &origin]);
        let publisher = Process::start(&mut publisher);
        let follower = Process::start(&mut follower);
        let options = Synchronized::<Frame>::options().read_only().wait(DEADLINE);
        let copy = options.open(Source::from(&*replica)).expect("the replica is made");
        Some(Self { _publisher: publisher, _follower: follower, hosts, origin, replica, _status: status, value, copy })
    }

    /// Writes every two milliseconds while `during` runs, and reads the replica. Returns how many states it has shown, and the
    /// longest time between the write of a state and a read of the replica that showed no later one.
    fn run(&self, during: impl FnOnce(&Hosts)) -> (u64, Duration) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // Also if `during` panics: a scope waits for its threads.
            let stopping = Stopping(&stop);
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let next = self.value.get().number().expect("the origin is whole") + 1;
                    self.value.set(Frame::of(next)).expect("the lock is free");
                    thread::sleep(Duration::from_millis(2));
                }
            });
            let reader = scope.spawn(|| {
                let (mut last, mut states, mut oldest) = (self.copy.get().words[0], 0, Duration::ZERO);
                while !stop.load(Ordering::Relaxed) {
                    let frame = self.copy.get();
                    let number = frame.number();
                    let Some(number) = number.filter(|number| *number >= last) else {
                        stop.store(true, Ordering::Relaxed);
                        panic!("after {last}, the replica shows {number:?}");
                    };
                    states += u64::from(number > last);
                    last = number;
                    let age = frame.at.elapsed().as_nanos();
                    oldest = oldest.max(Duration::from_nanos(age.try_into().unwrap_or_default()));
                    thread::sleep(Duration::from_micros(500));
                }
                (states, oldest)
            });
            during(&self.hosts);
            drop(stopping);
            reader.join().expect("the replica is whole")
        })
    }

    fn status(&self) -> MirrorStatus {
        let status = SynchronizedMirrorStatus::open_read_only(&*format!("{}.mirror", &*self.replica));
        status.expect("it is there").load().expect("it is whole")
    }

    /// Waits until the replica shows the last state, and returns how long that took.
    fn converge(&self) -> Duration {
        let (start, last) = (Instant::now(), self.value.get().number());
        eventually(&format!("`{}` shows the last state", &*self.origin), || self.copy.get().number() == last);
        start.elapsed()
    }
}

#[test]
fn a_network_that_loses_a_third_of_its_packets() {
    let Some(scene) = Scene::new("loss") else { return };
    let (states, oldest) = scene.run(|hosts| {
        hosts.lose(30);
        thread::sleep(Duration::from_secs(8));
        hosts.heal();
    });
    println!("loss of 30 %: {states} states, at most {oldest:?} old, converged after {:?}", scene.converge());
}

#[test]
fn a_partition_of_ten_seconds() {
    let Some(scene) = Scene::new("partition") else { return };
    let (states, oldest) = scene.run(|hosts| {
        thread::sleep(Duration::from_secs(1));
        hosts.lose(100);
        thread::sleep(Duration::from_secs(10));
        assert!(!scene.status().is_reachable, "the status says that the origin is cut off");
        hosts.heal();
    });
    let converged = scene.converge();
    eventually("the status says that the origin is back", || scene.status().is_fresh());
    println!("partition of 10 s: {states} states, at most {oldest:?} old, converged after {converged:?}");
    assert!(oldest >= Duration::from_secs(9), "nothing was cut: {oldest:?}");
}

/// Over a link that carries 30 states a second, of the 500 that are written, the newest come: if states queued, the replica would fall
/// behind by half a second each second.
#[test]
fn a_slow_link_carries_the_newest_states() {
    let Some(scene) = Scene::new("slow") else { return };
    let (states, oldest) = scene.run(|hosts| {
        hosts.slow_down(2000);
        thread::sleep(Duration::from_secs(10));
    });
    println!("2 Mbit/s: {states} states, at most {oldest:?} old, converged after {:?}", scene.converge());
    assert!(states > 30, "{states} states");
    assert!(oldest < Duration::from_secs(3), "the replica was {oldest:?} behind");
}
