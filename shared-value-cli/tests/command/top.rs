//! `top`, in a pseudo-terminal.

use std::fs;

use rustix::process::Signal;
use shared_value::{Arena, Synchronized, inspect};
use shared_value_tests::{DEADLINE, SegmentName, eventually, fork};

use crate::run::TOOL;
use crate::terminal::Terminal;
use crate::values::{Account, State, SynchronizedAccount};

#[test]
fn values_are_seen_live_in_80_columns() {
    let name = SegmentName::new("top");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
    for text in ["1 values", "balance", "corners[1].y", "Account, 64 bytes, version 0", "lock free", "q quit", "Open"] {
        top.until(text);
    }
    assert!(top.text().lines().all(|line| line.chars().count() <= 80), "{}", top.text());
    value.set_balance(4321).unwrap();
    top.until("4321");
    value.requests().fetch_add(5000);
    top.until("5007");

    let child = fork(|| {
        let _guard = value.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    top.until("lock held by ");
    child.signal(Signal::STOP);
    top.until("stopped)");
    child.signal(Signal::KILL);
    child.finish_killed();
    top.until("lock free");

    top.resize(100, 30);
    value.set_state(State::Frozen).unwrap();
    top.until("Frozen");
    eventually("the last line is the last row", || {
        top.text().lines().nth(29).is_some_and(|line| line.contains("q quit"))
    });
    top.resize(20, 5);
    eventually("it draws in a small terminal", || top.text().contains("q quit"));
    top.press("q");
    assert!(top.wait().success());
    eventually("the terminal is restored", || top.is_restored());
}

/// A slip of the finger must change nothing.
#[test]
fn a_field_is_edited_after_a_confirmation() {
    let name = SegmentName::new("top-edit");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
    top.until("balance");
    top.press("\te");
    top.until("balance = 100_");
    top.press("\u{7f}\u{7f}\u{7f}77\r");
    top.until("to 77? y/n");
    top.press("n");
    top.until("not changed");
    assert_eq!((value.balance(), value.version()), (100, 0));
    top.press("e");
    top.until("balance = 100_");
    top.press("\u{7f}\u{7f}\u{7f}77\ry");
    eventually("it is set", || value.balance() == 77);
    // A value that does not fit is refused with the message of `set`.
    top.press("\u{1b}[B"); // the arrow down
    top.press("e");
    top.until("state = Open_");
    top.press("x\ry");
    top.until("cannot hold");
    assert_eq!(value.state(), State::Open);
    top.press("q");
    assert!(top.wait().success());
}

/// Keys need quotes in a path, and ids have no key.
#[test]
fn values_of_an_arena_are_edited() {
    let name = SegmentName::new("top-edit-bank");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let (quoted, unnamed) = (bank.insert("a.b]\"", 5_u64).unwrap(), bank.alloc(41_u64).unwrap());
    let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
    top.until("[\"a.b]");
    top.until("41");
    top.press("\te");
    top.until("= 5_");
    top.press("\u{7f}17\r");
    top.until("to 17? y/n");
    top.press("y");
    eventually("it is set", || quoted.get() == 17);
    top.press("\u{1b}[B"); // the arrow down
    top.press("e");
    top.until("= 41_");
    top.press("\u{7f}\u{7f}43\ry");
    eventually("it is set", || bank.get(unnamed).unwrap().unwrap().get() == 43);
    // A removed value leaves the list.
    bank.remove(unnamed).unwrap();
    top.until("Arena of 1 values");
    top.press("q");
    assert!(top.wait().success());
}

#[test]
fn values_of_an_arena_are_listed() {
    let name = SegmentName::new("top-bank");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let alice = bank.insert("alice", 5_u64).unwrap();
    let mut top = Terminal::run(80, 24, TOOL, &["top", &format!("{}*", &*name)]);
    top.until("[alice]");
    top.until("Arena of 1 values");
    alice.set(1234).unwrap();
    top.until("1234");
    bank.insert("bob", 6_u64).unwrap();
    top.until("[bob]");
    top.press("\u{3}"); // Ctrl-C
    assert!(top.wait().success());
    eventually("the terminal is restored", || top.is_restored());
}

/// A shell that gets back a terminal in raw mode is useless.
#[test]
fn signals_restore_the_terminal() {
    let name = SegmentName::new("top-signals");
    let _value = Synchronized::create(&name, 12_345_u64).unwrap();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
        top.until("12345");
        assert!(!top.is_restored());
        top.signal(signal);
        assert!(top.wait().success(), "{signal:?}");
        eventually("the terminal is restored", || top.is_restored());
    }
    for stop in ["signal", "key"] {
        let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
        top.until("12345");
        if stop == "key" {
            top.press("\u{1a}");
        } else {
            top.signal(Signal::TSTP);
        }
        let state = || fs::read_to_string(format!("/proc/{}/stat", top.process())).unwrap();
        eventually("it is stopped", || state().contains(") T "));
        eventually("the terminal is restored", || top.is_restored());
        top.signal(Signal::CONT);
        eventually("it goes on", || !top.is_restored() && top.text().contains("12345"));
        top.press("q");
        assert!(top.wait().success());
    }
}

/// A program that goes on without its terminal would use a whole core, and no person would see it.
#[test]
fn a_closed_terminal_ends_the_program() {
    let name = SegmentName::new("top-closed");
    let _value = Synchronized::create(&name, 12_345_u64).unwrap();
    let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
    top.until("12345");
    top.close();
    eventually("it has ended", || top.has_ended());
}

/// Looking must not disturb: no lock of a value, and nothing written.
#[test]
fn looking_changes_nothing() {
    let name = SegmentName::new("top-unchanged");
    drop(Synchronized::create(&name, 12_345_u64).unwrap());
    name.wait_until_unused();
    let before = fs::read(name.path()).unwrap();
    let mut top = Terminal::run(80, 24, TOOL, &["top", &name]);
    top.until("12345");
    assert!(!inspect(&name).unwrap().is_in_use() && inspect(&name).unwrap().is_read());
    top.press("q");
    assert!(top.wait().success());
    assert!(fs::read(name.path()).unwrap() == before);
}
