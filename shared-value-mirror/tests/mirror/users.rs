//! A follower that root's rights do not help.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::{env, fs};

use shared_value::{Synchronized, inspect};
use shared_value_tests::{DEADLINE, Process, eventually};
use tempfile::TempDir;

use crate::support::{Names, endpoint, publish, reader, status};

/// The number of a user without rights.
const NOBODY: u32 = 65534;

/// The owner may not write a file of mode 0444 either, so a new follower could not take over the replica of a killed one.
#[test]
fn a_follower_of_another_user_goes_on_with_its_replica() {
    let (names, endpoint) = (Names::new("user"), endpoint());
    let value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    // Another user may not be able to reach the folders of the build. A process of its own makes the copy: while this one has a
    // file open for writing, a child of another test may have it open too, and then it cannot be run.
    let directory = TempDir::new().expect("there is room");
    let program = directory.path().join("mirror");
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_mirror")).arg(&program).status();
    assert!(copied.expect("there is `cp`").success());
    for path in [directory.path(), &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let is_root = fs::metadata("/proc/self").expect("it is there").uid() == 0;
    let follow = || {
        let mut command = Command::new(&program);
        command.args(["follow", "--connect", &endpoint, "--prefix", "r1-", &names.origin]);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        Process::start(command.stdin(Stdio::null()).current_dir(env::temp_dir()))
    };
    let mut follower = follow();
    let copy = reader::<u64>(&names.replica);
    let facts = || {
        let facts = names.replica.path().metadata().expect("it is there");
        (facts.uid(), facts.mode() & 0o777)
    };
    let (owner, mode) = facts();
    assert!(owner != 0 && mode == 0o444, "user {owner}, mode {mode:o}");
    // A follower that is killed before that makes another one.
    eventually("the replica is noted", || status(&names.replica).is_some_and(|status| status.origins == 1));
    let segment = inspect(&*names.replica).expect("it is there").identity();
    for number in 2..4 {
        follower.kill();
        value.set(number).expect("the lock is free");
        follower = follow();
        copy.wait_for(|value| *value == number, DEADLINE).expect("it comes");
    }
    assert_eq!(inspect(&*names.replica).expect("it is there").identity(), segment, "the replica goes on");
    assert_eq!(facts(), (owner, 0o444));
    eventually("the status says so", || status(&names.replica).is_some_and(|status| status.version == value.version()));
    assert_eq!(status(&names.replica).expect("it is there").origins, 1, "no other replica was made");
}
