//! An account in shared memory: four processes pay into it at once, one is killed in the middle of a deposit, and
//! nothing is lost.
//!
//! ```sh
//! cargo run --release --example quickstart
//! ```
//!
//! Each worker makes 100,000 deposits under the lock and 100,000 atomic additions without it. This process meanwhile
//! reads snapshots without the lock; the fields of each snapshot must agree. One worker stops halfway through a
//! deposit, holding the lock, and is killed by SIGKILL; a new worker goes on after its last whole deposit. In the end the
//! account must hold the sum of the workers' reports, or the exit status is 1.

use std::io::{self, Read};
use std::process::{self, Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressFinish, ProgressStyle};
use shared_value::{LockState, SharedValue, unlink};

const WORKERS: usize = 4;
const DEPOSITS: u64 = 100_000;
const VICTIM: usize = 2;

/// The shared value. In each version, the balance is the sum of the deposits.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
struct Account {
    balance: u64,
    /// The number of deposits of each worker. Committed together with the balance, so both agree whenever a worker dies.
    deposits: [u64; WORKERS],
    /// Counted without the lock.
    #[shared(atomic)]
    requests: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => supervise(),
        [name, worker, hangs] => work(name, worker.parse()?, hangs.parse()?),
        _ => bail!("usage: quickstart"),
    }
}

/// The work of a worker. One that takes another's place goes on after the last committed deposit.
fn work(name: &str, worker: usize, hangs: bool) -> Result<()> {
    let account = SynchronizedAccount::open(name)?;
    let before = account.in_deposits().at(worker);
    for number in before..DEPOSITS {
        let guard = account.lock()?;
        guard.update_balance(|balance| *balance += 1)?;
        if hangs && number == DEPOSITS / 2 {
            hang();
        }
        guard.in_deposits().set_at(worker, number + 1)?;
        // Here the guard is dropped: it commits both fields with one store, and releases the lock.
    }
    for _ in 0..DEPOSITS {
        account.requests().fetch_add(1);
    }
    println!("{} {DEPOSITS}", DEPOSITS - before);
    Ok(())
}

/// Stops, as a bug might, while the lock is held and half of a deposit is written. Ends if the parent ends.
fn hang() -> ! {
    let _ = io::stdin().read(&mut [0]);
    process::exit(1)
}

/// The work of the parent: starts the workers, watches them, kills one, and checks the result.
fn supervise() -> Result<()> {
    let name = Name(format!("quickstart.{}", process::id()));
    let interrupted = name.0.clone();
    ctrlc::set_handler(move || {
        let _ = unlink(&interrupted);
        process::exit(130);
    })?;
    let account = SynchronizedAccount::create(&name.0, Account::default())?;
    let start = Instant::now();
    let mut workers: Vec<_> =
        (0..WORKERS).map(|worker| Worker::start(&name.0, worker, worker == VICTIM)).collect::<Result<_>>()?;
    let mut watch = Watch::new(&account)?;

    let held = LockState::Held { thread_id: workers[VICTIM].0.id() };
    watch.until(|seen| {
        ensure!(workers[VICTIM].is_running()?, "worker {VICTIM} ended before it could be killed");
        Ok(seen.deposits[VICTIM] == DEPOSITS / 2 && account.lock_state() == held)
    })?;
    let stuck = Instant::now();
    watch.until(|_| Ok(stuck.elapsed() > Duration::from_millis(250) && account.lock_state() == held))?;
    watch.say(&format!("worker {VICTIM} hangs: it holds the lock, and has written half of a deposit"));

    workers[VICTIM].0.kill()?;
    drop(account.lock()?);
    let hung = stuck.elapsed();
    let committed = account.in_deposits().at(VICTIM);
    ensure!(committed == DEPOSITS / 2 && account.recoveries() == 1, "{account:?} was not recovered");
    watch.say(&format!("worker {VICTIM} got a SIGKILL: its half deposit is gone, and the others go on"));
    workers[VICTIM] = Worker::start(&name.0, VICTIM, false)?;

    watch.until(|_| {
        let running: Vec<bool> = workers.iter_mut().map(Worker::is_running).collect::<Result<_>>()?;
        Ok(!running.contains(&true))
    })?;
    let busy = start.elapsed().saturating_sub(hung);
    let (mut deposits, mut requests) = (committed, 0);
    for worker in &mut workers {
        let reported = worker.report()?;
        deposits += reported.0;
        requests += reported.1;
    }
    let total = account.load()?;
    watch.say(&format!("read without the lock: {} snapshots, every one whole", HumanCount(watch.snapshots)));
    watch.say(&format!("workers say: {deposits} deposits and {requests} requests, in {busy:.0?} without the hang"));
    watch.say(&format!("account has: {} deposits and {} requests", total.balance, total.requests));
    ensure!((total.balance, total.requests) == (deposits, requests), "the account differs from the reports");
    ensure!(deposits == WORKERS as u64 * DEPOSITS, "some deposits were not made");
    Ok(())
}

/// Reads snapshots of the account, checks each snapshot, and shows the progress of the workers.
struct Watch<'a> {
    account: &'a SynchronizedAccount,
    bars: Vec<ProgressBar>,
    snapshots: u64,
}

impl<'a> Watch<'a> {
    fn new(account: &'a SynchronizedAccount) -> Result<Self> {
        let (screen, style) = (MultiProgress::new(), ProgressStyle::with_template("{prefix} {bar:50} {human_pos}")?);
        let bar = |worker| {
            let bar = ProgressBar::new(DEPOSITS).with_style(style.clone()).with_finish(ProgressFinish::Abandon);
            screen.add(bar.with_prefix(format!("worker {worker}")))
        };
        Ok(Self { account, bars: (0..WORKERS).map(bar).collect(), snapshots: 0 })
    }

    fn until(&mut self, mut done: impl FnMut(&Account) -> Result<bool>) -> Result<()> {
        loop {
            let seen = self.account.load()?;
            ensure!(seen.balance == seen.deposits.iter().sum(), "this snapshot is not whole: {seen:?}");
            self.snapshots += 1;
            let done = done(&seen)?;
            if done || self.snapshots.is_multiple_of(1000) {
                self.bars.iter().zip(seen.deposits).for_each(|(bar, deposits)| bar.set_position(deposits));
            }
            if done {
                return Ok(());
            }
        }
    }

    fn say(&self, line: &str) {
        self.bars[0].suspend(|| println!("{line}"));
    }
}

/// A child process, killed on drop if it still runs.
struct Worker(Child);

impl Worker {
    fn start(name: &str, worker: usize, hangs: bool) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, &worker.to_string(), &hangs.to_string()]);
        Ok(Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    fn is_running(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// The deposits and requests that the worker reports.
    fn report(&mut self) -> Result<(u64, u64)> {
        ensure!(self.0.wait()?.success(), "a worker failed");
        let line = io::read_to_string(self.0.stdout.take().context("the report was read before")?)?;
        let (deposits, requests) = line.trim().split_once(' ').context("a worker reported nothing")?;
        Ok((deposits.parse()?, requests.parse()?))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The name of the segment: unlinked on success, on failure and on Ctrl-C.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        let _ = unlink(&self.0);
    }
}
