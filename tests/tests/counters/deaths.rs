//! Owners that are killed, stopped, or made up.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use shared_value::{Counter, SharedCounter, Synchronized, Zeroed};
use shared_value_tests::{Forked, SegmentName, eventually, fork};

use crate::Lanes;

fn create(label: &str) -> (SegmentName, SharedCounter<2>, Lanes) {
    let name = SegmentName::new(label);
    let counter = SharedCounter::<2>::create(&name, Counter::new(0)).unwrap();
    let lanes = Lanes::of(&counter, &name, 2);
    (name, counter, lanes)
}

fn kill(child: Forked) {
    child.signal(Signal::KILL);
    child.finish_killed();
}

/// If the sum of a dead owner were lost, or its lane were not taken over, counters would forget, and lanes run out.
#[test]
fn a_dead_owner_leaves_its_sum_and_its_lane() {
    let (_name, counter, lanes) = create("dead");
    for turn in 1..=5 {
        let child = fork(|| {
            counter.add(10);
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        });
        eventually("the child has added", || counter.total() == turn * 10);
        let dead = lanes.owners()[0];
        kill(child);
        assert_eq!((counter.total(), lanes.owners()[0]), (turn * 10, dead));
        // A process that has not counted here asks at once whether the owner exists.
        fork(|| {
            counter.add(0);
            assert_ne!(lanes.owners()[0], dead);
        })
        .finish();
        assert_eq!(lanes.sums(), [turn * 10, 0]);
    }
}

/// A process that is stopped goes on later with the addition that it was making: its lane must stay its own.
#[test]
fn a_stopped_owner_keeps_its_lane() {
    let (_name, counter, lanes) = create("stopped");
    let child = fork(|| {
        counter.add(1);
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    });
    eventually("the child has added", || counter.total() == 1);
    child.signal(Signal::STOP);
    let owner = lanes.owners()[0];
    for _ in 0..30_000 {
        counter.increment();
    }
    thread::sleep(Duration::from_millis(200));
    for _ in 0..30_000 {
        counter.increment();
    }
    assert_eq!((lanes.owners()[0], lanes.sums()), (owner, vec![1, 60_000]));
    kill(child);
    // This thread asks again now and then.
    eventually("the lane is taken over", || {
        (0..5_000).for_each(|_| counter.increment());
        lanes.owners()[0] != owner
    });
}

/// Each process that is killed may lose the one addition that it was making, and none that it knew to be done.
#[test]
fn processes_are_killed_while_they_count() {
    const WORKERS: usize = 6;
    const KILLS: usize = 60;
    let name = SegmentName::new("killed");
    let counter = SharedCounter::<6>::create(&name, Counter::new(0)).unwrap();
    let done = Synchronized::<[u64; 8]>::options().unlocked().new(Zeroed).unwrap();
    let work = |worker: usize| {
        let (counter, done) = (counter.clone(), done.clone());
        fork(move || {
            let before = done.at(worker);
            for number in 1.. {
                counter.increment();
                done.set_at(worker, before + number).unwrap();
            }
        })
    };
    let mut workers: Vec<_> = (0..WORKERS).map(work).collect();
    for turn in 0..KILLS {
        thread::sleep(Duration::from_millis(3 + turn as u64 % 7));
        let worker = (turn * 5 + turn / 3) % WORKERS;
        // The next one counts on from what this one has done.
        kill(workers.swap_remove(worker));
        workers.push(work(worker));
        workers.swap(worker, WORKERS - 1);
    }
    workers.into_iter().for_each(kill);
    let acknowledged: u64 = done.get().iter().sum();
    let killed = (KILLS + WORKERS) as u64;
    let total = counter.total();
    assert!(acknowledged <= total && total <= acknowledged + killed, "{acknowledged} acknowledged, {total} counted");
    assert!(acknowledged > 10_000, "the workers count: {acknowledged}");
}

/// No owner that another process makes up may hold up a thread, or make it write outside of the lanes.
#[test]
fn owners_that_are_made_up() {
    let (_name, counter, lanes) = create("hostile");
    let own = {
        counter.increment();
        lanes.owners()[0]
    };
    let made_up = [
        u64::MAX,
        1,
        1 << 32,
        own ^ 1,
        own & 0xffff_ffff,
        own & !0xffff_ffff,
        own | 0xc000_0000,
        0x3fff_ffff,
        0xdead_beef_0000_0001,
    ];
    let mut added = 1;
    for owner in made_up {
        for lane in [0, 1] {
            lanes.set_owner(lane, owner);
            (0..9_000).for_each(|_| counter.increment());
            thread::scope(|scope| scope.spawn(|| counter.increment()).join().unwrap());
            added += 9_001;
        }
    }
    // No other process added, so nothing was lost either.
    assert_eq!(counter.total(), added);
    thread::scope(|scope| {
        let adders: Vec<_> = (0..2).map(|_| scope.spawn(|| (0..400_000).for_each(|_| counter.increment()))).collect();
        let mut owner = own;
        while adders.iter().any(|adder| !adder.is_finished()) {
            owner = owner.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            lanes.set_owner(owner >> 63, if owner & 4 == 0 { own } else { owner });
        }
    });
    let before = counter.total();
    counter.increment();
    assert_eq!(counter.total(), before + 1);
}
