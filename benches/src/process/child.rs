//! A child: this program, started once more for a part of a contestant's work.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use anyhow::Result;

use crate::process::cores::with_cores;

/// Numbers that a child has found, by name.
pub type Findings = BTreeMap<String, u64>;

/// Prints what this child has found, for the parent.
pub fn tell(findings: &[(&str, u64)]) {
    let findings: BTreeMap<_, _> = findings.iter().copied().collect();
    println!("{}", serde_json::json!(findings));
}

/// Returns a command that starts this program as a child. The child finds the arguments in its [`Task`](crate::process::Task).
///
/// # Errors
/// If the file of this program is unknown.
pub fn command(case: &str, contestant: &str, token: &str, number: usize, parameter: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["child", case, contestant, token, &number.to_string(), parameter]);
    with_cores(&mut command);
    Ok(command)
}
