//! Measures how long a state takes to a replica, and a bare put of zenoh in the same run, and how much is sent.
//!
//! It uses the loopback interface. With the path of a page, the tables are written there:
//!
//! ```text
//! cargo run --release -p shared-value-mirror --example measure -- docs/mirror.md
//! ```

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use shared_value::{Filled, ReadOnly, SharedArray};
use shared_value_mirror::{Follower, Publisher, Settings, Zenoh};
use shared_value_tests::SegmentName;
use zenoh::pubsub::{Publisher as Putter, Subscriber};
use zenoh::{Session, Wait};

/// How many rounds there are. In each, every subject is measured once, so that all of them meet the same disturbances.
const ROUNDS: usize = 8;

/// How many latencies are measured in a round.
const TIMES: usize = 250;

/// The time between two states.
const PAUSE: Duration = Duration::from_millis(2);

/// How long a state may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// For how long commits are made one after the other.
const SECONDS: u64 = 2;

fn main() -> Result<()> {
    let (here, there) = links()?;
    let puts = Puts::start(&here, &there)?;
    let (here, there) = links()?;
    let (here, there) = (Arc::new(Zenoh::open(&here)?), Arc::new(Zenoh::open(&there)?));
    let build = if cfg!(debug_assertions) { "An unoptimized build" } else { "A release build" };
    let processors = thread::available_parallelism()?;
    let tables = format!(
        "{build}, over the loopback interface of a machine with {processors} processors:\n\n{}\n{}",
        latencies(&puts, &here, &there)?,
        throughput(&here, &there)?
    );
    println!("{tables}");
    if let Some(page) = env::args().nth(1) {
        fill(&page, &tables)?;
    }
    Ok(())
}

fn latencies(puts: &Puts, here: &Arc<Zenoh>, there: &Arc<Zenoh>) -> Result<String> {
    let mut rows = [("a bare put of 64 bytes", 0), ("a state of 64 bytes", 64), ("64 bytes of 1 MiB", 1 << 20)]
        .map(|(what, bytes)| (what, bytes, Vec::new()));
    for _ in 0..ROUNDS {
        for (_, bytes, all) in &mut rows {
            all.extend(if *bytes == 0 {
                puts.latencies()?
            } else {
                Mirror::start(here, there, *bytes)?.latencies()?
            });
        }
    }
    let mut table = String::from(
        "| one way, in microseconds | median | 99th percentile | ratio to a bare put |\n|---|---|---|---|\n",
    );
    let mut put = 0.0;
    for (what, _, mut all) in rows {
        all.sort();
        let at = |share: usize| all[all.len() * share / 100].as_secs_f64() * 1e6;
        if put == 0.0 {
            put = at(50);
        }
        writeln!(table, "| {what} | {:.0} | {:.0} | {:.1} |", at(50), at(99), at(50) / put)?;
    }
    Ok(table)
}

fn throughput(here: &Arc<Zenoh>, there: &Arc<Zenoh>) -> Result<String> {
    let mut table = String::from(
        "| a writer that never pauses, per second | commits | states shown | KiB sent | bytes per state |\n",
    );
    table += "|---|---|---|---|---|\n";
    for (what, bytes, words) in [
        ("64 bytes", 64, 8),
        ("4 KiB, of which 64 bytes change", 4096, 8),
        ("1 MiB, of which 64 bytes change", 1 << 20, 8),
        ("1 MiB, all of it", 1 << 20, 1 << 17),
    ] {
        let Carried { commits, states, bytes } = Mirror::start(here, there, bytes)?.throughput(words)?;
        let size = bytes / states.max(1);
        writeln!(
            table,
            "| {what} | {} | {} | {} | {size} |",
            commits / SECONDS,
            states / SECONDS,
            bytes / SECONDS / 1024
        )?;
    }
    Ok(table)
}

/// Writes the tables between the marks of a page.
fn fill(page: &str, tables: &str) -> Result<()> {
    const MARKS: [&str; 2] = ["<!-- measure -->\n", "<!-- end -->"];
    let text = fs::read_to_string(page)?;
    let (before, rest) = text.split_once(MARKS[0]).context("the page has a mark for the tables")?;
    let (_, after) = rest.split_once(MARKS[1]).context("the page has a mark behind the tables")?;
    Ok(fs::write(page, [before, MARKS[0], tables, MARKS[1], after].concat())?)
}

fn links() -> Result<(Settings, Settings)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let endpoint = format!("tcp/127.0.0.1:{port}");
    let here = Settings { listen: vec![endpoint.clone()], ..Settings::default() };
    Ok((here, Settings { connect: vec![endpoint], ..Settings::default() }))
}

/// Puts of zenoh from one session to another.
struct Puts {
    putter: Putter<'static>,
    came: Receiver<Instant>,
    _subscriber: Subscriber<()>,
    _sessions: [Session; 2],
}

impl Puts {
    fn start(here: &Settings, there: &Settings) -> Result<Self> {
        let here = zenoh::open(here.config()?).wait().map_err(anyhow::Error::from_boxed)?;
        let there = zenoh::open(there.config()?).wait().map_err(anyhow::Error::from_boxed)?;
        let (send, came) = mpsc::channel();
        let subscriber = there.declare_subscriber("measure").callback(move |_| {
            // The receiver may have ended.
            let _ = send.send(Instant::now());
        });
        let subscriber = subscriber.wait().map_err(anyhow::Error::from_boxed)?;
        let putter = here.declare_publisher("measure").express(true).wait().map_err(anyhow::Error::from_boxed)?;
        // Until the subscription is known.
        while came.recv_timeout(Duration::from_millis(50)).is_err() {
            putter.put([0; 64]).wait().map_err(anyhow::Error::from_boxed)?;
        }
        Ok(Self { putter, came, _subscriber: subscriber, _sessions: [here, there] })
    }

    fn latencies(&self) -> Result<Vec<Duration>> {
        let put = |_| {
            thread::sleep(PAUSE);
            let start = Instant::now();
            self.putter.put([0; 64]).wait().map_err(anyhow::Error::from_boxed)?;
            Ok(self.came.recv_timeout(DEADLINE)?.duration_since(start))
        };
        (0..TIMES).map(put).collect()
    }
}

/// An array of words and its replica.
struct Mirror {
    value: SharedArray<u64>,
    copy: SharedArray<u64, ReadOnly>,
    follower: Follower,
    _publisher: Publisher,
    _names: [SegmentName; 3],
}

/// What a second of commits has brought.
struct Carried {
    commits: u64,
    states: u64,
    bytes: u64,
}

impl Mirror {
    fn start(here: &Arc<Zenoh>, there: &Arc<Zenoh>, bytes: usize) -> Result<Self> {
        let name = SegmentName::new("measure");
        let replica = SegmentName::of(format!("{}.replica", &*name));
        let status = SegmentName::of(format!("{}.mirror", &*replica));
        let value = SharedArray::create(&name, Filled(0_u64, bytes / 8))?;
        let publisher = Publisher::start(here.clone(), &name)?;
        let follower = Follower::options().name(&replica).start(there.clone(), &name)?;
        let copy = SharedArray::<u64>::options().read_only().wait(DEADLINE).open(&*replica)?;
        Ok(Self { value, copy, follower, _publisher: publisher, _names: [name, replica, status] })
    }

    fn latencies(&self) -> Result<Vec<Duration>> {
        let commit = |number| {
            thread::sleep(PAUSE);
            let start = Instant::now();
            self.value.set_at(0, number)?;
            self.await_state(number, thread::yield_now)?;
            Ok(start.elapsed())
        };
        (1..=TIMES as u64).map(commit).collect()
    }

    /// Waits until the replica shows a state. The reader leaves the processor to other threads, as a reader that sleeps would.
    fn await_state(&self, number: u64, pause: impl Fn()) -> Result<()> {
        let start = Instant::now();
        while self.copy.at(0) != number {
            pause();
            ensure!(start.elapsed() < DEADLINE, "the state {number} does not come");
        }
        Ok(())
    }

    /// Changes this number of words in each commit for a while.
    fn throughput(&self, words: usize) -> Result<Carried> {
        let (before, versions) = (self.follower.figures(), self.value.version());
        let start = Instant::now();
        let mut number = 0;
        while start.elapsed() < Duration::from_secs(SECONDS) {
            number += 1;
            self.value.write_slice(0, &vec![number; words.min(self.value.len())])?;
        }
        let after = self.follower.figures();
        let carried = Carried {
            commits: self.value.version() - versions,
            states: after.status.applied - before.status.applied,
            bytes: after.bytes - before.bytes,
        };
        self.await_state(number, || thread::sleep(Duration::from_millis(1)))?;
        Ok(carried)
    }
}
