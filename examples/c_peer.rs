//! A value that programs in Rust and in C change together, under a lock that both know.
//!
//! ```sh
//! cargo run --release --example c_peer
//! ```
//!
//! With `LockKind::Pthread`, which needs the feature `pthread`, the lock of a value is a `pthread_mutex_t`. This program
//! compiles `c_peer.c`, which lies beside it and uses nothing but the C library, and runs it twice. First both record
//! measurements at once, and no measurement may be lost. Then the C program is killed during a change, and this program must
//! get the lock, with the last committed value. The exit status is 1 if one of these fails, or if there is no C compiler.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use shared_value::{LockKind, SharedValue, unlink};
use tempfile::TempDir;

const SOURCE: &str = include_str!("c_peer.c");
const MEASUREMENTS: u64 = 100_000;

/// The value that both programs write. The C program compares this layout, as text, with the layout that it knows.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Log {
    count: u64,
    sum: u64,
    latest: u64,
}

impl Log {
    fn record(&mut self, measurement: u64) {
        self.count += 1;
        self.sum += measurement;
        self.latest = measurement;
    }
}

fn main() -> Result<()> {
    let directory = TempDir::new()?;
    let program = compile(directory.path())?;
    let name = Name(format!("c_peer.{}", process::id()));
    let log = SynchronizedLog::options().lock_kind(LockKind::Pthread).create(&name.0, Log::default())?;

    let mut recorder = Peer::start(&program, &name, &["record", &MEASUREMENTS.to_string()])?;
    for measurement in 1..=MEASUREMENTS {
        log.update(|log| log.record(measurement))?;
    }
    ensure!(recorder.0.wait()?.success(), "the C program failed");
    let total = log.load()?;
    println!("Rust and C have recorded {MEASUREMENTS} measurements each, at once: {total:?}");
    let expected = (2 * MEASUREMENTS, MEASUREMENTS * (MEASUREMENTS + 1));
    ensure!((total.count, total.sum) == expected, "measurements were lost: expected {expected:?}");

    let mut hanging = Peer::start(&program, &name, &["hang"])?;
    hanging.expect("halfway")?;
    println!("The C program holds the lock, halfway through a change; others still read {:?}", log.load()?);
    ensure!(log.load()? == total, "half of a change was seen");
    hanging.0.kill()?;
    let guard = log.lock_timeout(Duration::from_secs(10)).context("the lock is stuck")?;
    ensure!(guard.recovered() && guard.load()? == total, "the dead program's change is still there: {guard:?}");
    println!("After a SIGKILL this program has the lock, with the last whole value.");
    guard.update(|log| log.record(7))?;
    drop(guard);
    ensure!(log.load()? == Log { count: total.count + 1, sum: total.sum + 7, latest: 7 }, "{log:?} is wrong");
    Ok(())
}

/// Compiles the C program into the directory.
fn compile(directory: &Path) -> Result<PathBuf> {
    let program = directory.join("c_peer");
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-O2", "-pthread", "-x", "c", "-", "-o"]).arg(&program);
    let mut compiler = match command.stdin(Stdio::piped()).spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("this example needs a C compiler, and there is no `cc`: install gcc or clang")
        }
        started => started.context("cannot start `cc`")?,
    };
    compiler.stdin.take().context("`cc` has no input")?.write_all(SOURCE.as_bytes())?;
    ensure!(compiler.wait()?.success(), "`cc` cannot compile c_peer.c");
    Ok(program)
}

/// The C program, killed on drop if it still runs.
struct Peer(Child);

impl Peer {
    fn start(program: &Path, name: &Name, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        // Named values lie there: docs/format.md.
        command.arg(Path::new("/dev/shm").join(&name.0)).args(arguments).stdout(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    fn expect(&mut self, line: &str) -> Result<()> {
        let mut said = String::new();
        BufReader::new(self.0.stdout.take().context("the C program has no output")?).read_line(&mut said)?;
        ensure!(said.trim_end() == line, "the C program said `{}`, not `{line}`", said.trim_end());
        Ok(())
    }
}

impl Drop for Peer {
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
