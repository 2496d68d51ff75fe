//! A rate limiter that worker processes share: a token bucket, of which each request takes a token.
//!
//! ```sh
//! cargo run --release --example rate_limiter
//! ```
//!
//! Four workers ask for tokens as fast as they can, and serve a request for each token that they get. One worker after the other
//! is killed by SIGKILL, at any instruction, and another takes its place. In the end the bucket must have granted exactly what
//! its size and the time allow, and each killed worker may have taken at most one token for a request that it did not serve.
//! Otherwise the exit status is 1.

mod bucket;

use std::env;
use std::io::{self, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{SharedValue, Source, Synchronized};

use crate::bucket::{Bucket, Limiter, SynchronizedLimiter, admit};

const WORKERS: usize = 4;
const KILLS: u64 = 20;
/// How long a worker works before another one is killed.
const PAUSE: Duration = Duration::from_millis(50);
/// Requests a second.
const RATE: u64 = 20_000;
/// Requests at once, after a pause.
const BURST: u64 = 1_000;

/// The work of all workers.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
struct Served {
    #[shared(counter)]
    requests: u64,
}

fn main() -> ExitCode {
    let result = match env::args().nth(1).as_deref() {
        None => supervise(),
        Some("work") => work(),
        Some(_) => Err("usage: rate_limiter".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

/// The work of a worker.
fn work() -> Result<(), Failure> {
    let limiter = SynchronizedLimiter::open(Source::inherited("LIMITER"))?;
    let served = SynchronizedServed::open(Source::inherited("SERVED"))?;
    // The parent keeps the other end of this pipe. If the parent dies, the read ends, and so does this program.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    loop {
        if admit(&limiter)? {
            served.requests().increment();
        }
    }
}

/// The work of the parent.
fn supervise() -> Result<(), Failure> {
    let limiter = SynchronizedLimiter::new(Limiter::new(RATE, BURST))?;
    let served = SynchronizedServed::new(Served::default())?;
    let began = Instant::now();
    let start = || Worker::start(&limiter, &served);
    let mut workers = (0..WORKERS).map(|_| start()).collect::<Result<Vec<_>, _>>()?;
    for kill in 0..KILLS {
        thread::sleep(PAUSE);
        check(limiter.in_bucket().load()?)?;
        drop(workers.remove(0));
        workers.push(start()?);
        if kill % 5 == 4 {
            let granted = limiter.in_bucket().get().granted;
            println!("{:4} ms: {granted} requests granted, {} workers killed", began.elapsed().as_millis(), kill + 1);
        }
    }
    drop(workers);

    let bucket = limiter.in_bucket().load()?;
    check(bucket)?;
    let (granted, served) = (bucket.granted, served.requests().get());
    let lost = granted.checked_sub(served).ok_or("more requests were served than granted")?;
    println!("{granted} of {} requests were granted", granted + limiter.refused().get());
    println!(
        "allowed: {BURST} at once, and one each {} ns of {} ms; a full bucket let pass {}",
        bucket.interval,
        bucket.elapsed / 1_000_000,
        bucket.spilled / bucket.interval
    );
    println!("{lost} tokens were lost by {} workers that were killed", KILLS + WORKERS as u64);
    if lost > KILLS + WORKERS as u64 {
        return Err("a killed worker has lost more than one token".into());
    }
    Ok(())
}

/// Fails unless the bucket has granted exactly what its size and the time allow.
fn check(bucket: Bucket) -> Result<(), Failure> {
    let taken = bucket.granted * bucket.interval + bucket.credit + bucket.spilled;
    let came = bucket.burst * bucket.interval + bucket.elapsed;
    if taken == came { Ok(()) } else { Err(format!("{came} ns of tokens came, {taken} are known: {bucket:?}").into()) }
}

/// A worker process, killed on drop.
struct Worker(Child);

impl Worker {
    fn start(limiter: &SynchronizedLimiter, served: &Synchronized<Served>) -> Result<Self, Failure> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("work").stdin(Stdio::piped());
        limiter.pass_to(&mut command, "LIMITER")?;
        served.pass_to(&mut command, "SERVED")?;
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
