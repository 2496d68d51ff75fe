//! Runs the command.

use std::process::{Command, Stdio};

/// How a run of the command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Returns the command with these arguments, without colors and without an input.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shared-value"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// Runs the command to its end.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let output = command(arguments).output().expect("the command starts");
    Ended {
        code: output.status.code().expect("the command was not killed"),
        out: String::from_utf8(output.stdout).expect("the output is UTF-8"),
        err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// Runs the command, which must succeed without a message. Returns its output.
#[track_caller]
pub(crate) fn ok(arguments: &[&str]) -> String {
    let Ended { code, out, err } = run(arguments);
    assert!(code == 0 && err.is_empty(), "{arguments:?}: code {code}\n{out}\n{err}");
    out
}

/// Runs the command, which must fail with this code. Returns its message.
#[track_caller]
pub(crate) fn fails(code: i32, arguments: &[&str]) -> String {
    let ended = run(arguments);
    assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
    ended.err
}

/// Runs the command, which must print JSON.
#[track_caller]
pub(crate) fn json(arguments: &[&str]) -> serde_json::Value {
    let out = ok(arguments);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{out}"))
}
