//! `doctor`.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use shared_value::{Arena, DynLayout, RLock, Synchronized};
use shared_value_tests::{DEADLINE, SegmentFile, SegmentName, eventually, fork};

use crate::run::{TOOL, fails, json, ok, run};
use crate::values::{Account, SynchronizedAccount};

#[test]
fn a_value_in_order_has_no_fault() {
    let name = SegmentName::new("doctor");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let out = ok(&["doctor", "--watch", "0.1", &name]);
    assert!(out.starts_with(&format!("{}: Account, 64 bytes, version 0\n", &*name)), "{out}");
    for part in ["free, 0 commits in", "no owner died", &format!("open in   {} (", std::process::id()), "format 2"] {
        assert!(out.contains(part), "{part}:\n{out}");
    }
    let answer = json(&["doctor", "--json", "--watch", "0", &name]);
    assert_eq!(answer["type"], "Account");
    // Some machines hide processes even from root.
    let findings = answer["findings"].as_array().unwrap();
    assert!(
        findings.iter().all(|finding| finding["text"].as_str().unwrap().contains("may not look into")),
        "{answer:#}"
    );
    assert_eq!(answer["schema"].as_str().unwrap(), DynLayout::of::<Account>().unwrap().to_string());
    drop(value);
    name.wait_until_unused();
    let out = ok(&["doctor", "--watch", "0", &name]);
    assert!(out.contains("note: no process has it open") && out.contains("shared-value rm"), "{out}");
}

/// The case that brings people here: everything hangs, and no process is dead.
#[test]
fn a_stopped_owner_is_found_and_can_be_cured() {
    let name = SegmentName::new("doctor-stopped");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let child = fork(|| {
        let _guard = value.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    eventually("the child holds the lock", || value.try_lock().is_err());
    let busy = run(&["doctor", "--watch", "0.2", &name]);
    assert!(busy.code == 1 && busy.out.contains("warning: ") && busy.out.contains("committed nothing"), "{busy:?}");
    child.signal(Signal::STOP);
    eventually("the child is stopped", || {
        let stopped = run(&["doctor", "--watch", "0.1", &name]);
        stopped.code == 1 && stopped.out.contains("fault: ") && stopped.out.contains("kill -CONT")
    });
    let answer = run(&["doctor", "--json", "--watch", "0.1", &name]);
    let answer: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(answer["watched"]["held"], answer["watched"]["looks"]);
    assert_eq!(answer["watched"]["owner"]["stopped"], true);
    assert_eq!(answer["findings"][0]["severity"], "fault");
    let process = answer["watched"]["owner"]["process"].as_u64().unwrap();
    assert!(answer["findings"][0]["cure"].as_str().unwrap().contains(&format!("kill -CONT {process}")));
    child.signal(Signal::KILL);
    child.finish_killed();
    let out = ok(&["doctor", "--watch", "0", &name]);
    assert!(out.contains("the last owner of the lock died"), "{out}");
    value.set(2).unwrap();
    assert!(ok(&["doctor", "--watch", "0", &name]).contains("owners died with the lock once"));
}

#[test]
fn the_owner_of_a_lock_object_and_of_a_value_in_an_arena_is_found() {
    let (lock, name, bank) =
        (SegmentName::new("doctor-lock"), SegmentName::new("doctor-guarded"), SegmentName::new("doctor-bank"));
    let object = RLock::create(&lock).unwrap();
    let value = Synchronized::options().lock(&object).create(&name, 1_u64).unwrap();
    let guard = value.lock().unwrap();
    let here = std::process::id();
    let found = run(&["doctor", "--watch", "0.1", &name]);
    assert!(found.out.contains(&format!("held by {here} (")), "{found:?}");
    assert!(found.out.contains(&format!("the lock object `{}` guards it", &*lock)), "{found:?}");
    drop(guard);

    let arena = Arena::create(&bank, 1 << 20).unwrap();
    let one = arena.insert("one", 1_u64).unwrap();
    let guard = one.lock().unwrap();
    let found = run(&["doctor", "--watch", "0", &bank]);
    assert!(found.out.contains(&format!("the lock of `{}[one]` is held by {here} (", &*bank)), "{found:?}");
    drop(guard);
}

#[test]
fn values_of_arenas_and_tokens_are_examined() {
    let name = SegmentName::new("doctor-one");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    let [alice, bob] = ["alice", "bob"].map(|key| arena.insert(key, Account::new(5)).unwrap());
    alice.set_balance(7).unwrap();
    let one = format!("{}[alice]", &*name);
    let out = ok(&["doctor", "--watch", "0", &one]);
    assert!(out.starts_with(&format!("{one}: Account, 64 bytes, version 1\n")) && out.contains("free"), "{out}");
    assert!(out.contains(&format!("open in   {} (", std::process::id())), "{out}");
    let child = fork(|| {
        let _guard = bob.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    eventually("the child holds the lock", || bob.try_lock().is_err());
    child.signal(Signal::STOP);
    let (bob_name, bob_token) = (format!("{}[bob]", &*name), bob.token().unwrap().to_string());
    for target in [&bob_name, &bob_token] {
        eventually("the stopped owner is found", || {
            let found = run(&["doctor", "--watch", "0.1", target]);
            found.code == 1 && found.out.contains("fault: ") && found.out.contains("kill -CONT")
        });
    }
    ok(&["doctor", "--watch", "0", &one]);
    child.signal(Signal::KILL);
    child.finish_killed();
    let answer = json(&["doctor", "--json", "--watch", "0", &bob_token]);
    assert_eq!((&answer["type"], &answer["size"]), (&"Account".into(), &64.into()));
    assert!(answer["lock"]["owner"].is_null(), "{answer:#}");
    let found = run(&["doctor", "--watch", "0", "--expect", "u64", &one]);
    assert!(found.code == 1 && found.out.contains("expected u64, found Account"), "{found:?}");
    fails(3, &["doctor", &format!("{}[carol]", &*name)]);
    fails(2, &["doctor", &format!("{}[*]", &*name)]);

    // Tokens of a value with a name, of an arena, and of a value without a name.
    let number = SegmentName::new("doctor-token");
    let named = Synchronized::create(&number, 1_u64).unwrap();
    let out = ok(&["doctor", "--watch", "0", &named.token().unwrap().to_string()]);
    assert!(out.starts_with(&format!("/dev/shm/{}: u64, 8 bytes", &*number)), "{out}");
    let out = ok(&["doctor", "--watch", "0", &arena.token().unwrap().to_string()]);
    assert!(out.contains("Arena of 2 values"), "{out}");
    let unnamed = Synchronized::new(1_u64).unwrap();
    let token = unnamed.token().unwrap().to_string();
    let out = ok(&["doctor", "--watch", "0", &token]);
    assert!(out.starts_with(&format!("{token}: u64, 8 bytes, version 0")) && out.contains("no name"), "{out}");
    assert!(out.contains(&format!("open in   {} (", std::process::id())), "{out}");
    drop(unnamed);
    fails(3, &["doctor", "--watch", "0", &token]);
}

/// A program that was built from another definition must learn which fields differ.
#[test]
fn layouts_are_compared_field_by_field() {
    let name = SegmentName::new("doctor-layout");
    let _value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let schema = DynLayout::of::<Account>().unwrap().to_string();
    ok(&["doctor", "--watch", "0", "--expect", &schema, &name]);
    let other = "T{<q:balance:B:state:11s:owner:(4)<i:limits:(2)T{<f:x:<I:y:}:corners:4x<d:requests:}";
    let found = run(&["doctor", "--watch", "0", "--expect", other, &name]);
    assert_eq!(found.code, 1);
    for part in [
        "`limits`: expected [i32; 4] at 20, found [u32; 4] at 20",
        "`corners[0].y`: expected u32 at 40, found f32 at 40",
        "`requests`: expected f64 at 56, found u64 at 56",
    ] {
        assert!(found.out.contains(part), "{part}:\n{}", found.out);
    }
    assert_eq!(found.out.matches("fault: ").count(), 3, "{}", found.out);
    let other = schema.replace("Frozen=2", "Frozen=3");
    let found = run(&["doctor", "--watch", "0", "--expect", &other, &name]);
    assert!(
        found
            .out
            .contains("`state`: expected State(u8: Open=1, Frozen=3) at 8, found State(u8: Open=1, Frozen=2) at 8")
    );
}

/// The command of a cure is copied: it must mean the name also if that cannot be printed as it is.
#[test]
fn a_cure_can_be_copied() {
    let name = SegmentName::new("doctor-cure a\u{1b}[31m\n'\\\u{202e}");
    ok(&["create", &name, "u64"]);
    let found = ok(&["doctor", "--watch", "0", &name]);
    let cure = found.lines().find_map(|line| line.split_once("`shared-value ")).unwrap().1.trim_end_matches('`');
    let line = format!("{TOOL} {cure}");
    assert!(Command::new("bash").args(["-c", &line]).status().unwrap().success(), "{line}");
    assert!(!name.path().exists(), "{line}");
}

/// Only a process that is killed at the worst moment leaves such a name, and only its users would know what it is.
#[test]
fn what_a_killed_replacement_has_left_is_named() {
    let name = SegmentName::of(format!(".shared-value-next-{:032x}", std::process::id()));
    ok(&["create", &name, "u64"]);
    let found = ok(&["doctor", "--watch", "0", &name]);
    assert!(found.contains("note: a program that replaced a value was killed, and has left this one"), "{found}");
    assert!(found.contains("`shared-value rm .shared-value-next-"), "{found}");
}

#[test]
fn damage_is_named_with_a_cure() {
    let name = SegmentName::new("doctor-damage");
    drop(SynchronizedAccount::create(&name, Account::new(100)).unwrap());
    let intact = fs::read(name.path()).unwrap();
    let with = |offset: usize, byte: u8| {
        let mut bytes = intact.clone();
        bytes[offset] = byte;
        fs::write(name.path(), bytes).unwrap();
        let found = run(&["doctor", "--watch", "0", &name]);
        assert_eq!(found.code, 1, "{found:?}");
        found.out
    };
    let out = with(12, 1);
    assert!(out.contains("fault: ") && out.contains("format version") && out.contains("rm --force"), "{out}");
    let out = with(20, 99);
    assert!(out.contains("lock kind") && out.contains("header is damaged"), "{out}");
    assert!(with(0, 0).contains("it is not a segment of this library"));
    assert!(with(88, 1).contains("nothing vouches"));
    assert!(with(96, 1).contains("retired"));
    fs::write(name.path(), &intact).unwrap();
    let file = SegmentFile::open(name.path());
    let state = usize::try_from(file.cell_offset()).unwrap() + 64 + 8;
    let out = with(state, 77);
    assert!(out.contains("`state` holds invalid bits"), "{out}");
    fs::write(name.path(), "text").unwrap();
    assert_eq!(run(&["doctor", &name]).code, 1);
    fails(3, &["doctor", "shared-value-tests-no-such-name"]);
}
