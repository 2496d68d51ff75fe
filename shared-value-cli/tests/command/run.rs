//! Runs the command.

use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use shared_value_tests::DEADLINE;

/// How a run of the command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The path of the command.
pub(crate) const TOOL: &str = env!("CARGO_BIN_EXE_shared-value");

/// Returns the command with these arguments, without colors and without an input.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(TOOL);
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// Runs the tool without the right to disregard permissions, which the superuser has.
pub(crate) fn powerless(arguments: &[&str]) -> Command {
    if geteuid().is_root() {
        let mut tool = Command::new("setpriv");
        tool.args(["--bounding-set=-all", "--", TOOL]).args(arguments);
        tool
    } else {
        command(arguments)
    }
}

/// Runs the command to its end, which must come soon.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Ended {
    end(&mut command(arguments))
}

/// Runs a command to its end, which must come soon.
#[track_caller]
pub(crate) fn end(command: &mut Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let process = Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("an id");
    let (end, ended) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        // The end of the channel is the end of the command.
        if ended.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(process, Signal::KILL);
        }
    });
    let output = child.wait_with_output().expect("the command ends");
    drop(end);
    watchdog.join().expect("it does not panic");
    let code = output.status.code();
    Ended {
        code: code.unwrap_or_else(|| panic!("{command:?}: {} within {DEADLINE:?}", output.status)),
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
