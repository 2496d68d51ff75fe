//! A table of the open connections of a server of several processes, in an arena. One process is killed.
//!
//! ```sh
//! cargo run --release --example connection_table
//! ```
//!
//! Each worker accepts connections from one socket, and keeps a value for each connection in the table, under the address of the
//! client. Any process can list the table without a lock, and sees each connection as it was after one of its requests. A
//! worker that is killed leaves its connections in the table: the parent finds them by the id of the process, and removes
//! them. The exit status is 1 if the table ever differs from the connections that the clients have.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::net::Shutdown;
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Arena, ReadOnly, SharedValue, Source};

const WORKERS: usize = 3;
const CLIENTS: usize = 40;
const REQUESTS: u64 = 25;

/// Address space: memory is taken as connections are added.
const CAPACITY: usize = 16 << 20;
/// Longer than any step takes, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection. Both counters change in one commit.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Connection {
    /// The id of the process that serves it.
    worker: u32,
    requests: u64,
    bytes: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => supervise(),
        ["work"] => work(),
        _ => bail!("usage: connection_table"),
    }
}

/// The work of a worker: a thread for each connection.
fn work() -> Result<()> {
    // If the parent is killed, it cannot tell the workers to stop.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let table = Arena::open(Source::inherited("TABLE"))?;
    // The parent has made the socket this program's standard input.
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The parent shuts the socket down to stop the workers.
    while let Ok((stream, address)) = listener.accept() {
        let table = table.clone();
        thread::spawn(move || serve(stream, address, &table));
    }
    Ok(())
}

/// Serves one connection to its end.
fn serve(stream: TcpStream, address: SocketAddr, table: &Arena) -> Result<()> {
    let key = address.to_string();
    let entry = table.insert(&key, Connection { worker: std::process::id(), requests: 0, bytes: 0 })?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).is_ok_and(|length| length > 0) {
        entry.update(|connection| {
            connection.requests += 1;
            connection.bytes += line.len() as u64;
        })?;
        if stream.get_mut().write_all(line.as_bytes()).is_err() {
            break;
        }
        line.clear();
    }
    table.remove(&key)?;
    Ok(())
}

fn supervise() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let table = Arena::new(CAPACITY)?;
    let mut workers = (0..WORKERS).map(|_| Worker::start(&listener, &table)).collect::<Result<Vec<_>>>()?;
    let mut clients = (0..CLIENTS).map(|_| Client::connect(address)).collect::<Result<Vec<_>>>()?;
    for number in 0..REQUESTS {
        for client in &mut clients {
            ensure!(client.ask(number), "a request was not served");
        }
    }

    // The kernel makes sure that this handle changes nothing.
    let view = table.read_only()?;
    let all = list(&view)?;
    for (client, connection) in all.iter().take(3) {
        println!("  {client}: {connection:?}");
    }
    ensure!(all.len() == CLIENTS, "{} connections are listed", all.len());
    ensure!(all.iter().all(|(_, connection)| connection.requests == REQUESTS), "requests were not counted: {all:?}");
    println!("{CLIENTS} connections, {REQUESTS} requests each");

    let victim = all[0].1.worker;
    let worker = workers.iter_mut().find(|worker| worker.0.id() == victim).context("the table names no worker")?;
    *worker = Worker::start(&listener, &table)?; // The old one is killed when it is dropped.
    let left: Vec<_> = list(&view)?.into_iter().filter(|(_, connection)| connection.worker == victim).collect();
    for (key, _) in &left {
        ensure!(table.remove(key)?, "{key} was removed by another process");
    }
    println!("worker {victim} was killed, and left {} connections in the table: they are removed", left.len());
    ensure!(left.iter().any(|(key, _)| *key == all[0].0), "its connections are not in the table");

    let mut renewed = 0;
    for client in &mut clients {
        if !client.ask(REQUESTS) {
            *client = Client::connect(address)?;
            ensure!(client.ask(0), "a request was not served");
            renewed += 1;
        }
    }
    let listed = list(&view)?;
    println!("{renewed} clients have connected again, {} connections are listed", listed.len());
    ensure!(renewed == left.len(), "{renewed} clients had lost their connections");
    ensure!(listed.len() == CLIENTS && listed.iter().all(|(_, connection)| connection.worker != victim), "{listed:?}");

    drop(clients);
    let start = Instant::now();
    while !table.is_empty() {
        ensure!(start.elapsed() < PATIENCE, "closed connections stay: {:?}", list(&view)?);
        thread::sleep(Duration::from_millis(1));
    }
    println!("all clients have gone, and the table is empty");
    // This makes every process that waits in `accept` return.
    rustix::net::shutdown(&listener, Shutdown::Read)?;
    for worker in &mut workers {
        ensure!(worker.0.wait()?.success(), "a worker failed");
    }
    Ok(())
}

/// Lists the connections with the addresses of their clients.
fn list(table: &Arena<ReadOnly>) -> Result<Vec<(String, Connection)>> {
    let entries = table.values_of::<Connection>();
    entries.map(|(key, connection)| Ok((key.context("a connection has no address")?, connection.load()?))).collect()
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request, and waits for its reply. Returns `false` if the connection has ended.
    fn ask(&mut self, number: u64) -> bool {
        let (request, mut reply) = (format!("request {number}\n"), String::new());
        let is_sent = self.0.get_mut().write_all(request.as_bytes()).is_ok();
        is_sent && self.0.read_line(&mut reply).is_ok() && reply == request
    }
}

/// A worker process, killed on drop if it still runs.
struct Worker(Child);

impl Worker {
    fn start(listener: &TcpListener, table: &Arena) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("work").stdin(OwnedFd::from(listener.try_clone()?));
        table.pass_to(&mut command, "TABLE")?;
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
