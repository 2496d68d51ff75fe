//! A registry of thousands of named counters and gauges, which worker processes change and a reporter reads.
//!
//! ```sh
//! cargo run --release --example metrics
//! ```
//!
//! A worker asks the arena for a metric by name; the first one that asks adds the metric. Counters are added to without a
//! lock, gauges change under a lock of their own, and the reporter, a process that can only read, prints all of them in
//! Prometheus' text format without waiting for a lock. One worker stops in the middle of changing a gauge, with its lock
//! held, and gets a SIGKILL; another one goes on with its jobs. In the end every metric must hold the sum of all jobs, or the
//! exit status is 1.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Arena, LockState, SharedValue, Source, Synchronized};

const WORKERS: u64 = 4;
/// How many jobs each worker has.
const JOBS: u64 = 200_000;
const PATHS: usize = 4_000;
const QUEUES: usize = 200;
/// The worker that is killed.
const VICTIM: u64 = 1;

/// Address space: memory is taken as metrics are added.
const CAPACITY: usize = 64 << 20;
/// Longer than any step takes, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// A number that only grows: many processes add to it at once, without a lock.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
struct Counter {
    #[shared(atomic)]
    total: u64,
}

/// A level, its peak, and the number of its changes. All three change in one commit.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
struct Gauge {
    level: i64,
    peak: i64,
    updates: u64,
}

impl Gauge {
    fn add(&mut self, amount: i64) {
        self.level += amount;
        self.peak = self.peak.max(self.level);
        self.updates += 1;
    }
}

/// The changes that one job makes. They depend on its number alone, so the parent can compute the sum of all jobs.
struct Job {
    path: usize,
    queue: usize,
    bytes: i64,
}

impl Job {
    fn of(worker: u64, number: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(worker * JOBS + number);
        Self { path: random.usize(..PATHS), queue: random.usize(..QUEUES), bytes: random.i64(-500..=600) }
    }
}

fn requests_of(path: usize) -> String {
    format!("http_requests_total{{path=\"/items/{path:04}\"}}")
}

fn bytes_of(queue: usize) -> String {
    format!("queue_bytes{{queue=\"{queue:03}\"}}")
}

fn jobs_of(worker: u64) -> String {
    format!("jobs_total{{worker=\"{worker}\"}}")
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => supervise(),
        ["report"] => report(),
        ["work", worker, hangs] => work(worker.parse()?, hangs.parse()?),
        _ => bail!("usage: metrics"),
    }
}

/// The work of a worker: its jobs, from the first one that is not done.
fn work(worker: u64, hangs: bool) -> Result<()> {
    // If the parent is killed, a worker that waits would otherwise never end.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let arena = Arena::open(Source::inherited("METRICS"))?;
    let counter = |name: String| arena.get_or_insert_with(&name, Counter::default);
    let requests = (0..PATHS).map(requests_of).map(counter).collect::<Result<Vec<_>, _>>()?;
    let queues = (0..QUEUES).map(|queue| arena.get_or_insert_with(&bytes_of(queue), Gauge::default));
    let queues = queues.collect::<Result<Vec<Synchronized<Gauge>>, _>>()?;
    let done = counter(jobs_of(worker))?;

    for number in done.total().load()..JOBS {
        let job = Job::of(worker, number);
        requests[job.path].total().fetch_add(1);
        if hangs && number == JOBS / 2 {
            // What a bug might do: the level is changed, but neither the peak nor the count of updates.
            let gauge = queues[job.queue].lock()?;
            gauge.update_level(|level| *level += job.bytes)?;
            loop {
                thread::park();
            }
        }
        queues[job.queue].update(|gauge| gauge.add(job.bytes))?;
        done.total().fetch_add(1);
    }
    Ok(())
}

/// The work of the reporter, which knows no metric by name: it lists all that are in the arena.
fn report() -> Result<()> {
    let arena = Arena::open_read_only(Source::inherited("METRICS"))?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut add = |key: &str, suffix: &str, kind, value| {
        let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
        let family = families.entry(format!("{name}{suffix}")).or_insert(Family { kind, samples: BTreeMap::new() });
        family.samples.insert(format!("{{{labels}"), value);
    };
    for (key, counter) in arena.values_of::<Counter>() {
        add(&key.context("a key")?, "", "counter", i128::from(counter.total().load()));
    }
    for (key, gauge) in arena.values_of::<Gauge>() {
        let key = key.context("a key")?;
        // All three fields are of one commit, so the level is never above the peak.
        let Gauge { level, peak, updates } = gauge.load()?;
        add(&key, "", "gauge", level.into());
        add(&key, "_peak", "gauge", peak.into());
        add(&key, "_updates_total", "counter", updates.into());
    }
    let mut text = String::new();
    for (name, Family { kind, samples }) in families {
        writeln!(text, "# TYPE {name} {kind}")?;
        for (labels, value) in samples {
            writeln!(text, "{name}{labels} {value}")?;
        }
    }
    print!("{text}");
    Ok(())
}

/// All metrics of one name.
struct Family {
    kind: &'static str,
    /// By their labels.
    samples: BTreeMap<String, i128>,
}

/// The work of the parent: it starts the workers, takes reports all the time, kills one worker, and checks the result.
fn supervise() -> Result<()> {
    let arena = Arena::new(CAPACITY)?;
    let began = Instant::now();
    let mut workers =
        (0..WORKERS).map(|worker| Process::work(&arena, worker, worker == VICTIM)).collect::<Result<Vec<_>>>()?;
    let done = arena.get_or_insert_with(&jobs_of(VICTIM), Counter::default)?;
    let stuck = arena.get_or_insert_with(&bytes_of(Job::of(VICTIM, JOBS / 2).queue), Gauge::default)?;

    let mut reports = Reports::default();
    let victim = usize::try_from(VICTIM)?;
    let held = LockState::Held { thread_id: workers[victim].0.id() };
    while done.total().load() < JOBS / 2 || stuck.lock_state() != held {
        ensure!(began.elapsed() < PATIENCE, "worker {VICTIM} does not reach the middle of its jobs");
        ensure!(workers[victim].0.try_wait()?.is_none(), "worker {VICTIM} ended before it could be killed");
        reports.take(&arena)?;
    }
    let version = stuck.version();
    let seen = reports.take(&arena)?;
    ensure!(stuck.lock_state() == held && stuck.version() == version, "the lock is free, though its owner lives");
    println!("worker {VICTIM} hangs, and holds the lock of a gauge; a report of {seen} samples waited for no lock");
    let killed = Instant::now();
    workers[victim].0.kill()?;
    drop(stuck.lock_timeout(PATIENCE)?);
    println!("{:.0?} after its SIGKILL the gauge is free; another worker goes on", killed.elapsed());
    ensure!(stuck.recoveries() == 1, "the gauge was not recovered");
    workers[victim] = Process::work(&arena, VICTIM, false)?;

    while workers.iter_mut().any(|worker| matches!(worker.0.try_wait(), Ok(None))) {
        ensure!(began.elapsed() < PATIENCE, "the workers do not finish");
        reports.take(&arena)?;
    }
    for worker in &mut workers {
        ensure!(worker.0.wait()?.success(), "a worker failed");
    }
    reports.take(&arena)?;
    println!(
        "{} jobs and {} reports in {:.0?}, of which the last one:",
        WORKERS * JOBS,
        reports.taken,
        began.elapsed()
    );
    reports.print_some();
    prove(&reports.last)
}

/// Compares every metric with the sum of all jobs.
fn prove(report: &BTreeMap<String, i128>) -> Result<()> {
    let (mut requests, mut levels, mut updates) = (vec![0; PATHS], vec![0; QUEUES], vec![0; QUEUES]);
    for (worker, number) in (0..WORKERS).flat_map(|worker| (0..JOBS).map(move |number| (worker, number))) {
        let Job { path, queue, bytes } = Job::of(worker, number);
        requests[path] += 1;
        levels[queue] += i128::from(bytes);
        updates[queue] += 1;
    }
    // The interrupted job was begun twice. Its addition without a lock stays; its change under the lock was not committed.
    requests[Job::of(VICTIM, JOBS / 2).path] += 1;
    let mut expected: BTreeMap<String, i128> = (0..WORKERS).map(|worker| (jobs_of(worker), JOBS.into())).collect();
    expected.extend((0..PATHS).map(requests_of).zip(requests));
    expected.extend((0..QUEUES).map(bytes_of).zip(levels));
    expected.extend((0..QUEUES).map(|queue| bytes_of(queue).replace('{', "_updates_total{")).zip(updates));

    let found: BTreeMap<_, _> = report.iter().filter(|(name, _)| !name.contains("_peak{")).collect();
    for (name, value) in &expected {
        ensure!(found.get(name) == Some(&value), "{name} is {:?}, and should be {value}", found.get(name));
    }
    ensure!(found.len() == expected.len(), "{} samples were reported, {} are known", found.len(), expected.len());
    println!("each of {} samples is the sum of all jobs", found.len());
    Ok(())
}

/// The output of the reporters, checked.
#[derive(Default)]
struct Reports {
    taken: u32,
    text: String,
    last: BTreeMap<String, i128>,
}

impl Reports {
    /// Starts a reporter. Returns the number of samples that it has found.
    fn take(&mut self, arena: &Arena) -> Result<usize> {
        let mut command = Process::command(&["report"])?;
        // The kernel makes sure that a reporter changes nothing: the memory is mapped for reading.
        arena.read_only()?.pass_to(&mut command, "METRICS")?;
        let mut reporter = Process(command.stdout(Stdio::piped()).spawn()?);
        self.text = io::read_to_string(reporter.0.stdout.take().context("the reporter has no output")?)?;
        ensure!(reporter.0.wait()?.success(), "the reporter failed");

        let mut report = BTreeMap::new();
        for line in self.text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').with_context(|| format!("`{line}` is not a sample"))?;
            report.insert(name.to_owned(), value.parse::<i128>()?);
        }
        for (name, value) in &report {
            let before = self.last.get(name).filter(|_| name.contains("_total{"));
            ensure!(before.is_none_or(|before| before <= value), "{name} went from {before:?} back to {value}");
            if name.starts_with("queue_bytes{") {
                let peak = report.get(&name.replace('{', "_peak{"));
                ensure!(
                    peak.is_some_and(|peak| peak >= value),
                    "half of a change: {name} is {value}, its peak {peak:?}"
                );
            }
        }
        ensure!(self.last.keys().all(|name| report.contains_key(name)), "a metric has disappeared");
        self.last = report;
        self.taken += 1;
        Ok(self.last.len())
    }

    /// Prints the first lines of each family.
    fn print_some(&self) {
        let mut shown = 0;
        for line in self.text.lines() {
            shown = if line.starts_with('#') { 0 } else { shown + 1 };
            match shown {
                0..=2 => println!("  {line}"),
                3 => println!("  .."),
                _ => {}
            }
        }
    }
}

/// A child process, which is killed when this is dropped.
struct Process(Child);

impl Process {
    fn command(arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.args(arguments);
        Ok(command)
    }

    fn work(arena: &Arena, worker: u64, hangs: bool) -> Result<Self> {
        let mut command = Self::command(&["work", &worker.to_string(), &hangs.to_string()])?;
        arena.pass_to(&mut command, "METRICS")?;
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
