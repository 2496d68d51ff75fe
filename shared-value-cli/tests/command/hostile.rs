//! Segments that other programs have damaged: an error, never a crash.

use std::fs;

use shared_value::{Arena, Synchronized};
use shared_value_tests::SegmentName;

use crate::run::{command, run};
use crate::values::Account;

/// The commands that people use when something is wrong.
fn look_at(name: &str) {
    for arguments in [
        &["list", "--json", name][..],
        &["show", "--all", name],
        &["doctor", "--watch", "0", name],
        &["layout", name, "--json"],
        &["get", name, "[one]"],
    ] {
        // `run` panics if a signal has ended the command; a panic has the code 101.
        let ended = run(arguments);
        assert!((0..=6).contains(&ended.code), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn damaged_segments_never_crash_the_command() {
    let (name, damaged) = (SegmentName::new("hostile"), SegmentName::new("hostile-damaged"));
    drop(Synchronized::create(&name, Account::new(100)).unwrap());
    let intact = fs::read(name.path()).unwrap();
    // Every byte of the header and the table, and some of the rest.
    for at in (0..192).step_by(5).chain((192..intact.len()).step_by(29)) {
        let mut bytes = intact.clone();
        bytes[at] ^= 0xff;
        fs::write(damaged.path(), bytes).unwrap();
        look_at(&damaged);
    }
    for length in [0, 1, 127, 128, 191, 192, intact.len() - 1] {
        fs::write(damaged.path(), &intact[..length]).unwrap();
        look_at(&damaged);
    }
}

#[test]
fn damaged_arenas_never_crash_the_command() {
    let (name, damaged) = (SegmentName::new("hostile-arena"), SegmentName::new("hostile-arena-damaged"));
    let arena = Arena::create(&name, 1 << 14).unwrap();
    arena.insert("one", 1_u64).unwrap();
    arena.insert("two", Account::new(2)).unwrap();
    drop(arena);
    let intact = fs::read(name.path()).unwrap();
    // Most of the file is zeros that nothing has been written over.
    let is_used = |at: &usize| intact[at / 64 * 64..].iter().take(64).any(|byte| *byte != 0);
    for at in (0..intact.len()).step_by(61).filter(is_used) {
        for flip in [0xff, 0x01] {
            let mut bytes = intact.clone();
            bytes[at] ^= flip;
            fs::write(damaged.path(), bytes).unwrap();
            look_at(&damaged);
        }
    }
}

/// A value of text, keys and a name that try to get out of their places.
#[test]
fn strange_arguments_are_refused_with_words() {
    for arguments in [
        &["show", ""][..],
        &["show", "."],
        &["show", "/"],
        &["show", ".."],
        &["show", "[x]"],
        &["show", "a\u{1b}[2Jb"],
        &["list", "/dev/null"],
        &["doctor", "/dev/zero"],
        &["show", "/dev/shm"],
        &["create", "shared-value:x", "u8"],
        &["create", "", "u8"],
        &["get", "shared-value:nonsense", "x"],
        &["set", "\u{202e}", "=1"],
    ] {
        let ended = run(arguments);
        assert!((1..=6).contains(&ended.code) && !ended.err.is_empty(), "{arguments:?}: {ended:?}");
        assert!(!ended.err.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {ended:?}");
    }
    let output = command(&["list"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
}
