//! The space of removed values is used again while other processes have the arena open, and no handle ever leads to another value.
//!
//! A child that any test of this file forks has a part in the arenas of all tests. So the tests run one after the other.

mod children;
mod holders;
mod threads;

use std::io::{Read, Write, pipe};

use rustix::process::Signal;
use shared_value::{Access, Arena, Error, Filled, Synchronized};
use shared_value_tests::{Forked, SegmentFile, SegmentName, eventually, fork, scaled};

const CAPACITY: usize = 1 << 20;

/// A child that does its part step by step.
struct Child {
    forked: Forked,
    steps: std::io::PipeWriter,
    done: std::io::PipeReader,
}

impl Child {
    /// Forks a child. Its body gets a function that ends one step, and waits until the next one may begin.
    fn new(body: impl FnOnce(&mut dyn FnMut())) -> Self {
        let (mut next, steps) = pipe().unwrap();
        let (done, mut ended) = pipe().unwrap();
        let forked = fork(|| {
            let mut step = || {
                ended.write_all(&[1]).unwrap();
                next.read_exact(&mut [0]).unwrap();
            };
            body(&mut step);
        });
        let mut child = Self { forked, steps, done };
        child.wait();
        child
    }

    fn wait(&mut self) {
        self.done.read_exact(&mut [0]).expect("the child goes on");
    }

    /// Lets the child do its next step.
    fn go_on(&mut self) {
        self.steps.write_all(&[1]).unwrap();
        self.wait();
    }

    fn finish(mut self) {
        self.steps.write_all(&[1]).unwrap();
        self.forked.finish();
    }

    fn kill(self) {
        self.forked.signal(Signal::KILL);
        self.forked.finish_killed();
    }
}

/// Adds and removes many values, which take the same space again and again.
fn churn(arena: &Arena) {
    for number in 0..scaled(4_000_u64, 1_000) {
        let key = format!("churn {}", number % 7);
        arena.replace(&key, Filled(u64::MAX - number, 1 + (number % 40) as usize)).unwrap();
        if number % 3 == 0 {
            arena.remove(&key).unwrap();
        }
    }
}

/// Fills the arena with values, and removes them again. So all space that is not claimed was written.
fn fill(arena: &Arena) {
    let count = (0..CAPACITY).find(|number| match arena.insert(&format!("fill {number}"), Filled(u64::MAX, 30)) {
        Err(Error::ArenaFull { .. }) => true,
        added => added.map(drop).is_err(),
    });
    for number in 0..count.unwrap() {
        assert!(arena.remove(&format!("fill {number}")).unwrap());
    }
}

fn all_comes_back(arena: &Arena) {
    eventually("the space of removed values comes back", || {
        arena.insert("one more", 1_u64).unwrap();
        arena.remove("one more").unwrap();
        arena.stats().removed == 0
    });
}

fn value_of<A: Access>(arena: &Arena<A>, key: &str) -> Synchronized<u64, A> {
    arena.get(key).unwrap().unwrap_or_else(|| panic!("{key} is there"))
}

/// Finds the slots: in the last page before the index that is followed by nothing but areas.
fn slots_of(file: &SegmentFile, length: u64) -> u64 {
    // See docs/format.md, Claims.
    let capacity = CAPACITY as u64;
    let index = (capacity / 4096 + 32) * 32 + 1024 + 64;
    let units = (capacity + (128 << 10)) / 128 + 1;
    let pages = units.div_ceil(2048);
    let start = (length - index) / 4096 * 4096 - 4096 - 64 * (4096 + pages * 4096);
    assert!(file.bytes(start + 512, 32).len() == 32);
    start
}

/// The word of an arena that counts searches for claims.
struct Searches {
    file: SegmentFile,
    place: u64,
}

impl Searches {
    fn of(name: &SegmentName) -> Self {
        let file = SegmentFile::open(name.path());
        let place = slots_of(&file, std::fs::metadata(name.path()).unwrap().len()) + 544;
        Self { file, place }
    }

    /// Begins a search that does not end before another one has begun and ended.
    fn begin(&self) {
        let ended = self.file.bytes(self.place, 8);
        assert_eq!(ended[0] % 2, 0, "no search is under way");
        self.file.overwrite(self.place, &[&[ended[0] | 1], &ended[1..]].concat());
    }
}
