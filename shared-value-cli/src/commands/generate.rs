//! `completions` and `man`: files for shells and for `man`.

use std::fs::File;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::{Failure, Result};
use crate::output::Output;

/// Print completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {
    shell: Shell,
}

/// Print the manual page, or write a page for each command
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write `shared-value.1` and a page for each command to this directory
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Prints completions of the command line `command`.
pub(crate) fn completions(
    Completions { shell }: &Completions,
    mut command: Command,
    output: &mut Output,
) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(*shell, &mut command, "shared-value", &mut text);
    output.raw(&text)
}

/// Prints or writes the manual of the command line `command`.
pub(crate) fn man(Man { directory }: &Man, command: Command, output: &mut Output) -> Result<()> {
    let Some(directory) = directory else {
        let mut text = Vec::new();
        clap_mangen::Man::new(command).render(&mut text)?;
        return output.raw(&text);
    };
    let write = |command: Command, name: String| -> Result<()> {
        let path = directory.join(format!("{name}.1"));
        let failed = |error| Failure::from(error).of(format!("cannot write `{}`", path.display()));
        let mut file = File::create(&path).map_err(failed)?;
        clap_mangen::Man::new(command.name(name.leak() as &str)).render(&mut file).map_err(failed)
    };
    for part in command.get_subcommands() {
        write(part.clone(), format!("shared-value-{}", part.get_name()))?;
    }
    write(command, "shared-value".to_owned())
}
