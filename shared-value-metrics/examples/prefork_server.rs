//! A server of several processes that serves its own metrics. One process is killed while it works.
//!
//! ```sh
//! cargo run --release -p shared-value-metrics --example prefork_server
//! ```
//!
//! The parent listens on a port of this machine and starts workers, which answer HTTP requests from one socket and count them by the
//! macros of the crate `metrics`. A request for `/metrics` may reach any of them, and each answers with the metrics of all. One worker
//! gets a SIGKILL in the middle, and another takes its place. In the end the metrics must tell of each reply that was received, and of
//! no other one except that of the dead worker, or the exit status is 1.
//!
//! With the argument `serve`, it serves until Ctrl-C, for a browser or for Prometheus.

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Arena, Source};
use shared_value_metrics::{Format, Recorder, render};
use tiny_http::{Header, Response, Server};

const WORKERS: usize = 4;
const CLIENTS: usize = 4;
/// The requests of each client.
const REQUESTS: usize = 500;
const PATHS: [&str; 3] = ["/", "/items", "/missing"];

/// Address space: memory is taken as series are made.
const CAPACITY: usize = 64 << 20;
/// Longer than any step takes, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => supervise(),
        ["serve"] => {
            let mut site = Site::new()?;
            println!("http://{}/metrics", site.listener.local_addr()?);
            site.workers.iter_mut().try_for_each(|worker| {
                worker.0.wait()?;
                Ok(())
            })
        }
        ["work"] => work(),
        _ => bail!("usage: prefork_server [serve]"),
    }
}

/// The work of a worker.
fn work() -> Result<()> {
    // If the parent is killed, it cannot end the workers.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let recorder = Recorder::builder()
        .buckets_of("http_request_duration_seconds", &[1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0])?
        .build(Arena::open(Source::inherited("METRICS"))?);
    recorder.install()?;
    describe_counter!("http_requests", "Requests that were answered.");
    describe_gauge!("http_requests_active", "Requests that are being answered.");
    describe_histogram!("http_request_duration_seconds", Unit::Seconds, "How long an answer took.");
    counter!("worker_starts").increment(1);

    // The parent has made the socket this program's standard input, which is a safe way to hand it over.
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    let server = Server::from_listener(listener, None).map_err(|error| anyhow::anyhow!("no server: {error}"))?;
    for request in server.incoming_requests() {
        if request.url() == "/metrics" {
            let accept = request.headers().iter().find(|header| header.field.equiv("Accept"));
            let format = Format::accepted(accept.map_or("", |header| header.value.as_str()));
            let kind = Header::from_bytes("Content-Type", format.content_type()).expect("it is a valid header");
            // A client that is gone is not a fault of the server.
            let _ = request.respond(Response::from_string(recorder.render(format)).with_header(kind));
            continue;
        }
        let start = Instant::now();
        gauge!("http_requests_active").increment(1.0);
        let path = PATHS.iter().find(|path| **path == request.url()).copied().unwrap_or("other");
        let status = if path == "/" || path == "/items" { 200 } else { 404 };
        // Counted before it is sent: a worker that dies in between has counted one answer too many, not one too few.
        counter!("http_requests", "path" => path, "status" => status.to_string()).increment(1);
        let _ = request.respond(Response::from_string(path).with_status_code(status));
        histogram!("http_request_duration_seconds").record(start.elapsed());
        gauge!("http_requests_active").decrement(1.0);
    }
    Ok(())
}

/// The parent's part: the socket, the arena, and the workers that have both.
struct Site {
    listener: TcpListener,
    arena: Arena,
    workers: Vec<Worker>,
}

impl Site {
    fn new() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let arena = Arena::new(CAPACITY)?;
        let mut site = Self { listener, arena, workers: Vec::new() };
        (0..WORKERS).try_for_each(|_| site.start_worker())?;
        Ok(site)
    }

    fn start_worker(&mut self) -> Result<()> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("work").stdin(OwnedFd::from(self.listener.try_clone()?));
        self.arena.pass_to(&mut command, "METRICS")?;
        self.workers.push(Worker(command.spawn()?));
        Ok(())
    }
}

/// The work of the parent: it lets clients ask, kills a worker, and compares the metrics with what the clients received.
fn supervise() -> Result<()> {
    let mut site = Site::new()?;
    let address = site.listener.local_addr()?;
    println!("{WORKERS} workers serve http://{address}");
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS).map(|client| thread::spawn(move || ask_many(address, client))).collect();

    // The parent reads the metrics from the arena, as any process could.
    let answered = || sum(&render(&site.arena, Format::Prometheus), "http_requests_total");
    while answered()? < CLIENTS * REQUESTS / 2 {
        ensure!(began.elapsed() < PATIENCE, "the clients are not answered");
        thread::sleep(Duration::from_millis(1));
    }
    drop(site.workers.swap_remove(0));
    println!("one worker was killed after {} answers", answered()?);
    site.start_worker()?;

    let mut broken = 0;
    for client in clients {
        broken += client.join().expect("clients do not panic")?;
    }
    let text = fetch(address, "/metrics")?.context("the metrics are not served")?;
    println!(
        "{} requests in {:.0?}; {broken} connections broke; /metrics says:\n{text}",
        CLIENTS * REQUESTS,
        began.elapsed()
    );

    let wanted = CLIENTS * REQUESTS;
    let counted = sum(&text, "http_requests_total")?;
    ensure!((wanted..=wanted + 1).contains(&counted), "{counted} answers were counted, and {wanted} received");
    let starts = sum(&text, "worker_starts_total")?;
    ensure!(starts == WORKERS + 1, "{starts} starts of workers were counted");
    let timed = sum(&text, "http_request_duration_seconds_count")?;
    ensure!((wanted - 1..=counted).contains(&timed), "{timed} durations were counted, and {counted} answers");
    Ok(())
}

/// Returns the sum of all samples of this name.
fn sum(text: &str, name: &str) -> Result<usize> {
    let is_sample = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let values = text.lines().filter(is_sample).filter_map(|line| line.rsplit_once(' '));
    Ok(values.map(|(_, value)| value.parse::<usize>()).sum::<Result<_, _>>()?)
}

/// The work of a client; returns the number of connections that broke. It asks again then.
fn ask_many(address: SocketAddr, client: usize) -> Result<usize> {
    let mut broken = 0;
    for number in 0..REQUESTS {
        let path = PATHS[(client + number) % PATHS.len()];
        while fetch(address, path)?.is_none() {
            broken += 1;
            ensure!(broken < REQUESTS, "too many connections broke");
        }
    }
    Ok(broken)
}

/// Returns the answer to a request, unless the worker was killed before it answered.
fn fetch(address: SocketAddr, path: &str) -> Result<Option<String>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let result = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    match result {
        Err(error) if !matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Err(error.into()),
        _ => Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())),
    }
}

/// A worker process, killed on drop if it still runs.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
