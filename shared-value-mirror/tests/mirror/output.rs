//! What the command `mirror` prints.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use shared_value::{Synchronized, inspect};
use shared_value_tests::{DEADLINE, Process, eventually};

use crate::support::{Names, endpoint, follow, publish, reader, status};

/// A pipe without a reader must not end a publisher.
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

/// A person reads which state the replica shows, and how old it is.
#[test]
fn the_status_is_a_line() {
    let (names, endpoint) = (Names::new("status"), endpoint());
    let value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    value.set(2).expect("the lock is free");
    value.set(3).expect("the lock is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    reader::<u64>(&names.replica);
    eventually("it is noted", || status(&names.replica).is_some_and(|status| status.applied == 1));
    let said = Command::new(env!("CARGO_BIN_EXE_mirror")).args(["status", &names.replica]).output();
    let said = String::from_utf8(said.expect("it can be started").stdout).expect("it is text");
    let identity = inspect(&*names.origin).expect("it is there").identity().expect("it has one");
    let beginning = format!("{}: version 2 of {identity:032x}, 1 applied, 0 refused, confirmed ", &*names.replica);
    assert!(said.starts_with(&beginning) && said.ends_with(" s ago, reachable\n"), "{said}");
}
