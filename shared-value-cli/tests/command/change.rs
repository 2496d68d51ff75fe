//! `set`, `compare-and-set`, `add`, `create` and `rm`.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::{Signal, geteuid};
use shared_value::{
    Arena, Counter, Dyn, DynLayout, DynValue, Lock, LockKind, RLock, SharedBytes, SharedCounter, SharedString,
    SharedVec, Synchronized,
};
use shared_value_tests::{DEADLINE, SegmentName, eventually, fork};

use crate::run::{command, end, fails, json, ok, powerless};
use crate::values::{Account, Point, State, SynchronizedAccount};

/// A field that Rust would place elsewhere is a number all the same.
#[test]
fn bytes_with_a_typecode_are_written_as_what_they_mean() {
    let name = SegmentName::new("set-packed");
    ok(&["create", &name, "T{<q:balance:?:open:4x}"]);
    ok(&["set", &name, "balance=5"]);
    ok(&["compare-and-set", &name, "balance", "5", "-7"]);
    assert_eq!(ok(&["add", &name, "balance", "2"]), "-5\n");
    assert_eq!(ok(&["get", &name, "balance"]), "-5\n");
    assert!(fails(4, &["set", &name, "balance=five"]).contains("expected an integer"));
}

/// A list is an array whose length changes: its elements are named by patterns and ranges too.
#[test]
fn elements_of_a_list_are_named_by_patterns() {
    let name = SegmentName::new("set-list");
    ok(&["create", &name, "[u32; ..]", "[1, 2, 3]", "--capacity", "1000"]);
    assert_eq!(ok(&["get", &name, "[1..]"]), format!("{0}[1]\t2\n{0}[2]\t3\n", &*name));
    ok(&["set", &name, "[*]=7"]);
    assert_eq!(ok(&["get", &name]), "[7,7,7]\n");
    assert_eq!(ok(&["show", &format!("{}[?]", &*name)]).lines().count(), 3);
    assert_eq!(ok(&["show", &name]), format!("{}: [u32; ..] = [7, 7, 7]\n  version 1, 12 bytes\n", &*name));
    assert_eq!(json(&["show", "--json", &name])[0]["size"], 12);
    fails(3, &["get", &name, "[5..9]"]);
    let text = SegmentName::new("set-list-text");
    ok(&["create", &text, "SharedString", "festina lente", "--capacity", "4096"]);
    assert!(ok(&["show", &text]).ends_with("never changed, 13 bytes\n"));
}

/// The library tells programs what to call. At a terminal, such advice does not help.
#[test]
fn messages_give_advice_for_the_terminal() {
    let name = SegmentName::new("set-messages");
    ok(&["create", &name, "u64"]);
    assert!(fails(4, &["create", &name, "u64"]).contains("remove it first by `shared-value rm`"));
    assert!(fails(3, &["list", "shared-value-tests-none"]).contains("`shared-value list` shows the names"));
    assert!(fails(2, &["rm", &format!("{}[0]", &*name)]).contains("is not an arena"));
    let vast = fails(6, &["create", &format!("{}-vast", &*name), "[u64; ..]", "--capacity", "99999999999999"]);
    assert!(vast.contains("bytes of address space: use a smaller capacity"), "{vast}");
    assert!(fails(1, &["set", &name, "--if", "=7", "=8"]).contains("the value is 0, not 7: nothing was changed"));
    ok(&["create", &format!("{}-list", &*name), "[u64; 2]"]);
    let list = SegmentName::of(format!("{}-list", &*name));
    assert!(fails(4, &["add", &list, "", "1"]).contains(": the value is not a number: it is [0,0]"));
    fs::set_permissions(name.path(), Permissions::from_mode(0o444)).unwrap();
    let ended = end(&mut powerless(&["set", &name, "=5"]));
    assert!(ended.code == 6 && ended.err.contains("for writing: Permission denied"), "{ended:?}");
    fs::set_permissions(name.path(), Permissions::from_mode(0o000)).unwrap();
    for arguments in [&["get", &name][..], &["doctor", &name], &["list", &name]] {
        let ended = end(&mut powerless(arguments));
        let advice = format!("it belongs to user {} and has mode 0: run the command as", geteuid().as_raw());
        assert!(ended.code == 6 && ended.err.contains(&advice), "{ended:?}");
    }
}

/// A script that changes two parts must not let others see one of them alone.
#[test]
fn all_parts_are_set_in_one_commit() {
    let name = SegmentName::new("set-account");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    ok(&[
        "set",
        &name,
        "balance=-7",
        "state=Frozen",
        "owner=B=b",
        "limits[1]=9",
        "corners[0]={\"x\": 7, \"y\": 8.5}",
        "requests=50",
    ]);
    let now = value.load().unwrap();
    assert_eq!((now.balance, now.state, &*now.owner, now.limits), (-7, State::Frozen, "B=b", [10, 9, 30, 40]));
    assert_eq!((now.corners[0], now.requests), (Point { x: 7.0, y: 8.5 }, 50));
    assert_eq!(value.version(), 1);
    ok(&["set", &name, "limits[*]=3"]);
    assert_eq!(value.limits(), [3; 4]);
    ok(&["set", &format!("{}.limits", &*name), "[0]=1", "[1]=2"]);
    assert_eq!((value.limits(), value.version()), ([1, 2, 3, 3], 3));
    let number = SegmentName::new("set-number");
    let value = Synchronized::create(&number, 1_i64).unwrap();
    ok(&["set", &number, "=-5"]);
    assert_eq!(value.get(), -5);
}

/// Nothing may be changed if one part does not fit, also no atomic field, which cannot be rolled back.
#[test]
fn data_that_does_not_fit_changes_nothing() {
    let name = SegmentName::new("set-wrong");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    for (assignment, message) in [
        (
            "limits[1]=4294967296",
            "`limits[1]` cannot hold the given data: expected an integer from 0 to 4294967295 (u32)",
        ),
        ("state=Closed", "`state` cannot hold"),
        ("owner=twelve bytes", "`owner` cannot hold"),
        ("balance=much", "`balance` cannot hold"),
    ] {
        let found = fails(4, &["set", &name, "balance=1", "requests=1", assignment]);
        assert!(found.contains(message), "{found}");
    }
    assert!(fails(3, &["set", &name, "balance=1", "balence=1"]).contains("no such field"));
    assert!(fails(2, &["set", &name, "balance"]).contains("PATH=VALUE"));
    assert_eq!((value.load().unwrap(), value.version()), (Account::new(100), 0));

    let name = SegmentName::new("set-wrong-unlocked");
    let value = Synchronized::options().unlocked().create(&name, Account::new(100)).unwrap();
    fails(4, &["set", &name, "balance=1", "requests=1", "state=Closed"]);
    assert_eq!(value.load().unwrap(), Account::new(100));

    let name = SegmentName::new("set-wrong-arena");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let [alice, _bob] = ["alice", "bob"].map(|key| bank.insert(key, Account::new(100)).unwrap());
    fails(4, &["set", &name, "[alice].requests=1", "[bob].state=Closed"]);
    assert_eq!(alice.load().unwrap(), Account::new(100));
}

#[test]
fn conditions_are_compared_under_the_lock() {
    let name = SegmentName::new("set-if");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    ok(&["set", &name, "--if", "balance=100", "--if", "state=Open", "balance=5"]);
    assert_eq!(value.balance(), 5);
    let message = fails(1, &["set", &name, "--if", "balance=100", "balance=6"]);
    assert!(message.contains("`balance` is 5, not 100"), "{message}");
    assert_eq!((value.balance(), value.version()), (5, 1));

    ok(&["compare-and-set", &name, "balance", "5", "6"]);
    assert_eq!(value.balance(), 6);
    let ended = crate::run::run(&["compare-and-set", &name, "balance", "5", "7"]);
    assert_eq!((ended.code, &*ended.out, &*ended.err), (1, "6\n", ""));
    ok(&["compare-and-set", &name, "requests", "7", "8"]);
    assert_eq!((value.requests().load(), value.version()), (8, 2));
    fails(4, &["compare-and-set", &name, "state", "Open", "Closed"]);
}

#[test]
fn numbers_are_added_and_never_wrap() {
    let name = SegmentName::new("add");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    assert_eq!(ok(&["add", &name, "balance", "-30"]), "70\n");
    assert_eq!(ok(&["add", &name, "requests", "5"]), "12\n");
    assert_eq!(ok(&["add", &name, "corners[0].x", "0.25"]), "0.75\n");
    assert_eq!((value.balance(), value.requests().load(), value.version()), (70, 12, 2));
    assert!(fails(4, &["add", &name, "limits[0]", "-11"]).contains("does not fit"));
    assert!(fails(4, &["add", &name, "balance", "9223372036854775807"]).contains("does not fit"));
    assert!(fails(4, &["add", &name, "owner", "1"]).contains("is not a number"));
    assert!(fails(2, &["add", &name, "balance", "x"]).contains("not a number"));
    assert_eq!((value.balance(), value.version()), (70, 2));
}

/// Ten scripts that count must count every step.
#[test]
fn additions_of_many_processes_are_not_lost() {
    let name = SegmentName::new("add-many");
    let value = Synchronized::create(&name, 0_u64).unwrap();
    let children: Vec<_> =
        (0..10).map(|_| command(&["add", &name, "", "1"]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(value.get(), 10);
}

#[test]
fn values_of_an_arena_change_together() {
    let name = SegmentName::new("set-bank");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let [alice, bob] = ["alice", "b]b"].map(|key| bank.insert(key, Account::new(100)).unwrap());
    ok(&["set", &format!("{}[alice]", &*name), "balance=50"]);
    assert_eq!(alice.balance(), 50);
    ok(&["set", &name, "[alice].balance=0", "[\"b]b\"].balance=150"]);
    assert_eq!((alice.balance(), bob.balance()), (0, 150));
    // Neither changes if one does not fit, or a condition does not hold.
    fails(4, &["set", &name, "[alice].balance=1", "[\"b]b\"].state=Closed"]);
    fails(1, &["set", &name, "--if", "[\"b]b\"].balance=1", "[alice].balance=1"]);
    assert_eq!((alice.balance(), alice.version(), bob.version()), (0, 2, 1));
    assert_eq!(ok(&["add", &format!("{}[alice]", &*name), "balance", "5"]), "5\n");
    let guard = bob.lock().unwrap();
    for timeout in ["0", "0.1"] {
        let message = fails(5, &["set", "--timeout", timeout, &name, "[alice].balance=1", "[\"b]b\"].balance=1"]);
        let here = format!("process {}", std::process::id());
        assert!(message.contains(&here) && message.contains("the time is over"), "{message}");
    }
    drop(guard);
    assert_eq!((alice.version(), bob.version()), (3, 1));
    ok(&["set", "--timeout", "0", &name, "[alice].balance=6", "[\"b]b\"].balance=7"]);
    assert_eq!((alice.balance(), bob.balance()), (6, 7));
    fails(3, &["set", &name, "[carol].balance=1"]);
    fails(2, &["set", &name, "balance=1"]);
}

/// Otherwise a command could take money from an account that was closed while it waited, and give it to another one.
#[test]
fn a_value_that_is_replaced_while_the_command_waits_is_missed() {
    let name = SegmentName::new("set-replaced");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    let (alice, bob) = (arena.insert("alice", 5_u64).unwrap(), arena.insert("bob", 5_u64).unwrap());
    let guard = alice.lock().unwrap();
    let mut waiting = command(&["set", &name, "[alice]=0", "[bob]=10"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = std::io::BufReader::new(waiting.stderr.take().unwrap());
    let mut heard = String::new();
    std::io::BufRead::read_line(&mut err, &mut heard).unwrap();
    assert!(heard.contains("waiting for the lock"), "{heard}");
    arena.replace("alice", 7_u64).unwrap();
    drop(guard);
    std::io::Read::read_to_string(&mut err, &mut heard).unwrap();
    assert!(heard.contains("[alice]` was replaced or removed meanwhile"), "{heard}");
    assert_eq!(waiting.wait().unwrap().code(), Some(3));
    assert_eq!((alice.version(), bob.version(), arena.get::<u64>("alice").unwrap().unwrap().get()), (0, 0, 7));
    ok(&["set", &name, "[alice]=2", "[bob]=10"]);
    assert_eq!(bob.get(), 10);
}

/// Whatever guards a value, the tool must take that lock.
#[test]
fn each_kind_of_lock_is_taken() {
    let names = ["set-mutex", "set-unlocked", "set-lock", "set-guarded"].map(SegmentName::new);
    let [mutex, unlocked, lock, guarded] = &names;
    let value = Synchronized::options().lock_kind(LockKind::Pthread).create(mutex, 1_u64).unwrap();
    assert!(fails(4, &["set", mutex, "=2"]).contains("--pthread"));
    ok(&["set", "--pthread", mutex, "=2"]);
    assert_eq!((value.get(), value.version()), (2, 1));
    let value = Synchronized::options().unlocked().create(unlocked, 1_u64).unwrap();
    ok(&["set", unlocked, "=2"]);
    assert_eq!(ok(&["add", unlocked, "", "2"]), "4\n");
    assert_eq!(value.get(), 4);

    let object = Lock::create(lock).unwrap();
    let value = Synchronized::options().lock(&object).create(guarded, 1_u64).unwrap();
    ok(&["set", guarded, "=2"]);
    assert_eq!(value.get(), 2);
    let guard = object.lock().unwrap();
    let message = fails(5, &["set", "--timeout", "0", guarded, "=3"]);
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    drop(guard);
    assert!(fails(4, &["set", lock, "=3"]).contains("is a lock"));
    drop((value, object));
    shared_value::unlink(lock).unwrap();
    assert!(fails(3, &["set", guarded, "=3"]).contains("lock object"));
    let other = RLock::create(lock).unwrap();
    drop(other);
}

/// Without the name of the process, a person could not find out why the command waits.
#[test]
fn the_holder_of_a_lock_is_named() {
    let name = SegmentName::new("set-held");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let child = fork(|| {
        let _guard = value.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    eventually("the child holds the lock", || value.try_lock().is_err());
    let message = fails(5, &["set", "--timeout", "0.1", &name, "=2"]);
    assert!(message.contains("holds the lock of") && message.contains("process "), "{message}");
    let mut waiting = command(&["set", &name, "=3"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut heard = String::new();
    let mut err = std::io::BufReader::new(waiting.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut err, &mut heard).unwrap();
    assert!(heard.contains("waiting for the lock"), "{heard}");
    child.signal(Signal::KILL);
    child.finish_killed();
    assert!(waiting.wait().unwrap().success());
    assert_eq!(value.get(), 3);
}

/// A list, a text and bytes whose length changes must be as easy to repair as a struct.
#[test]
fn values_whose_length_changes_are_created_and_changed() {
    let (list, text, bytes) = (SegmentName::new("list"), SegmentName::new("text"), SegmentName::new("bytes"));
    ok(&["create", &list, "[u32; ..]", "[1, 2]", "--capacity", "1000"]);
    let vector = SharedVec::<u32>::open(&list).unwrap();
    assert_eq!((vector.load().unwrap(), vector.capacity()), (vec![1, 2], 1_000));
    ok(&["set", &list, "=[5, 6, 7]"]);
    ok(&["set", &list, "[0]=50", "[2]=70"]);
    assert_eq!(ok(&["add", &list, "[1]", "1"]), "7\n");
    ok(&["compare-and-set", &list, "", "[50, 7, 70]", "[1, 2, 3, 4]"]);
    assert_eq!((vector.load().unwrap(), vector.version()), (vec![1, 2, 3, 4], 4));
    assert!(fails(3, &["set", &list, "[4]=1"]).contains("4 elements"));
    assert!(fails(4, &["set", &list, "=[1, -1]"]).contains("from 0 to"));
    let many = format!("={:?}", vec![0; 1_001]);
    assert!(fails(4, &["set", &list, &many]).contains("1000"));
    assert_eq!(vector.load().unwrap(), [1, 2, 3, 4]);

    ok(&["create", &text, "SharedString", "--capacity", "100"]);
    ok(&["set", &text, "=12 monkeys"]);
    assert_eq!(ok(&["get", &text]), "12 monkeys\n");
    ok(&["set", &text, "--if", "=12 monkeys", "=äöü"]);
    assert_eq!(SharedString::open(&text).unwrap().load().unwrap(), "äöü");
    ok(&["create", &bytes, "SharedBytes", "01ff", "--capacity", "100"]);
    ok(&["set", &bytes, "=0102ff"]);
    assert_eq!(SharedBytes::open(&bytes).unwrap().load().unwrap(), [1, 2, 0xff]);
    let bank = SegmentName::new("lists");
    ok(&["create", &bank, "--arena", "1000000"]);
    ok(&["create", &format!("{}[a]", &*bank), "[u8; ..]", "--capacity", "50"]);
    ok(&["set", &bank, "[a]=[7, 8]"]);
    assert_eq!(ok(&["get", &format!("{}[a]", &*bank), "[1]"]), "8\n");
    let other = SegmentName::new("list-wrong");
    assert!(fails(2, &["create", &other, "[u32; ..]"]).contains("--capacity"));
    assert!(fails(4, &["create", &other, "u32", "--capacity", "5"]).contains("capacity"));
    assert!(fails(4, &["create", &other, "SharedString", "abc", "--capacity", "2"]).contains('2'));
    assert!(!other.path().exists());
}

#[test]
fn values_are_created_from_types_typecodes_and_schemas() {
    let name = SegmentName::new("create");
    let created = |layout: &[&str], path: &str| {
        ok(&[&["create", &*name][..], layout].concat());
        let text = ok(&["get", &name, path]);
        ok(&["rm", &name]);
        text
    };
    assert_eq!(created(&["u64", "7"], ""), "7\n");
    assert_eq!(created(&["i64", "-7"], ""), "-7\n");
    assert_eq!(created(&["[f64; 3]"], ""), "[0.0,0.0,0.0]\n");
    assert_eq!(created(&["[[u8; 2]; 3]", "[[1,2],[3,4],[5,6]]"], "[2][0]"), "5\n");
    assert_eq!(created(&["[u32]", "5", "--length", "1000"], "[999]"), "5\n");
    assert_eq!(created(&["FixedStr<20>", "07 texts"], ""), "07 texts\n");
    assert_eq!(created(&["T{<q:balance:?:open:7x}", "{\"balance\": 5, \"open\": true}"], "balance"), "5\n");
    let schema = DynLayout::of::<Account>().unwrap().to_string();
    let account = "{\"balance\": 5, \"state\": \"Frozen\", \"owner\": \"Bob\", \"limits\": [1, 2, 3, 4], \"corners\": \
                   [{\"x\": 1, \"y\": 2}, {\"x\": 1, \"y\": 2}]}";
    assert_eq!(created(&[&schema, account], "state"), "Frozen\n");
    assert_eq!(created(&[schema.trim_end(), account], "owner"), "Bob\n");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schema");
    std::fs::write(&file, &schema).unwrap();
    assert_eq!(created(&[&format!("@{}", file.display()), account], "balance"), "5\n");
    let mut child = command(&["create", &name, "-", account]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(schema.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let value = SynchronizedAccount::open(&name).unwrap();
    assert_eq!(value.balance(), 5);
    let path = folder.path().join("value");
    ok(&["create", path.to_str().unwrap(), &format!("like:{}", &*name), account, "--mode", "640"]);
    assert_eq!(SynchronizedAccount::open(&path).unwrap().limits(), [1, 2, 3, 4]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);

    assert!(fails(4, &["create", &name, "u64"]).contains("exists already"));
    // A name may continue another one.
    let longer = SegmentName::of(format!("{}.v2", &*name));
    ok(&["create", &longer, "u64", "9"]);
    assert_eq!(ok(&["get", &longer]), "9\n");
    let other = SegmentName::new("create-wrong");
    assert!(fails(4, &["create", &other, "u65"]).contains("`u65`"));
    assert!(fails(4, &["create", &other, "u8", "256"]).contains("from 0 to 255"));
    // Zeros are not a value of every type.
    assert!(fails(4, &["create", &other, &schema]).contains("state"));
    assert!(fails(2, &["create", &other]).contains("LAYOUT"));
    assert!(!other.path().exists());
}

/// The command must not read a file forever, or overflow its stack.
#[test]
fn types_without_an_end_are_refused() {
    let name = SegmentName::new("create-endless");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("type");
    let from_file = format!("@{}", file.display());
    for depth in [1, 128, 50_000] {
        let text = if depth == 1 { from_file.clone() } else { "[".repeat(depth) + "u8" + &"; 1]".repeat(depth) };
        std::fs::write(&file, &text).unwrap();
        fails(4, &["create", &name, &from_file]);
    }
    std::fs::write(&file, "[[u8; 2]; 3]").unwrap();
    ok(&["create", &name, &from_file]);
}

#[test]
fn arenas_and_their_values_are_created_and_removed() {
    let name = SegmentName::new("create-bank");
    ok(&["create", &name, "--arena", "1048576"]);
    ok(&["create", &format!("{}[alice]", &*name), "u64", "5"]);
    ok(&["create", &format!("{}[\"a.b]\"]", &*name), "[f64]", "[1, 2.5]"]);
    let bank = Arena::open(&name).unwrap();
    assert_eq!(bank.get::<u64>("alice").unwrap().unwrap().get(), 5);
    assert_eq!(bank.get::<[f64]>("a.b]").unwrap().unwrap().to_vec().unwrap(), [1.0, 2.5]);
    fails(4, &["create", &format!("{}[alice]", &*name), "u64"]);
    ok(&["rm", &format!("{}[alice]", &*name)]);
    assert!(bank.get::<Dyn>("alice").unwrap().is_none());
    fails(3, &["rm", &format!("{}[alice]", &*name)]);
    let number = SegmentName::new("create-no-bank");
    let _number = DynValue::create(&number, DynLayout::of::<u64>().unwrap()).unwrap();
    fails(2, &["create", &format!("{}[alice]", &*number), "u64"]);
}

/// A slip of the finger must not take a value from the processes that use it, nor a file that is not a segment.
#[test]
fn names_in_use_and_other_files_stay() {
    let name = SegmentName::new("rm");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    assert!(fails(5, &["rm", &name]).contains("--force"));
    ok(&["rm", "--force", &name]);
    assert!(!name.path().exists());
    drop(value);
    drop(Synchronized::create(&name, 1_u64).unwrap());
    name.wait_until_unused();
    ok(&["rm", &name]);
    assert!(!name.path().exists());
    std::fs::write(name.path(), "not a segment").unwrap();
    fails(4, &["rm", &name]);
    fails(4, &["rm", "--force", &name]);
    assert!(name.path().exists());
    fails(3, &["rm", "shared-value-tests-no-such-name"]);
    let listed = json(&["list", "--json"]);
    assert!(listed["values"].as_array().unwrap().iter().all(|value| value["name"] != *name));
}

/// A tool that took the baseline of a counter for its total, or wrote a total back, would undo what others count.
#[test]
fn counters_are_read_and_added_to() {
    let name = SegmentName::new("counters");
    let hits: SharedCounter<4> = SharedCounter::create(&name, Counter::new(5)).unwrap();
    hits.reset().unwrap();
    hits.add(7);
    assert_eq!(ok(&["get", &name, "total"]), "7\n");
    assert_eq!(ok(&["add", &name, "total", "3"]), "10\n");
    assert_eq!((hits.total(), hits.version()), (10, 1), "an addition is not a commit");
    assert_eq!(ok(&["add", &name, "total", "-1"]), "9\n");
    let shown = ok(&["show", &name]);
    assert!(shown.contains("total: counter u64 = 9"), "{shown}");
    ok(&["set", &name, "total=100"]);
    hits.increment();
    assert_eq!((hits.total(), hits.version()), (101, 2));
    let rust = ok(&["layout", &name, "--rust"]);
    assert!(rust.contains("#[shared(lanes = 4)]\n") && rust.contains("    #[shared(counter)]\n"), "{rust}");
    assert!(fails(4, &["layout", &name, "--c"]).contains("has counters"));
}
