//! The command `shared-value` sees a replica as any other value.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use shared_value::Synchronized;
use shared_value_tests::eventually;

use crate::support::{Names, endpoint, follow, publish, reader, status};

/// Returns the path of the command, which is built if it was not yet.
fn command() -> PathBuf {
    let test = env::current_exe().expect("it is known");
    let path = test.ancestors().nth(2).expect("tests lie two folders below").join("shared-value");
    if !path.exists() {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let built =
            Command::new(env!("CARGO")).args(["build", "-p", "shared-value-cli", "--profile", profile]).status();
        assert!(built.expect("cargo is there").success());
    }
    path
}

fn run(arguments: &[&str]) -> Output {
    Command::new(command()).args(arguments).stdin(Stdio::null()).output().expect("it can be started")
}

#[test]
fn the_command_shows_watches_and_diagnoses_a_replica() {
    let (names, endpoint) = (Names::new("command"), endpoint());
    let value = Synchronized::create(&*names.origin, 41_u64).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    reader::<u64>(&names.replica);
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let shown = run(&["get", &names.replica]);
    assert_eq!(text(&shown).trim(), "41", "{shown:?}");

    let mut watch = Command::new(command())
        .args(["watch", &names.replica, "--count", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    // It may not watch yet, so the value changes until it has seen a change.
    let mut number = 41;
    eventually("the command sees a change", || {
        number += 1;
        value.set(number).expect("the lock is free");
        std::thread::sleep(std::time::Duration::from_millis(50));
        watch.try_wait().expect("it is a child").is_some()
    });
    let watched = watch.wait_with_output().expect("it has ended");
    assert!(watched.status.success() && !watched.stdout.is_empty(), "{watched:?}");

    let doctor = run(&["doctor", &names.replica]);
    assert!(doctor.status.success(), "{doctor:?}");
    eventually("the status says what the replica shows", || {
        status(&names.replica).is_some_and(|status| status.version == value.version())
    });
    let said = run(&["get", &format!("{}.mirror.version", &*names.replica)]);
    assert_eq!(text(&said).trim(), value.version().to_string(), "{said:?}");
}
