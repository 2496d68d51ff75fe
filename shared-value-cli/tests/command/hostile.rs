//! Segments that other programs have damaged: an error, never a crash.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use shared_value::{Arena, Synchronized};
use shared_value_tests::{SegmentName, eventually, hostile};

use crate::run::{TOOL, run};
use crate::terminal::Terminal;
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

/// The inputs that the fuzzer has found for the library are hostile to the command too.
#[test]
fn the_corpus_of_the_fuzzer_never_crashes_the_command() {
    let name = SegmentName::new("hostile-corpus");
    let commands = [
        &["show", "--all", &name][..],
        &["show", "--json", &name],
        &["doctor", "--watch", "0", &name],
        &["doctor", "--json", "--watch", "0", "--expect", "u64", &name],
        &["layout", "--json", &name],
        &["layout", "--rust", &name],
        &["get", &name, "*"],
        &["set", "--timeout", "0", &name, "*=1"],
        &["compare-and-set", "--timeout", "0", &name, "", "1", "2"],
        &["wait", "--timeout", "0", &name, "value == 1"],
        &["list", "--json", &name],
        &["lock", "--timeout", "0", &name, "--", "true"],
    ];
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/segment");
    let mut inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 600, "{}", inputs.len());
    for (number, input) in inputs.iter().enumerate() {
        hostile::write(&fs::read(input).unwrap(), &name);
        // Each command meets every kind of input, because there are many more inputs than commands.
        for arguments in [commands[number % commands.len()], commands[(number / 7 + 5) % commands.len()]] {
            let ended = run(arguments);
            assert!((0..=6).contains(&ended.code), "{}: {arguments:?}: {ended:?}", input.display());
        }
    }
}

/// `top` opens whatever has a name.
#[test]
fn top_survives_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/segment");
    let mut inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    inputs.sort();
    let names: Vec<_> = (0..60).map(|number| SegmentName::new(&format!("hostile-top-{number:02}"))).collect();
    for (name, input) in names.iter().zip(inputs.iter().step_by(10)) {
        hostile::write(&fs::read(input).unwrap(), name);
    }
    let pattern = format!("shared-value-tests-{}-*-hostile-top-*", std::process::id());
    let mut top = Terminal::run(80, 24, TOOL, &["top", "--interval", "0.02", &pattern]);
    top.until(" values ");
    for _ in &names {
        top.press("\u{1b}[B"); // the arrow down
    }
    top.press("\t");
    top.until("q quit");
    top.press("q");
    assert!(top.wait().success());
    eventually("the terminal is restored", || top.is_restored());
}

/// A name that went to the terminal as it is could move the cursor there, or turn the text around.
#[test]
fn strange_arguments_are_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let pipe = pipe.to_str().unwrap();
    for (code, arguments, words) in [
        (3, &["show", ""][..], "no shared value `` exists"),
        (3, &["show", "."], "no shared value `.` exists"),
        (3, &["show", "/"], "no shared value `/` exists"),
        (3, &["show", ".."], "no shared value `..` exists"),
        (3, &["show", "[x]"], "no shared value `[x]` exists"),
        (3, &["show", "a\u{1b}[2Jb"], "no shared value `a\\u{1b}[2Jb` exists"),
        (4, &["list", "/dev/null"], "expected a regular file, found a device"),
        (4, &["doctor", "/dev/zero"], "expected a regular file, found a device"),
        (4, &["list", "/dev/shm"], "expected a regular file, found a directory"),
        (4, &["get", pipe, "x"], "expected a regular file, found a pipe"),
        (3, &["show", "/dev/shm"], "/dev/shm"),
        (2, &["create", "shared-value:x", "u8"], "a token names no file"),
        (2, &["create", "", "u8"], "it is empty"),
        (3, &["get", "shared-value:nonsense", "x"], "not of the form"),
        (3, &["set", "\u{202e}", "=1"], "no shared value `\\u{202e}` exists"),
        (3, &["show", "a\u{61c}b"], "no shared value `a\\u{61c}b` exists"),
        (3, &["show", "a\nshared-value: b"], "no shared value `a\\nshared-value: b` exists"),
    ] {
        let ended = run(arguments);
        assert!(ended.code == code && ended.err.contains(words), "{arguments:?}: {ended:?}");
        assert!(!ended.err.contains(['\u{1b}', '\u{202e}', '\u{61c}']), "{arguments:?}: {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{arguments:?}: {ended:?}");
    }
}
