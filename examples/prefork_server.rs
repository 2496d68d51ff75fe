//! A server of several processes that share counters and a configuration. One process is killed while it works.
//!
//! ```sh
//! cargo run --release --example prefork_server
//! ```
//!
//! The parent listens on a port of this machine and starts workers, which accept from one socket and serve one request
//! after the other. Each reply depends on the configuration of that moment, which the parent changes all the time. Client
//! threads check each reply. One worker stops while it counts a request, with the lock held, and is killed by SIGKILL;
//! another takes its place, and the client asks again. In the end the counters must equal the replies that the clients
//! received, to the byte, or the exit status is 1.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::net::Shutdown;
use rustix::process::Signal;
use shared_value::{FixedStr, LockState, ReadOnly, SharedValue, Source};

const WORKERS: usize = 4;
const CLIENTS: usize = 6;
/// The replies that each client asks for.
const REPLIES: u64 = 1_000;

/// Longer than any step takes, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// The configuration of the workers. Both fields change in one commit, so they always fit together.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Config {
    revision: u64,
    greeting: FixedStr<24>,
}

impl Config {
    fn of(revision: u64) -> Result<Self> {
        Ok(Self { revision, greeting: FixedStr::new(&format!("greetings-{revision}"))? })
    }
}

/// The counters of the workers. In each committed value, `replies` is the sum of `by_worker`.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
struct Counters {
    ready: u64,
    replies: u64,
    bytes: u64,
    by_worker: [u64; WORKERS],
    is_stopping: bool,
    /// Counted without the lock, when a request has come in.
    #[shared(atomic)]
    requests: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => supervise(),
        [worker] => work(worker.parse()?),
        _ => bail!("usage: prefork_server"),
    }
}

/// The work of a worker.
fn work(worker: usize) -> Result<()> {
    // If the parent is killed, it cannot tell the workers to stop.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let config = SynchronizedConfig::open_read_only(Source::inherited("CONFIG"))?;
    let counters = SynchronizedCounters::open(Source::inherited("COUNTERS"))?;
    // The parent has made the socket this program's standard input, which is a safe way to hand it over.
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    counters.update_ready(|ready| *ready += 1)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => serve(stream, worker, &config, &counters)?,
            Err(_) if counters.is_stopping() => return Ok(()),
            Err(error) => return Err(error).context("no more connections can be accepted"),
        }
    }
}

fn serve(
    stream: TcpStream,
    worker: usize,
    config: &SynchronizedConfig<ReadOnly>,
    counters: &SynchronizedCounters,
) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request)?;
    counters.requests().fetch_add(1);

    let Config { revision, greeting } = config.load()?;
    let reply = format!("{revision} {greeting} {}\n", request.trim_end());

    let guard = counters.lock()?;
    guard.update_replies(|replies| *replies += 1)?;
    if request.starts_with("hang") {
        // Stops, as a bug might: the reply is counted in the total, but not yet for this worker.
        loop {
            thread::park();
        }
    }
    guard.update_bytes(|bytes| *bytes += reply.len() as u64)?;
    guard.in_by_worker().update_at(worker, |replies| *replies += 1)?;
    drop(guard);
    // Counted before it is sent: a worker that dies in between has counted one reply too many, not one too few.
    stream.get_mut().write_all(reply.as_bytes())?;
    Ok(())
}

/// The work of the parent.
fn supervise() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let config = SynchronizedConfig::new(Config::of(1)?)?;
    let counters = SynchronizedCounters::new(Counters::default())?;
    let start = |worker| Worker::start(worker, &listener, &config, &counters);
    let mut workers = (0..WORKERS).map(start).collect::<Result<Vec<_>>>()?;
    counters.wait_for(|counters| counters.ready == WORKERS as u64, PATIENCE).context("the workers do not start")?;
    println!("{WORKERS} workers serve {address}");

    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let config = config.clone();
            thread::spawn(move || ask(client, address, &config))
        })
        .collect();

    let mut revision = 1;
    let mut was_killed = false;
    while !clients.iter().all(thread::JoinHandle::is_finished) {
        ensure!(began.elapsed() < PATIENCE, "the clients are not served: {counters:?}");
        revision += 1;
        config.set(Config::of(revision)?)?;
        let seen = counters.load()?;
        ensure!(seen.replies == seen.by_worker.iter().sum(), "half of a change was seen: {seen:?}");
        if let Some(worker) = workers.iter().position(|worker| is_stuck(worker, &counters)) {
            ensure!(!was_killed, "a second worker is stuck: {counters:?}");
            let killed = Instant::now();
            workers[worker].0.kill()?;
            drop(counters.lock_timeout(PATIENCE)?);
            ensure!(counters.recoveries() == 1, "the lock was not recovered");
            println!("worker {worker} got stuck with the lock; {:.0?} after its SIGKILL it is free", killed.elapsed());
            workers[worker] = start(worker)?;
            was_killed = true;
        }
        thread::sleep(Duration::from_micros(500));
    }
    let mut bytes = 0;
    for client in clients {
        bytes += client.join().expect("clients do not panic")?;
    }
    println!("{} replies and {revision} configurations in {:.0?}", counters.replies(), began.elapsed());

    counters.set_is_stopping(true)?;
    // This makes every process that waits in `accept` return.
    rustix::net::shutdown(&listener, Shutdown::Read)?;
    for worker in &mut workers {
        ensure!(worker.0.wait()?.success(), "a worker failed");
    }

    let total = counters.load()?;
    println!("by worker {:?}, {} bytes, {} requests came in", total.by_worker, total.bytes, total.requests);
    let wanted = CLIENTS as u64 * REPLIES;
    ensure!(was_killed && counters.recoveries() == 1, "no worker was killed at its work");
    ensure!(total.replies == wanted, "{} replies were counted, and {wanted} received", total.replies);
    ensure!(total.by_worker.iter().sum::<u64>() == wanted, "some replies were counted by no worker");
    ensure!(total.bytes == bytes, "{} bytes were counted, and {bytes} received", total.bytes);
    ensure!(total.requests == wanted + 1, "expected {} requests, found {}", wanted + 1, total.requests);
    ensure!(total.ready == WORKERS as u64 + 1, "expected {} starts of workers, found {}", WORKERS + 1, total.ready);
    Ok(())
}

/// Whether the worker has held the lock for a second. Waits only while the worker holds it.
fn is_stuck(worker: &Worker, counters: &SynchronizedCounters) -> bool {
    let holds = || counters.lock_state() == LockState::Held { thread_id: worker.0.id() };
    let (start, version) = (Instant::now(), counters.version());
    while holds() && counters.version() == version {
        if start.elapsed() > Duration::from_secs(1) {
            return true;
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

/// The work of a client; returns the number of bytes received. The first client makes a worker hang, halfway.
fn ask(client: usize, address: SocketAddr, config: &SynchronizedConfig) -> Result<u64> {
    let mut bytes = 0;
    for number in 0..REPLIES {
        let request = format!("{client}.{number}");
        if client == 0 && number == REPLIES / 2 {
            ensure!(request_reply(address, "hang")?.is_empty(), "the worker that should hang has replied");
        }
        let before = config.revision();
        let reply = request_reply(address, &request)?;
        let after = config.revision();
        let [revision, greeting, echo] = reply.split_whitespace().collect::<Vec<_>>()[..] else {
            bail!("`{reply}` is not a reply");
        };
        ensure!(greeting == format!("greetings-{revision}"), "`{reply}` mixes two configurations");
        ensure!(
            (before..=after).contains(&revision.parse()?),
            "`{reply}` is out of date: expected {before} to {after}"
        );
        ensure!(echo == request, "`{reply}` is the reply to another request than `{request}`");
        bytes += reply.len() as u64;
    }
    Ok(bytes)
}

/// The reply, which is empty if the worker was killed.
fn request_reply(address: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(reply)
}

/// A worker process, killed on drop if it still runs.
struct Worker(Child);

impl Worker {
    fn start(
        worker: usize,
        listener: &TcpListener,
        config: &SynchronizedConfig,
        counters: &SynchronizedCounters,
    ) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(worker.to_string()).stdin(OwnedFd::from(listener.try_clone()?));
        // From a read-only handle: the kernel keeps workers from changing the configuration.
        config.read_only()?.pass_to(&mut command, "CONFIG")?;
        counters.pass_to(&mut command, "COUNTERS")?;
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
