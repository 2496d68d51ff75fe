//! Measures how long a state takes to a replica, beside a bare put of zenoh, and how much is sent: over the loopback interface.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use shared_value::{Filled, ReadOnly, SharedArray, unlink};
use shared_value_mirror::{Follower, Publisher, Settings, Zenoh};
use zenoh::Wait;

const TIMES: usize = 2000;

fn main() -> Result<()> {
    let (here, there) = links()?;
    let put = puts(&here, &there)?;
    let (here, there) = (Arc::new(Zenoh::open(&here)?), Arc::new(Zenoh::open(&there)?));
    println!("one way, in microseconds: median, and the largest but one in a hundred");
    print("a bare put of 64 bytes", put);
    for (what, bytes) in [("a state of 64 bytes", 64), ("64 bytes of 1 MiB", 1 << 20)] {
        let mirror = Mirror::start(&here, &there, bytes)?;
        print(what, mirror.latencies()?);
    }
    println!("\nstates and bytes a second, while a program commits all the time");
    for (what, bytes, changed) in [
        ("64 bytes", 64, 8),
        ("4 KiB", 4096, 8),
        ("1 MiB, of which 64 bytes change", 1 << 20, 8),
        ("1 MiB, all of it", 1 << 20, 1 << 17),
    ] {
        let (states, commits, sent) = Mirror::start(&here, &there, bytes)?.throughput(changed)?;
        println!("{what:<34} {states:>7} states of {commits:>9} commits, {:>9} KiB", sent / 1024);
    }
    Ok(())
}

fn links() -> Result<(Settings, Settings)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let endpoint = format!("tcp/127.0.0.1:{port}");
    let here = Settings { listen: vec![endpoint.clone()], ..Settings::default() };
    Ok((here, Settings { connect: vec![endpoint], ..Settings::default() }))
}

/// Measures puts of zenoh.
fn puts(here: &Settings, there: &Settings) -> Result<Vec<Duration>> {
    let failed = |error: zenoh::Error| anyhow::anyhow!("{error}");
    let here = zenoh::open(here.config()?).wait().map_err(failed)?;
    let there = zenoh::open(there.config()?).wait().map_err(failed)?;
    let (send, came) = mpsc::channel();
    let _subscriber = there
        .declare_subscriber("measure")
        .callback(move |_| {
            // The receiver may have ended.
            let _ = send.send(Instant::now());
        })
        .wait()
        .map_err(failed)?;
    let publisher = here.declare_publisher("measure").express(true).wait().map_err(failed)?;
    // Until the subscription is known.
    while came.recv_timeout(Duration::from_millis(50)).is_err() {
        publisher.put([0; 64]).wait().map_err(failed)?;
    }
    let mut all = Vec::new();
    for _ in 0..TIMES {
        thread::sleep(Duration::from_millis(1));
        let start = Instant::now();
        publisher.put([0; 64]).wait().map_err(failed)?;
        all.push(came.recv_timeout(Duration::from_secs(10))?.duration_since(start));
    }
    Ok(all)
}

/// An array of words and its replica.
struct Mirror {
    names: [String; 3],
    value: SharedArray<u64>,
    copy: SharedArray<u64, ReadOnly>,
    follower: Follower,
    _publisher: Publisher,
}

impl Mirror {
    fn start(here: &Arc<Zenoh>, there: &Arc<Zenoh>, bytes: usize) -> Result<Self> {
        let name = format!("mirror-measure-{}", std::process::id());
        let replica = format!("{name}.replica");
        let names = [name.clone(), replica.clone(), format!("{replica}.mirror")];
        let value = SharedArray::create(&name, Filled(0_u64, bytes / 8))?;
        let publisher = Publisher::start(here.clone(), &name)?;
        let follower = Follower::options().name(&replica).start(there.clone(), &name)?;
        let copy = SharedArray::<u64>::options().read_only().wait(Duration::from_secs(20)).open(&replica)?;
        Ok(Self { names, value, copy, follower, _publisher: publisher })
    }

    fn latencies(&self) -> Result<Vec<Duration>> {
        let mut all = Vec::new();
        for number in 1..=TIMES as u64 {
            thread::sleep(Duration::from_millis(1));
            let start = Instant::now();
            self.value.set_at(0, number)?;
            while self.copy.at(0) != number {
                std::hint::spin_loop();
            }
            all.push(start.elapsed());
        }
        Ok(all)
    }

    /// Changes this number of words in each commit for two seconds. Returns how many states the replica has shown in a second, how
    /// many there were, and how many bytes came.
    fn throughput(&self, words: usize) -> Result<(u64, u64, u64)> {
        const SECONDS: u64 = 2;
        let (before, versions) = (self.follower.figures(), self.value.version());
        let start = Instant::now();
        let mut number = 0;
        while start.elapsed() < Duration::from_secs(SECONDS) {
            number += 1;
            self.value.write_slice(0, &vec![number; words.min(self.value.len())])?;
        }
        let after = self.follower.figures();
        let states = after.status.applied - before.status.applied;
        let commits = self.value.version() - versions;
        let last = Instant::now();
        while self.copy.at(0) != number {
            thread::sleep(Duration::from_millis(1));
            anyhow::ensure!(last.elapsed() < Duration::from_secs(20), "the last state does not come");
        }
        Ok((states / SECONDS, commits / SECONDS, (after.bytes - before.bytes) / SECONDS))
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        for name in &self.names {
            // An example that failed may have made some of them.
            let _ = unlink(name);
        }
    }
}

fn print(what: &str, mut all: Vec<Duration>) {
    all.sort();
    let at = |share: usize| all[all.len() * share / 100].as_secs_f64() * 1e6;
    println!("{what:<34} {:>7.0} {:>7.0}", at(50), at(99));
}
