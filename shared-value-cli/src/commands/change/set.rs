//! `set`: changes parts of a value, or of several values of an arena, in one commit.

use std::time::Duration;

use clap::Args;

use crate::commands::change::assignment::{Assignment, Part, assignments_of, change};
use crate::commands::change::lock::LockArguments;
use crate::commands::change::opened::{Opened, one_part, open};
use crate::commands::change::transaction::set_in_arena;
use crate::failure::Result;
use crate::target::{Locking, parse_path, split};
use crate::value::{parse_assignment, parse_data};

/// Change parts of a value, all in one commit
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The value: `account`, `bank[alice]`, or a whole arena: `bank`
    name: String,
    /// `PATH=VALUE`, as in `balance=5`, `limits[2]=7`, `owner=Ann`; `=VALUE` for the whole value; for an arena
    /// `[alice].balance=5`. JSON gives structs and arrays
    #[arg(required = true)]
    assignments: Vec<String>,
    /// Change nothing, and exit with code 1, unless this part has this value: it is compared under the lock
    #[arg(long = "if", value_name = "PATH=VALUE")]
    conditions: Vec<String>,
    #[command(flatten)]
    lock: LockArguments,
}

pub(crate) fn set(Set { name, assignments, conditions, lock }: &Set) -> Result<()> {
    let target = split(name)?;
    let locking = lock.locking();
    let split_all = |texts: &[String]| -> Result<Vec<Part>> {
        let split_one = |text: &String| {
            let (path, value) = parse_assignment(text)?;
            Ok((parse_path(path)?, value.to_owned()))
        };
        texts.iter().map(split_one).collect()
    };
    let (changes, conditions) = (split_all(assignments)?, split_all(conditions)?);
    match open(&target, &locking)? {
        Opened::Value(value, prefix) => {
            let changes = assignments_of(&value, &prefix, &changes)?;
            let conditions = assignments_of(&value, &prefix, &conditions)?;
            change(&value, name, &locking, &conditions, &changes).map(drop)
        }
        Opened::Arena(arena) => set_in_arena(&arena, name, &locking, &conditions, &changes),
    }
}

/// Sets one part, and gives up after a time.
pub(crate) fn set_one(name: &str, path: &str, text: &str, timeout: Duration) -> Result<()> {
    let locking = Locking { timeout: Some(timeout), takes_mutexes: false };
    let (value, path) = one_part(name, path, &locking)?;
    let data = parse_data(value.layout().part(&path)?.layout(), text);
    change(&value, name, &locking, &[], &[Assignment { path, data }])
}
