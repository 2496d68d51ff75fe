//! Several processes that increment one value.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, Mutex as StandardMutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::{Task, Team, cores, tell};
use crate::subjects::{
    Atomic, Counting, Handover, Mutex, Native, Normal, Own, Pthread, Raw, Recursive, Robust, Subject, UnderRLock,
};

/// A race of several processes.
pub(super) struct Race {
    name: &'static str,
    title: &'static str,
    processes: usize,
    /// Whether they count without a lock.
    counts: bool,
}

/// All races.
pub(super) static ALL: &[Race] = &[
    Race {
        name: "race-2",
        title: "two processes add to one u64 under its lock, together",
        processes: 2,
        counts: false,
    },
    Race {
        name: "race-4",
        title: "four processes add to one u64 under its lock, together",
        processes: 4,
        counts: false,
    },
    Race { name: "count-1", title: "one process counts", processes: 1, counts: true },
    Race { name: "count-2", title: "two processes count, together", processes: 2, counts: true },
    Race { name: "count-4", title: "four processes count, together", processes: 4, counts: true },
    Race { name: "count-8", title: "eight processes count, together", processes: 8, counts: true },
];

impl Race {
    fn entry<S: Subject<u64> + Handover>(&self) -> Entry {
        let (case, processes) = (self.name, self.processes);
        Entry::Present(Box::new(Racing::<S> { case, processes, counts: self.counts, subject: PhantomData }))
    }
}

impl Case for &Race {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        Unit::MillionsPerSecond
    }

    fn chart(&self) -> &'static str {
        if self.counts { "counting" } else { "processes" }
    }

    fn entries(&self) -> Vec<Entry> {
        if self.counts {
            let threads = Threads { count: self.processes };
            return vec![
                self.entry::<Counting<false>>(),
                self.entry::<Counting<true>>(),
                self.entry::<Atomic>(),
                Entry::Present(Box::new(threads)),
            ];
        }
        vec![
            self.entry::<Own<u64, Native>>(),
            self.entry::<Own<u64, Pthread>>(),
            self.entry::<Own<u64, UnderRLock>>(),
            self.entry::<Mutex<Normal>>(),
            self.entry::<Mutex<Recursive>>(),
            self.entry::<Mutex<Robust>>(),
            self.entry::<Raw>(),
            self.entry::<Atomic>(),
            Entry::absent("iceoryx2 blackboard", "it allows one writer"),
            Entry::absent("mmap-sync", "it allows one writer"),
        ]
    }
}

struct Racing<S> {
    case: &'static str,
    processes: usize,
    counts: bool,
    subject: PhantomData<fn() -> S>,
}

impl<S: Subject<u64> + Handover> Contestant for Racing<S> {
    fn name(&self) -> &str {
        S::NAME
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let subject = S::create(0)?;
        let mut team = Team::new()?;
        for _ in 0..self.processes {
            team.start(self.case, S::NAME, &subject.token()?, "")?;
        }
        team.wait_for(self.processes as u64)?;
        let start = Instant::now();
        team.go();
        thread::sleep(duration);
        team.stop();
        let elapsed = start.elapsed();
        let findings = team.all_findings()?;
        let done = || findings.iter().map(|findings| findings["done"]);
        let total: u64 = done().sum();
        ensure!(subject.count() == total, "{total} additions make {}", subject.count());
        #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
        let [total, least, most] =
            [total, done().min().unwrap_or(0), done().max().unwrap_or(0)].map(|done| done as f64);
        #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
        let longest = findings.iter().map(|findings| findings["longest"]).max().unwrap_or(0) as f64;
        Ok(Reading::of(total / elapsed.as_secs_f64() / 1e6)
            .with("fairness", least / most)
            .with("longest wait, µs", longest / 1e3))
    }

    fn work(&self, task: &Task) -> Result<()> {
        /// The number of increments under a lock between two looks at the clock: a look costs as much as an increment.
        const BATCH: u64 = 64;
        let batch = if self.counts { 256 * BATCH } else { BATCH };
        let subject = S::attach(&task.token)?;
        let (mut done, mut longest) = (0, Duration::ZERO);
        task.ready()?;
        let mut last = Instant::now();
        while !task.is_over() {
            for _ in 0..batch {
                subject.increment();
            }
            done += batch;
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        tell(&[("done", done), ("longest", u64::try_from(longest.as_nanos())?)]);
        Ok(())
    }
}

/// Threads of one process that count under the standard library's mutex.
struct Threads {
    count: usize,
}

impl Contestant for Threads {
    fn name(&self) -> &'static str {
        "std::sync::Mutex, threads of one process"
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        /// The number of increments between two looks at the flag.
        const BATCH: u64 = 64;
        let (number, is_over, start) =
            (StandardMutex::new(0_u64), AtomicBool::new(false), Barrier::new(self.count + 1));
        let work = |core| -> Result<u64> {
            let pinned = cores::pin(core);
            start.wait();
            let mut done = 0;
            while !is_over.load(Relaxed) {
                for _ in 0..BATCH {
                    *number.lock().expect("no holder panics") += 1;
                }
                done += BATCH;
            }
            pinned.map(|()| done)
        };
        let (done, elapsed) = thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = (0..self.count).map(|core| scope.spawn(move || work(core))).collect();
            start.wait();
            let began = Instant::now();
            thread::sleep(duration);
            is_over.store(true, Relaxed);
            let elapsed = began.elapsed();
            let done = threads.into_iter().map(|thread| thread.join().expect("the threads do not panic"));
            done.sum::<Result<u64>>().map(|done| (done, elapsed))
        })?;
        let total = number.into_inner().expect("no holder panics");
        ensure!(total == done, "{done} additions make {total}");
        #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
        Ok(Reading::of(done as f64 / elapsed.as_secs_f64() / 1e6))
    }
}
