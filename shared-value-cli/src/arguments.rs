//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::change::{Add, CompareAndSet, Set};
use crate::commands::create::{Create, Remove};
use crate::commands::doctor::Doctor;
use crate::commands::generate::{Completions, Man};
use crate::commands::layout::Layout;
use crate::commands::list::List;
use crate::commands::lock::Lock;
use crate::commands::show::{Get, Show};
use crate::commands::wait::WaitFor;
use crate::commands::watch::Watch;
use crate::output::Color;
use crate::top::Top;

/// See, change, watch and diagnose values in shared memory
#[derive(Debug, Parser)]
#[command(name = "shared-value", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 the answer is no, 2 wrong command line, 3 not found, 4 does not fit, 5 locked or \
                        too late, 6 refused by the system."
)]
pub(crate) struct Arguments {
    /// When to use colors. `NO_COLOR` in the environment turns them off too
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Get(Get),
    Set(Set),
    CompareAndSet(CompareAndSet),
    Add(Add),
    Create(Create),
    #[command(name = "rm")]
    Remove(Remove),
    Watch(Watch),
    #[command(name = "wait")]
    WaitFor(WaitFor),
    Lock(Lock),
    Top(Top),
    Doctor(Doctor),
    Layout(Layout),
    Completions(Completions),
    Man(Man),
}
