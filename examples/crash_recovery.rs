//! Three ways to die with the lock held, and the value that the next owner finds.
//!
//! ```sh
//! cargo run --release --example crash_recovery
//! ```
//!
//! In each story a child process dies after it has written the first half of a transfer between two accounts. The exit
//! status is 1 if any promise is broken.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use shared_value::{LockState, SharedValue, unlink};

/// Two accounts. Transfers move money between them, so their sum never changes.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Bank {
    alice: i64,
    bob: i64,
}

const START: Bank = Bank { alice: 100, bob: 100 };

/// A lock that is held for longer is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => tell(),
        [name, end] => transfer_halfway(name, end),
        _ => bail!("usage: crash_recovery"),
    }
}

/// The work of a child: takes the lock, writes the first half of a transfer, says so, and ends.
fn transfer_halfway(name: &str, end: &str) -> Result<()> {
    let bank = SynchronizedBank::open(name)?;
    let guard = bank.lock()?;
    guard.update_alice(|balance| *balance -= 70)?;
    println!("halfway");
    io::stdout().flush()?;
    match end {
        "panic" => panic!("this panic is part of the story"),
        // Until it is killed, or its parent ends.
        _ => drop(io::stdin().read(&mut [0])),
    }
    process::exit(2)
}

fn tell() -> Result<()> {
    let name = Name(format!("crash_recovery.{}", process::id()));
    let bank = SynchronizedBank::create(&name.0, START)?;
    let mut promises = Promises::default();

    println!("1. A child takes the lock, takes 70 from Alice, and gets a SIGKILL before it gives them to Bob.");
    let mut child = Halfway::start(&name.0, "wait")?;
    promises.hold(bank.lock_state() == child.holds_the_lock(), "the child holds the lock");
    promises.hold(bank.load()? == START, "others still read 100 and 100, without waiting");
    let killed = child.kill()?;
    let guard = bank.lock_timeout(PATIENCE)?;
    let waited = killed.elapsed();
    promises.hold(waited < Duration::from_secs(1), &format!("the parent has the lock {waited:.0?} after the SIGKILL"));
    promises.hold(guard.recovered(), "the guard tells that it took over from a dead owner: recovered() is true");
    promises.hold(guard.load()? == START, "no money is lost: the uncommitted half of the transfer is gone");
    drop(guard);

    println!("2. Again, while a thread of the parent is blocked on the lock when its owner is killed.");
    let mut child = Halfway::start(&name.0, "wait")?;
    let blocked = thread::spawn({
        let bank = bank.clone();
        move || -> Result<_> {
            let guard = bank.lock_timeout(PATIENCE)?;
            Ok((Instant::now(), guard.recovered(), guard.load()?))
        }
    });
    thread::sleep(Duration::from_millis(200));
    promises.hold(!blocked.is_finished(), "the thread has waited for 200 ms, and will not give up");
    let killed = child.kill()?;
    let (owned, recovered, value) = blocked.join().expect("the thread does not panic")?;
    let waited = owned.saturating_duration_since(killed);
    promises.hold(
        waited < Duration::from_secs(1),
        &format!("it was woken and had the lock {waited:.0?} after the SIGKILL"),
    );
    promises.hold(recovered && value == START, "it recovered the value: 100 and 100");

    println!("3. A child panics while it holds the guard.");
    let version = bank.version();
    let mut child = Halfway::start(&name.0, "panic")?;
    promises.hold(child.0.wait()?.code() == Some(101), "the child ended by its panic");
    let guard = bank.lock_timeout(PATIENCE)?;
    promises.hold(!guard.recovered(), "unwinding released the lock, so there was nothing to recover from");
    promises.hold(guard.load()? == START, "and rolled back: 100 and 100");
    promises.hold(bank.version() == version, "no version was committed");
    drop(guard);

    println!("After these deaths the value works as before.");
    bank.update(|bank| {
        bank.alice -= 70;
        bank.bob += 70;
    })?;
    promises.hold(bank.load()? == Bank { alice: 30, bob: 170 }, "a whole transfer, in one commit: 30 and 170");
    promises.hold(bank.recoveries() == 2, "recoveries() counts the owners that died with the lock: 2");
    println!(
        "With a plain process-shared pthread mutex, 1 and 2 would have ended with all processes blocked forever, and with \
         70 missing."
    );
    ensure!(promises.broken == 0, "{} promises are broken", promises.broken);
    Ok(())
}

/// Prints each promise, and counts the broken ones.
#[derive(Default)]
struct Promises {
    broken: u32,
}

impl Promises {
    fn hold(&mut self, holds: bool, promise: &str) {
        println!("   {} {promise}", if holds { "ok    " } else { "BROKEN" });
        self.broken += u32::from(!holds);
    }
}

/// A child that holds the lock and has written half of a transfer. Killed on drop if it still runs.
struct Halfway(Child);

impl Halfway {
    fn start(name: &str, end: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, end]).env("RUST_BACKTRACE", "0").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Self(command.spawn()?);
        let mut said = String::new();
        BufReader::new(child.0.stdout.take().context("the child has no output")?).read_line(&mut said)?;
        ensure!(said == "halfway\n", "the child failed before it was halfway");
        Ok(child)
    }

    fn holds_the_lock(&self) -> LockState {
        LockState::Held { thread_id: self.0.id() }
    }

    /// Sends SIGKILL, which no process can catch; returns the time before.
    fn kill(&mut self) -> Result<Instant> {
        let now = Instant::now();
        self.0.kill()?;
        Ok(now)
    }
}

impl Drop for Halfway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The name of the segment, unlinked on success and on failure.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        let _ = unlink(&self.0);
    }
}
