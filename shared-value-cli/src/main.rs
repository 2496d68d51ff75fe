//! The command `shared-value`: shows, changes, watches and diagnoses values in shared memory.
//!
//! It is built on the public interface of the library. Everything that only looks opens segments for reading, or does not
//! open them at all.

mod arguments;
mod commands;
mod failure;
mod language;
mod output;
mod process;
mod progress;
mod survey;
mod target;
mod top;
mod value;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::arguments::{Arguments, Command};
use crate::commands::{change, create, doctor, generate, layout, list, lock, show, wait, watch};
use crate::failure::{Failure, Result};
use crate::output::{Output, remark};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(Failure { code, message }) => {
            if let Some(message) = &message {
                remark(message);
            }
            // The reader of the output has gone: that is not a fault of this command.
            if message.is_none() && code == failure::Code::System {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(code as u8)
            }
        }
    }
}

fn run(Arguments { color, command }: &Arguments) -> Result<ExitCode> {
    let mut output = Output::new(*color);
    match command {
        Command::List(list) => list::run(list, &mut output),
        Command::Show(show) => show::show(show, &mut output),
        Command::Get(get) => show::get(get, &mut output),
        Command::Set(set) => change::set(set),
        Command::CompareAndSet(swap) => change::compare_and_set(swap, &mut output),
        Command::Add(add) => change::add(add, &mut output),
        Command::Create(new) => create::create(new),
        Command::Remove(remove) => create::remove(remove),
        Command::Watch(watch) => watch::run(watch, &mut output),
        Command::WaitFor(wait) => wait::run(wait),
        Command::Lock(lock) => return lock::run(lock).map(ExitCode::from),
        Command::Top(top) => top::run(top),
        Command::Doctor(doctor) => doctor::run(doctor, &mut output),
        Command::Layout(layout) => layout::run(layout, &mut output),
        Command::Completions(completions) => generate::completions(completions, Arguments::command(), &mut output),
        Command::Man(man) => generate::man(man, Arguments::command(), &mut output),
    }?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
