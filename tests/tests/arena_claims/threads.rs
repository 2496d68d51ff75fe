//! Threads of one process share its claims.

use std::io::{Read, Write};
use std::iter::repeat_with;
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use rustix::process::set_parent_process_death_signal;
use shared_value::{Arena, Entry, Synchronized};
use shared_value_tests::{DEADLINE, SegmentFile, SegmentName, alone, end_now, fork, scaled, split};

use crate::{CAPACITY, Child, all_comes_back, fill, value_of};

/// While one thread unmaps the arena, another one maps it again: the old mapping still vouches for the process.
#[test]
fn threads_open_and_drop_an_arena_at_once() {
    const UNVOUCHED: u64 = 88;
    let _alone = alone();
    let name = SegmentName::new("claims-opened");
    let holder = Child::new(|step| {
        let _arena = Arena::create(&name, CAPACITY).unwrap();
        step();
    });
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let name = &name;
            scope.spawn(move || {
                for _ in 0..scaled(2_000, 500) {
                    let arena = Arena::open(name).unwrap();
                    let key = format!("of {thread}");
                    arena.insert(&key, 1_u64).unwrap();
                    assert!(arena.remove(&key).unwrap());
                }
            });
        }
    });
    assert_eq!(SegmentFile::open(name.path()).bytes(UNVOUCHED, 8), [0; 8]);
    all_comes_back(&Arena::open(&name).unwrap());
    holder.finish();
}

/// A thread of the same process may drop the last handle while another one opens the value.
#[test]
fn handles_of_many_threads_are_counted() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    arena.insert("contended", [1_u64; 8]).unwrap();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..scaled(200_000, 10_000) {
                        let Some(value) = arena.get::<[u64; 8]>("contended").unwrap() else { continue };
                        let found = value.clone().get();
                        assert!(found.iter().all(|element| *element == found[0]), "{found:?}");
                    }
                })
            })
            .collect();
        let mut number = 1_u64;
        while !workers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            number += 1;
            arena.replace("contended", [number; 8]).unwrap();
        }
    });
    assert!(arena.remove("contended").unwrap());
    all_comes_back(&arena);
    assert!(arena.iter().map(|entry: Entry| entry.size()).next().is_none());
    assert!(arena.used() < 1 << 14, "{} bytes", arena.used());
}

/// A thread opens values while another one forks. The child claims those that were open at the fork, not those that were open when
/// the fork began.
#[test]
fn a_child_claims_what_another_thread_has_just_opened() {
    const VALUES: usize = 1_000;
    // Every child is forked a little later.
    let step = if cfg!(debug_assertions) { 100 } else { 25 };
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    let (mut inherited, start) = (0, Instant::now());
    let firsts = (0..VALUES).step_by(step);
    let passes = firsts.len();
    for (pass, first) in firsts.cycle().enumerate() {
        // On a busy machine, the thread may be ready each time before this one forks.
        if pass >= passes && inherited > 0 {
            break;
        }
        assert!(pass < passes || start.elapsed() < DEADLINE, "no child was forked while the thread opened values");
        for number in 0..VALUES {
            arena.insert(&format!("key {number}"), number as u64).unwrap();
        }
        let (mut counted, mut count) = std::io::pipe().unwrap();
        let (mut next, mut steps) = std::io::pipe().unwrap();
        let (mut parted, mut part) = std::io::pipe().unwrap();
        // This process ends after it has forked the child, with its own claims.
        let parent = fork(|| {
            let open: Vec<OnceLock<Synchronized<u64>>> = repeat_with(OnceLock::new).take(VALUES).collect();
            let keys: Vec<_> = (0..VALUES).map(|number| format!("key {number}")).collect();
            thread::scope(|scope| {
                scope.spawn(|| {
                    for (place, key) in open.iter().zip(&keys) {
                        let _ = place.set(value_of(&arena, key));
                    }
                });
                while open[first].get().is_none() {
                    std::hint::spin_loop();
                }
                let child = split();
                if child.is_none() {
                    set_parent_process_death_signal(None).unwrap();
                    part.write_all(&[1]).unwrap();
                    let inherited: Vec<_> = open.iter().map_while(OnceLock::get).collect();
                    count.write_all(&(inherited.len() as u64).to_ne_bytes()).unwrap();
                    next.read_exact(&mut [0]).unwrap();
                    let is_right = inherited.iter().zip(0..).all(|(value, number)| value.get() == number);
                    count.write_all(&[u8::from(is_right)]).unwrap();
                } else {
                    parted.read_exact(&mut [0]).unwrap();
                }
                end_now(0);
            });
        });
        parent.finish();
        drop(count);
        let mut number = [0; 8];
        counted.read_exact(&mut number).unwrap();
        inherited += usize::from(u64::from_ne_bytes(number) < VALUES as u64);
        for number in 0..VALUES {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
        fill(&arena);
        steps.write_all(&[1]).unwrap();
        let mut is_right = [0];
        counted.read_exact(&mut is_right).unwrap();
        assert_eq!(is_right, [1], "a handle leads to another value");
        all_comes_back(&arena);
    }
}
