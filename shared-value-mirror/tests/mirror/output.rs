//! What the command `mirror` prints.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use shared_value::Synchronized;
use shared_value_tests::{DEADLINE, Process};

use crate::support::{Names, endpoint, follow, reader};

/// A pipe of which nobody reads must not end a publisher.
#[test]
fn a_closed_output_ends_no_publisher() {
    let (names, endpoint) = (Names::new("closed"), endpoint());
    let value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
    command.args(["publish", "--listen", &endpoint, "--verbose", &names.origin]).stdin(Stdio::null());
    let mut publisher = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    drop((publisher.stdout.take(), publisher.stderr.take()));
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let copy = reader::<u64>(&names.replica);
    // It prints a line each second.
    thread::sleep(Duration::from_millis(2500));
    value.set(2).expect("the lock is free");
    copy.wait_for(|value| *value == 2, DEADLINE).expect("it comes");
    publisher.kill();
}
