//! Signals that interrupt a waiting thread.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::ValueEnum;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use shared_value::{Error, LockError, Synchronized};
use shared_value_tests::{AT_ONCE, SegmentName, scaled};

/// Lets signals interrupt a call.
#[derive(Debug, clap::Args)]
pub(crate) struct Interrupted {
    call: Call,
    /// Lets the kernel restart interrupted system calls, where it can.
    #[arg(long)]
    restart: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Call {
    Lock,
    LockTimeout,
    WaitFor,
    WaitForReadOnly,
    Changes,
    /// Creates, opens and drops values.
    Open,
}

/// How much later than its timeout a call may return.
const LATE: Duration = Duration::from_secs(5);
/// The timeout of a call.
const WAIT: Duration = Duration::from_millis(250);
/// The least number of signals that must come during a call.
const ENOUGH: u64 = 10;

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn handle(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

impl Interrupted {
    pub(crate) fn run(self) -> Result<()> {
        let flags = if self.restart { SaFlags::SA_RESTART } else { SaFlags::empty() };
        let action = SigAction::new(SigHandler::Handler(handle), flags, SigSet::empty());
        // SAFETY: the handler only changes an atomic.
        unsafe { sigaction(Signal::SIGUSR1, &action)? };
        match self.call {
            Call::Lock => untimed(),
            Call::LockTimeout => {
                let value = Synchronized::new(0_u64)?;
                let guard = value.lock()?;
                thread::scope(|scope| {
                    let waiter = scope.spawn(|| {
                        let result = times_out(|timeout| value.lock_timeout(timeout).map(drop))?;
                        ensure!(matches!(result, Err(Error::Lock(LockError::TimedOut))), "{result:?}");
                        Ok(())
                    });
                    waiter.join().expect("the thread did not panic")
                })?;
                ensure!(guard.load()? == 0 && value.version() == 0);
                Ok(())
            }
            Call::WaitFor => {
                let value = Synchronized::new(0_u64)?;
                in_vain(&times_out(|timeout| value.wait_for(|number| *number == 1, timeout).map(drop))?)
            }
            Call::WaitForReadOnly => {
                let value = Synchronized::new(0_u64)?.read_only()?;
                in_vain(&times_out(|timeout| value.wait_for(|number| *number == 1, timeout).map(drop))?)
            }
            Call::Changes => {
                let value = Synchronized::new(0_u64)?;
                in_vain(&times_out(|timeout| value.changes().next_timeout(timeout).map(drop))?)
            }
            Call::Open => opens(),
        }
    }
}

/// Sends signals to this thread without pause while it works.
fn under_signals<R>(pause: Duration, work: impl FnOnce() -> R) -> Result<R> {
    // SAFETY: the call has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    let is_over = AtomicBool::new(false);
    let before = HANDLED.load(Ordering::Relaxed);
    let result = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // SAFETY: that thread joins this one before it ends.
                let error = unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
                assert_eq!(error, 0, "the signal was refused");
                thread::sleep(pause);
            }
        });
        let result = work();
        is_over.store(true, Ordering::Relaxed);
        sender.join().expect("the thread did not panic");
        result
    });
    let handled = HANDLED.load(Ordering::Relaxed) - before;
    ensure!(handled > ENOUGH, "only {handled} signals came");
    println!("{handled} signals");
    Ok(result)
}

/// Checks that `lock` waits until the lock is released, in spite of signals.
fn untimed() -> Result<()> {
    let value = Synchronized::new(0_u64)?;
    let is_released = AtomicBool::new(false);
    thread::scope(|scope| {
        let guard = value.lock()?;
        let waiter = scope.spawn(|| {
            under_signals(Duration::from_millis(1), || {
                let locked = value.lock().and_then(|guard| guard.set(1));
                (locked, is_released.load(Ordering::Acquire))
            })
        });
        thread::sleep(WAIT);
        ensure!(!waiter.is_finished(), "a signal ended the wait");
        is_released.store(true, Ordering::Release);
        drop(guard);
        let (locked, was_released) = waiter.join().expect("the thread did not panic")?;
        locked?;
        ensure!(was_released, "two threads had the lock");
        Ok(())
    })?;
    ensure!(value.get() == 1, "{value:?}");
    Ok(())
}

/// Checks that a wait ends by its timeout: not earlier because of a signal, and not later because a signal restarts it.
/// Returns the result of the wait.
fn times_out(wait: impl FnOnce(Duration) -> Result<(), Error>) -> Result<Result<(), Error>> {
    let start = Instant::now();
    let result = under_signals(Duration::from_millis(1), || wait(WAIT))?;
    let waited = start.elapsed();
    ensure!(waited >= WAIT && waited < WAIT + LATE, "{result:?} after {waited:?}");
    Ok(result)
}

/// Checks the result of a wait for a change that has not come.
fn in_vain(result: &Result<(), Error>) -> Result<()> {
    ensure!(matches!(result, Err(Error::TimedOut { .. })), "{result:?}");
    Ok(())
}

/// Checks that interrupted system calls are not reported as errors.
fn opens() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("value");
    let rounds = scaled(500, 150);
    under_signals(Duration::from_micros(20), || {
        for round in 0..rounds {
            let name = SegmentName::new("interrupted");
            let value = Synchronized::create(&name, [round; 1_000])?;
            let file = Synchronized::open_or_create(&path, round)?;
            let read_only = value.read_only()?;
            let token = value.token()?;
            value.set_at(7, 1)?;
            drop(value);
            let value = Synchronized::<[u64; 1_000]>::open(&name)?;
            let same = Synchronized::<[u64; 1_000]>::open(&token)?;
            ensure!((value.get()[7], same.get()[7], read_only.get()[7]) == (1, 1, 1));
            let guard = value.lock_timeout(AT_ONCE)?;
            ensure!(!guard.recovered());
            file.set(round)?;
            std::fs::remove_file(&path)?;
        }
        Ok(())
    })??;
    Ok(())
}
