//! `list`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use serde_json::Value;
use shared_value::{Arena, Filled, LockKind, RLock, SharedArray, Synchronized};
use shared_value_tests::{DEADLINE, SegmentName, eventually, fork};

use crate::run::{TOOL, command, fails, json, ok, run};
use crate::terminal::Terminal;
use crate::values::{Account, SynchronizedAccount};

/// The row of a table that begins with this name.
fn row(table: &str, name: &str) -> Vec<String> {
    let row = table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no row of {name}:\n{table}"));
    row.split("  ").map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn each_kind_of_segment_has_its_row() {
    let (account, bank, lock, raw, mutex) = (
        SegmentName::new("list-account"),
        SegmentName::new("list-bank"),
        SegmentName::new("list-lock"),
        SegmentName::new("list-raw"),
        SegmentName::new("list-mutex"),
    );
    let value = SynchronizedAccount::create(&account, Account::new(100)).unwrap();
    value.set_balance(5).unwrap();
    let arena = Arena::create(&bank, 1 << 20).unwrap();
    arena.insert("one", 1_u8).unwrap();
    arena.insert("two", 2_u8).unwrap();
    let _lock = RLock::create(&lock).unwrap();
    let _raw = Synchronized::options().unlocked().create(&raw, 1_u8).unwrap();
    let _mutex = Synchronized::options().lock_kind(LockKind::Pthread).create(&mutex, 1_u8).unwrap();

    let table = ok(&["list"]);
    let here = std::process::id();
    let size = size_of::<Account>().to_string();
    let cells = row(&table, &account);
    assert_eq!(cells[1..5], ["Account", &size, "1", "native"], "{table}");
    assert!(cells[5].starts_with(&format!("{here} (")), "{table}");
    assert_eq!(cells[6], "in use", "{table}");
    assert_eq!(row(&table, &bank)[1], "Arena of 2 values", "{table}");
    assert_eq!(row(&table, &lock)[1], "RLock", "{table}");
    assert_eq!(row(&table, &raw)[4], "none", "{table}");
    assert_eq!(row(&table, &mutex)[4], "pthread", "{table}");
    assert_eq!(ok(&["list", &account]).lines().count(), 2);

    // The shape of the JSON is stable: docs/command.md shows it.
    let listing = json(&["list", "--json", &account, &bank]);
    let [value, arena] = listing["values"].as_array().unwrap().as_slice() else { panic!("{listing:#}") };
    assert_eq!(value["name"], *account);
    assert_eq!((&value["kind"], &value["type"], &value["version"]), (&"value".into(), &"Account".into(), &1.into()));
    assert_eq!((&value["lock"]["kind"], &value["lock"]["owner"]), (&"native".into(), &serde_json::Value::Null));
    assert_eq!((&value["in_use"], &value["users"][0]["process"]), (&true.into(), &here.into()));
    assert_eq!((&arena["kind"], &arena["values"]), (&"arena".into(), &2.into()));
}

/// The reads of the command, which the kernel has counted.
fn reads_of(arguments: &[&str]) -> u64 {
    let mut child = command(arguments).stdout(Stdio::null()).spawn().unwrap();
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // Its counts are there until it is waited for.
    let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(id), end).unwrap();
    let counts = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
    assert!(child.wait().unwrap().success());
    counts.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap().parse().unwrap()
}

/// A look at all processes or names for each name would make a list of thousands of names slow.
#[test]
fn a_name_more_costs_a_few_reads_more() {
    const MORE: u64 = 2_000;
    let first = SegmentName::new("list-many");
    drop(Synchronized::create(&first, 1_u64).unwrap());
    let pattern = format!("{}*", &*first);
    let few = reads_of(&["list", &pattern]);
    let _more: Vec<_> = (0..MORE)
        .map(|number| {
            let name = SegmentName::of(format!("{}-{number}", &*first));
            fs::copy(first.path(), name.path()).unwrap();
            name
        })
        .collect();
    let many = reads_of(&["list", &pattern]);
    // One for the header, and two that must agree for the lock and the version. Other processes come and go meanwhile.
    assert!(many < few + 4 * MORE, "{few} reads for one name, {many} for {MORE} more");
    assert!(many > few + MORE, "the names were not read: {few}, {many}");
    assert_eq!(ok(&["list", &pattern]).lines().count(), 2_002);
}

/// The members that `docs/command.md` shows, and those that are there.
#[test]
fn the_members_of_the_json_are_those_of_the_document() {
    fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let path = format!("{path}.{name}");
                    members(value, &path, found);
                    found.insert(path);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| members(element, &format!("{path}[]"), found)),
            _ => {}
        }
    }
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command.md")).unwrap();
    let shown = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let name = SegmentName::new("list-members");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let guard = value.lock().unwrap();
    let listing = json(&["list", "--json", &name]);
    drop(guard);
    let [mut expected, mut found] = [BTreeSet::new(), BTreeSet::new()];
    members(&serde_json::from_str(shown).unwrap(), "", &mut expected);
    members(&listing, "", &mut found);
    assert_eq!(found, expected);
}

/// The first question beside a system that hangs: which process holds the lock?
#[test]
fn the_owner_of_a_lock_is_named() {
    let name = SegmentName::new("list-held");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let child = fork(|| {
        let _guard = value.lock().unwrap();
        std::thread::sleep(DEADLINE);
    });
    eventually("the child holds the lock", || ok(&["list", &name]).contains("held by"));
    let owner = json(&["list", "--json", &name])["values"][0]["lock"]["owner"].clone();
    assert_eq!(owner["process"], owner["thread"]);
    assert!(owner["process"].as_u64().is_some_and(|process| process != u64::from(std::process::id())), "{owner}");
    assert_eq!(owner["stopped"], false);
    child.signal(Signal::STOP);
    eventually("the child is stopped", || ok(&["list", &name]).contains("stopped)"));
    child.signal(Signal::KILL);
    child.finish_killed();
    eventually("the lock is free", || !ok(&["list", &name]).contains("held by"));
}

#[test]
fn names_are_chosen_by_patterns_and_files_by_paths() {
    let (one, other) = (SegmentName::new("list-pattern-one"), SegmentName::new("list-pattern-other"));
    let _values = [&one, &other].map(|name| Synchronized::create(name, 1_u64).unwrap());
    let pattern = format!("{}*", one.trim_end_matches("one"));
    let table = ok(&["list", &pattern]);
    assert!(table.contains(&*one) && !table.contains(&*other), "{table}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    let _value = Synchronized::create(&path, 1_u64).unwrap();
    let path = path.to_str().unwrap();
    assert!(ok(&["list", path]).contains(path));
    fails(3, &["list", "shared-value-tests-no-such-name"]);
}

/// A segment of another format is what a user must find, not what a tool may hide.
#[test]
fn segments_that_cannot_be_opened_are_listed() {
    let name = SegmentName::new("list-format");
    drop(Synchronized::create(&name, 1_u64).unwrap());
    let mut bytes = fs::read(name.path()).unwrap();
    bytes[12] = 1;
    fs::write(name.path(), &bytes).unwrap();
    assert!(row(&ok(&["list"]), &name).last().unwrap().starts_with("format 1"));
    bytes[12] = 2;
    bytes[20] = 77;
    fs::write(name.path(), &bytes).unwrap();
    assert!(row(&ok(&["list"]), &name).last().unwrap().starts_with("unusable"));
    let listing = json(&["list", "--json", &name]);
    assert_eq!(listing["values"][0]["kind"], "unusable");
    assert!(listing["values"][0]["fault"].as_str().unwrap().contains("lock kind"), "{listing:#}");
}

/// Any process can choose a name: it must not reach the terminal as it is.
#[test]
fn control_characters_in_names_are_escaped() {
    let name = SegmentName::new("list-\u{1b}[31mred\u{9b}\n\u{202e}");
    let _value = Synchronized::create(&name, 1_u64).unwrap();
    for arguments in [&["list"][..], &["list", "--json"]] {
        let out = ok(arguments);
        assert!(!out.contains(|one: char| one != '\n' && (one.is_control() || one == '\u{202e}')), "{out:?}");
    }
    assert!(ok(&["list"]).contains("list-\\u{1b}[31mred\\u{9b}\\n\\u{202e}"));
    let bytes = SegmentName::of(format!("shared-value-tests-{}-bytes", std::process::id()));
    let path = {
        use std::os::unix::ffi::OsStringExt;
        let mut path = bytes.path().into_os_string().into_vec();
        path.push(0xff);
        std::path::PathBuf::from(std::ffi::OsString::from_vec(path))
    };
    let _value = Synchronized::create(&path, 1_u64).unwrap();
    assert!(ok(&["list"]).contains(&*bytes), "a name that is not UTF-8");
    fs::remove_file(&path).unwrap();
    let hidden = run(&["list", "a\u{1b}b"]);
    assert!(hidden.code == 3 && !hidden.err.contains('\u{1b}'), "{hidden:?}");
}

/// `list | head` must end without a message.
#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let name = SegmentName::new("list-pipe");
    let _value = SharedArray::create(&name, Filled(0_u8, 200_000)).unwrap();
    let mut child =
        command(&["show", "--all", &name]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(status.success() && err.is_empty(), "{status} {err}");
}

#[test]
fn colors_are_used_only_where_they_are_wanted() {
    let name = SegmentName::new("list-color");
    let _value = Synchronized::create(&name, 1_u64).unwrap();
    assert!(!ok(&["list", &name]).contains('\u{1b}'));
    assert!(ok(&["list", "--color", "always", &name]).contains('\u{1b}'));
    for (environment, is_wanted) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let list = Terminal::run_with(80, 24, TOOL, &["list", &name], environment);
        list.until("list-color");
        assert_eq!(list.has_inks(), is_wanted, "{environment:?}: {}", list.text());
    }
}

/// What only looks must not change a byte, and not count as a user afterwards.
#[test]
fn looking_changes_nothing() {
    let (name, bank) = (SegmentName::new("list-unchanged"), SegmentName::new("list-unchanged-bank"));
    drop(SynchronizedAccount::create(&name, Account::new(100)).unwrap());
    let arena = Arena::create(&bank, 1 << 20).unwrap();
    arena.insert("one", 1_u8).unwrap();
    arena.remove("one").unwrap();
    arena.insert("two", 2_u8).unwrap();
    drop(arena);
    name.wait_until_unused();
    bank.wait_until_unused();
    let read = || [&name, &bank].map(|name| fs::read(name.path()).unwrap());
    let before = read();
    ok(&["list"]);
    ok(&["list", "--json", &name, &bank]);
    ok(&["show", &name, &bank]);
    ok(&["show", &format!("{}[*]", &*bank)]);
    ok(&["get", &name, "balance"]);
    assert!(read() == before);
}
