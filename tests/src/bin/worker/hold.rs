//! Holds locks, and ends in every possible way.

use std::os::unix::process::CommandExt;
use std::process::{self, Command};
use std::{env, mem, panic, thread};

use anyhow::Result;
use clap::ValueEnum;
use shared_value::{DynValue, Error, LockKind, Synchronized};
use shared_value_tests::values::{AccountGuard, SynchronizedAccount};
use shared_value_tests::{await_line, end_now, say};

/// Takes the lock of every account, writes half of its fields, waits for a line, and ends in some way.
#[derive(Debug, clap::Args)]
pub(crate) struct Hold {
    #[arg(required = true)]
    names: Vec<String>,
    #[arg(long, value_enum, default_value_t = End::Finish)]
    end: End,
}

/// The way of ending.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum End {
    /// Completes the changes, and returns.
    Finish,
    /// Panics: destructors run.
    Panic,
    /// Panics as in a program built with `panic = "abort"`, which runs the panic hook and aborts.
    PanicAbort,
    Abort,
    /// Exits without running the destructors of this thread.
    Exit,
    /// Exits without running any code.
    ExitNow,
    /// Forgets the guards, and ends the thread; the process lives on.
    Thread,
    /// Becomes another program.
    Exec,
    /// Takes no lock, and waits: the new program after `Exec`.
    Wait,
}

/// Waits for the lock of an account, and tells the state of the account.
#[derive(Debug, clap::Args)]
pub(crate) struct Take {
    name: String,
}

/// Opens a number without special options, takes its lock twice, and tells the result.
#[derive(Debug, clap::Args)]
pub(crate) struct LockTwice {
    name: String,
    #[arg(long)]
    pthread: bool,
}

impl Hold {
    pub(crate) fn run(self) -> Result<()> {
        match self.end {
            End::Wait => {}
            End::Thread => {
                let thread = thread::spawn(move || {
                    let guards = hold(&self.names)?;
                    say("held");
                    await_line();
                    mem::forget(guards);
                    anyhow::Ok(())
                });
                thread.join().expect("it did not panic")?;
                say("ended");
            }
            end => {
                let guards = hold(&self.names)?;
                say("held");
                await_line();
                return end.end(guards, &self.names);
            }
        }
        await_line();
        Ok(())
    }
}

/// Takes the lock of every account. The accounts are leaked, because the guards live as long as the process.
fn hold(names: &[String]) -> Result<Vec<AccountGuard<'static>>> {
    names
        .iter()
        .map(|name| {
            let account: &'static SynchronizedAccount = Box::leak(Box::new(SynchronizedAccount::open(name)?));
            let guard = account.lock()?;
            guard.set_balance(-1)?;
            account.in_limits().set_at(1, 777)?;
            Ok(guard)
        })
        .collect()
}

impl End {
    fn end(self, guards: Vec<AccountGuard<'static>>, names: &[String]) -> Result<()> {
        match self {
            Self::Finish => {
                for guard in guards {
                    guard.update(|account| {
                        let deposits = u32::try_from(account.deposits).unwrap_or(0);
                        *account = shared_value_tests::values::Account::after(deposits + 1);
                    })?;
                }
                Ok(())
            }
            Self::Panic => panic!("as planned"),
            Self::PanicAbort => {
                panic::set_hook(Box::new(|_| process::abort()));
                panic!("as planned");
            }
            Self::Abort => process::abort(),
            Self::Exit => process::exit(3),
            Self::ExitNow => end_now(4),
            Self::Exec => {
                let mut program = Command::new(env::current_exe()?);
                Err(program.arg("hold").args(names).args(["--end", "wait"]).exec().into())
            }
            Self::Thread | Self::Wait => unreachable!("handled by the caller"),
        }
    }
}

impl Take {
    pub(crate) fn run(self) -> Result<()> {
        let account = SynchronizedAccount::open(&self.name)?;
        say("waiting");
        let guard = account.lock()?;
        say(format!("recovered={} whole={} balance={}", guard.recovered(), guard.load()?.is_whole(), guard.balance()));
        Ok(())
    }
}

impl LockTwice {
    pub(crate) fn run(self) -> Result<()> {
        let kind = if self.pthread { LockKind::Pthread } else { LockKind::Native };
        let typed = Synchronized::<u64>::options().lock_kind(kind).open(&self.name)?;
        let dynamic = DynValue::options().lock_kind(kind).open(&self.name)?;
        let guard = typed.lock()?;
        let tell = |result: Result<(), Error>| match result {
            Ok(()) => "taken".to_owned(),
            Err(Error::Lock(error)) => format!("{error:?}"),
            Err(error) => error.to_string(),
        };
        let (typed, dynamic) = (tell(typed.lock().map(drop)), tell(dynamic.lock().map(drop)));
        drop(guard);
        say(format!("typed: {typed}, dynamic: {dynamic}"));
        Ok(())
    }
}
