//! Thousands of workers that live for a moment, and of which many are killed.

use std::env;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, counter, with_local_recorder};
use rustix::process::Signal;
use shared_value::Arena;
use shared_value_metrics::{Format, Recorder};
use shared_value_tests::{Forked, fork, processor_time};

use crate::{recorder, samples};

/// How many workers run at once.
const AT_ONCE: usize = 4;
/// How many times a worker that is not killed goes through its additions.
const ROUNDS: usize = 8;

/// The handles that all workers inherit.
struct Handles {
    recorder: Recorder,
    jobs: Counter,
    level: Gauge,
    delay: Histogram,
}

impl Handles {
    /// Makes one addition after the other, and acknowledges each, until it is killed or done.
    fn work(&self, rounds: usize, mut acknowledge: impl FnMut(u8)) {
        with_local_recorder(&self.recorder, || {
            for round in 0..rounds {
                self.jobs.increment(1);
                acknowledge(0);
                self.level.increment(1.0);
                acknowledge(1);
                self.delay.record(1.0);
                acknowledge(2);
                counter!("calls", "kind" => ["get", "set", "list"][round % 3]).increment(1);
                acknowledge(3);
            }
        });
    }
}

struct Worker {
    process: Forked,
    acknowledged: PipeReader,
}

/// Whichever workers die, the totals lie between what was acknowledged and that plus one for each killed worker; and neither the arena nor the
/// text grows with the number of workers.
#[test]
fn short_lived_workers() {
    let workers = env::var("SHARED_VALUE_METRICS_WORKERS").map_or(500, |number| number.parse().unwrap());
    let arena = Arena::new(16 << 20).unwrap();
    let recorder = recorder(arena.clone());
    let key = Key::from_name;
    let handles = Handles {
        jobs: recorder.counter(&key("jobs")).unwrap(),
        level: recorder.gauge(&key("level")).unwrap(),
        delay: recorder.histogram(&key("delay")).unwrap(),
        recorder,
    };
    let (mut running, mut acknowledged, mut killed) = (Vec::new(), [0_u64; 4], 0_u64);
    let mut random = fastrand::Rng::with_seed(7);
    let mut first = None;
    for number in 0..workers {
        let is_victim = number % 5 == 2;
        running.push((start(&handles, if is_victim { usize::MAX } else { ROUNDS }), is_victim));
        if running.len() == AT_ONCE || number + 1 == workers {
            for (worker, is_victim) in running.drain(..) {
                finish(worker, is_victim.then(|| random.usize(1..60)), &mut acknowledged);
                killed += u64::from(is_victim);
            }
        }
        if number + 1 == workers / 5 {
            first = Some(measure("after one in five workers", number + 1, &handles.recorder));
        }
    }
    let last = measure("after all workers", workers, &handles.recorder);
    let Figures { used, memory, text, .. } = first.unwrap();
    assert_eq!((used, memory), (last.used, last.memory), "the arena grows with the number of workers");
    // Some numbers have more digits.
    assert!(last.text <= text + 100, "the text grows from {text} to {} bytes", last.text);

    let sum = |start: &str| -> f64 { samples(&handles.recorder, start).iter().sum() };
    let [jobs, level, delay, calls] = ["jobs_total", "level", "delay_count", "calls_total"].map(sum);
    let totals = [jobs, level, delay, calls];
    println!("{killed} of {workers} workers were killed; acknowledged {acknowledged:?}, counted {totals:?}");
    #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
    let (known, killed) = (acknowledged.map(|number| number as f64), killed as f64);
    for (total, known) in totals.iter().zip(&known) {
        assert!(total >= known, "acknowledged {known:?}, counted {totals:?}");
    }
    let (counted, all_known): (f64, f64) = (totals.iter().sum(), known.iter().sum());
    assert!(counted <= all_known + killed, "acknowledged {all_known}, counted {counted}, killed {killed}");
    // Each observation is 1: the sum lacks at most those that were killed in between.
    let delays = sum("delay_sum");
    assert!(known[2] <= delays && delays <= delay, "the sum of {delay} delays is {delays}");
}

fn start(handles: &Handles, rounds: usize) -> Worker {
    let (acknowledged, mut writer): (_, PipeWriter) = pipe().unwrap();
    let process = fork(move || handles.work(rounds, |addition| writer.write_all(&[addition]).unwrap()));
    Worker { process, acknowledged }
}

/// Waits for the end of a worker, or kills it after this number of additions, and counts what it has acknowledged.
fn finish(mut worker: Worker, after: Option<usize>, acknowledged: &mut [u64; 4]) {
    let mut bytes = vec![0; after.unwrap_or(0)];
    worker.acknowledged.read_exact(&mut bytes).unwrap();
    if after.is_some() {
        worker.process.signal(Signal::KILL);
        worker.process.finish_killed();
    } else {
        worker.process.finish();
    }
    worker.acknowledged.read_to_end(&mut bytes).unwrap();
    for addition in bytes {
        acknowledged[usize::from(addition)] += 1;
    }
}

struct Figures {
    used: usize,
    /// The bytes of memory that the arena takes.
    memory: i64,
    text: usize,
}

fn measure(when: &str, workers: usize, recorder: &Recorder) -> Figures {
    let arena = recorder.arena();
    let memory = rustix::fs::fstat(arena.as_fd().unwrap()).unwrap().st_blocks * 512;
    let mut fastest = Duration::MAX;
    let mut text = 0;
    for _ in 0..50 {
        let start = processor_time();
        text = recorder.render(Format::Prometheus).len();
        fastest = fastest.min(processor_time().saturating_sub(start));
    }
    let used = arena.used();
    println!(
        "{when} ({workers}): arena {used} bytes, memory {memory} bytes, text {text} bytes, scrape {fastest:.1?} of processor time"
    );
    Figures { used, memory, text }
}
