//! Inputs of the fuzzer, without the fuzzer: its corpus, and random inputs.
//!
//! `SHARED_VALUE_FUZZ_SECONDS` sets how long the random inputs go on, and `SHARED_VALUE_SEED` the first of them.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use shared_value::Synchronized;
use shared_value_tests::fork;

/// The number of inputs of one child; if it dies, the test names the input.
const BATCH: u64 = 500;

/// The inputs of the corpus reach every branch that the fuzzer has found.
#[test]
fn the_corpus_does_no_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/segment");
    let mut paths: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty(), "the corpus is empty");
    paths.sort();
    let inputs: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let count = u64::try_from(inputs.len()).unwrap();
    run(0..count, |number| inputs[usize::try_from(number).unwrap()].clone());
}

/// If any byte of a header, a control line or a slot were trusted, one of these inputs would crash or hang.
#[test]
fn random_inputs_do_no_harm() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let time = Duration::from_secs(number("SHARED_VALUE_FUZZ_SECONDS").unwrap_or(2));
    let first = number("SHARED_VALUE_SEED").unwrap_or(0);
    let start = Instant::now();
    let mut next = first;
    while start.elapsed() < time {
        run(next..next + BATCH, random);
        next += BATCH;
    }
    println!("{} inputs in {:?}", next - first, start.elapsed());
}

/// Runs these inputs in a child, and fails with the number of the input that the child died of.
#[track_caller]
fn run(numbers: std::ops::Range<u64>, input: impl Fn(u64) -> Vec<u8>) {
    let progress = Synchronized::new(numbers.start).unwrap();
    let blame = Blame { progress: &progress, input: &input };
    fork(|| {
        for number in numbers {
            progress.set(number).unwrap();
            shared_value_tests::hostile::run(&input(number));
        }
    })
    .finish();
    drop(blame);
}

struct Blame<'a> {
    progress: &'a Synchronized<u64>,
    input: &'a dyn Fn(u64) -> Vec<u8>,
}

impl Drop for Blame<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let number = self.progress.get();
            eprintln!("input {number}: {:02x?}", (self.input)(number));
        }
    }
}

/// Returns the random input of this number. Most inputs begin with a valid segment.
fn random(number: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number);
    let length = random.usize(4..160);
    let mut bytes: Vec<_> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    // A file of random bytes would have no magic number. Most files have the right length and little damage, so they open.
    bytes[0] &= !8;
    bytes[1] = bytes[1].min(random.u8(..));
    bytes[2] %= random.u8(1..8);
    // One in eight races with another thread, which takes long.
    if !random.u8(..).is_multiple_of(8) {
        bytes[0] &= !16;
    }
    bytes
}
