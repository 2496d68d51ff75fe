//! `watch` and `wait`.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use shared_value::{Arena, Synchronized, inspect};
use shared_value_tests::stepper::{instructions, marked};
use shared_value_tests::{DEADLINE, Process, SegmentName, eventually};

use crate::run::{command, fails, ok, powerless, run};
use crate::values::{Account, State, SynchronizedAccount};

/// A command that runs, and the lines that it prints.
struct Running {
    process: Process,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Process::start(command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()));
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }
}

/// Waits until a thread sleeps until the value changes.
fn until_awaited(name: &SegmentName) {
    eventually("a thread waits for a change", || inspect(name).unwrap().is_awaited());
}

#[test]
fn each_change_is_a_line() {
    let name = SegmentName::new("watch");
    let value = Synchronized::create(&name, [1_u32, 2, 3]).unwrap();
    let mut watch = Running::start(&["watch", &name]);
    until_awaited(&name);
    value.set_at(1, 20).unwrap();
    assert!(watch.line().contains("version 1  [1] 2 -> 20"));
    until_awaited(&name);
    value.set([7, 20, 9]).unwrap();
    assert!(watch.line().contains("version 2  [0] 1 -> 7, [2] 3 -> 9"));
}

#[test]
fn changes_are_printed_as_json_lines() {
    let name = SegmentName::new("watch-json");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let mut watch = Running::start(&["watch", "--json", "--count", "2", &name, "balance", "state"]);
    let changed = |watch: &mut Running| -> serde_json::Value { serde_json::from_str(&watch.line()).unwrap() };
    until_awaited(&name);
    value.set_limits([0; 4]).unwrap(); // This part is not watched.
    value.set_balance(5).unwrap();
    let line = changed(&mut watch);
    assert_eq!((&line["target"], &line["version"]), (&(*name).into(), &2.into()));
    assert_eq!(line["changes"], serde_json::json!({ "balance": { "old": 100, "new": 5 } }));
    value.set_state(State::Frozen).unwrap();
    assert_eq!(changed(&mut watch)["changes"]["state"]["new"], "Frozen");
    assert!(watch.process.ended().success());
}

/// Atomic fields change without a commit, so no writer would wake the command.
#[test]
fn atomic_fields_are_looked_at() {
    let name = SegmentName::new("watch-atomic");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let mut child =
        command(&["watch", &name, "requests"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut remark, mut line) = (String::new(), String::new());
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("without a commit (requests)"), "{remark}");
    eventually("it is open", || inspect(&name).unwrap().is_awaited());
    value.requests().fetch_add(1);
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("requests 7 -> 8"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn many_values_are_watched_at_once() {
    let name = SegmentName::new("watch-bank");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let values: Vec<_> = (0..100).map(|key| bank.insert(&format!("k{key}"), 0_u64).unwrap()).collect();
    let mut child = command(&["watch", "--count", "2", &format!("{}[*]", &*name)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut remark = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("100 values"), "{remark}");
    values[7].set(1).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("[k7]  value 0 -> 1"));
    values[99].set(2).unwrap();
    assert!(lines.next().unwrap().unwrap().contains("[k99]  value 0 -> 2"));
    assert!(child.wait().unwrap().success());
}

/// A writer that never pauses would fill the terminal, and the other values would not be looked at.
#[test]
fn a_value_that_changes_all_the_time_is_a_line_in_each_interval() {
    let name = SegmentName::new("watch-busy");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let busy = bank.insert("busy", 0_u64).unwrap();
    let mut running = Running::start(&["watch", "--interval", "0.5", &format!("{}[*]", &*name)]);
    eventually("it is watched", || inspect(&name).unwrap().is_awaited());
    let stop = AtomicBool::new(false);
    let lines = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                busy.update(|number| *number += 1).unwrap();
            }
        });
        thread::sleep(Duration::from_secs(2));
        running.process.kill();
        stop.store(true, Ordering::Relaxed);
        std::iter::from_fn(|| Some(running.line()).filter(|line| !line.is_empty())).count()
    });
    assert!((1..30).contains(&lines), "{lines} lines in two seconds");
}

/// Returns whether the command has mapped the segment.
fn is_mapped_by(running: &Running, name: &SegmentName) -> bool {
    fs::read_to_string(format!("/proc/{}/maps", running.process.id())).is_ok_and(|maps| maps.contains(&**name))
}

/// A script that follows an arena must learn of new values too, and of those that are gone.
#[test]
fn added_and_removed_values_are_reported() {
    let name = SegmentName::new("watch-keys");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let value = bank.insert("http.a", 1_u64).unwrap();
    bank.insert("tcp", 1_u64).unwrap();
    for poll in [&["--poll", "--interval", "0.01"][..], &[]] {
        let pattern = format!("{}[http.*]", &*name);
        let arguments = [&["watch", "--json"], poll, &[&pattern]].concat();
        let mut watch = Running::start(&arguments);
        let next = |watch: &mut Running| -> serde_json::Value { serde_json::from_str(&watch.line()).unwrap() };
        if poll.is_empty() {
            until_awaited(&name);
        } else {
            // The first look comes before the remark, which goes nowhere here.
            eventually("it watches", || is_mapped_by(&watch, &name));
            thread::sleep(Duration::from_millis(300));
        }
        let target = |key: &str| format!("{}[{key}]", &*name);
        bank.insert("tcp.b", 1_u64).unwrap();
        value.update(|value| *value += 1).unwrap();
        let line = next(&mut watch);
        assert_eq!((&line["target"], &line["event"]), (&target("http.a").into(), &serde_json::Value::Null), "{line}");
        let added = bank.insert("http.b", 5_u64).unwrap();
        let line = next(&mut watch);
        assert_eq!((&line["target"], &line["event"]), (&target("http.b").into(), &"added".into()), "{line}");
        assert_eq!((&line["changes"][""]["old"], &line["changes"][""]["new"]), (&().into(), &5.into()), "{line}");
        added.set(6).unwrap();
        let line = next(&mut watch);
        assert_eq!((&line["changes"][""]["old"], &line["changes"][""]["new"]), (&5.into(), &6.into()), "{line}");
        assert!(bank.remove("http.b").unwrap() && bank.remove("tcp.b").unwrap());
        let line = next(&mut watch);
        assert_eq!((&line["target"], &line["event"]), (&target("http.b").into(), &"removed".into()), "{line}");
        assert_eq!((&line["changes"][""]["old"], &line["changes"][""]["new"]), (&6.into(), &().into()), "{line}");
    }
}

/// A watcher of a value that never changes must cost nothing, and so must one of an arena.
#[test]
fn a_watcher_sleeps_between_changes() {
    let name = SegmentName::new("watch-asleep");
    let _value = Synchronized::create(&name, 1_u64).unwrap();
    let bank = SegmentName::new("watch-asleep-bank");
    let arena = Arena::create(&bank, 1 << 20).unwrap();
    for key in 0..1_000 {
        arena.insert(&format!("{key}"), 0_u64).unwrap();
    }
    for target in [(*name).to_owned(), format!("{}[*]", &*bank)] {
        check_idle(&target, if target.contains('[') { &bank } else { &name });
    }
}

/// Checks that a watcher takes no time while nothing changes.
fn check_idle(target: &str, name: &SegmentName) {
    let watch = Running::start(&["watch", target]);
    until_awaited(name);
    let ticks = || {
        let facts = fs::read_to_string(format!("/proc/{}/stat", watch.process.id())).unwrap();
        let fields: Vec<_> = facts.rsplit_once(')').unwrap().1.split_ascii_whitespace().map(str::to_owned).collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    thread::sleep(Duration::from_secs(1));
    let spent = ticks() - before;
    assert!(spent <= 5, "{spent} ticks of 100 in a second");
}

#[test]
fn wait_ends_when_the_condition_holds() {
    let name = SegmentName::new("wait");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    ok(&["wait", &name, "balance == 100 && state == Open"]);
    let mut waiting = command(&["wait", &name, "balance < 0 || state == Frozen"]).spawn().unwrap();
    until_awaited(&name);
    value.set_balance(50).unwrap();
    until_awaited(&name);
    assert!(waiting.try_wait().unwrap().is_none());
    value.set_state(State::Frozen).unwrap();
    assert!(waiting.wait().unwrap().success());

    let mut waiting = command(&["wait", &name, "requests > 10"]).spawn().unwrap();
    value.requests().store(11);
    assert!(waiting.wait().unwrap().success());
    ok(&["wait", &format!("{}.corners[0]", &*name), "x == 0.5 && y < 2"]);

    assert!(fails(5, &["wait", "--timeout", "0.1", &name, "balance == 0"]).contains("time is over"));
    assert!(fails(3, &["wait", &name, "balence == 0"]).contains("balence"));
    assert!(fails(2, &["wait", &name, "balance =="]).contains("too early"));
    let number = SegmentName::new("wait-number");
    let _value = Synchronized::create(&number, 5_u64).unwrap();
    ok(&["wait", &number, "value >= 5"]);
}

/// A writer that never pauses must not make the command wait longer than it was told to.
#[test]
fn a_wait_ends_in_time_beside_busy_writers() {
    let name = SegmentName::new("wait-busy");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    value.update_balance(|balance| *balance += 1).unwrap();
                }
            });
        }
        let ended = run(&["wait", "--timeout", "0.2", &name, "balance < 0 && owner == Bob && limits[3] == 0"]);
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(ended.code, 5, "{ended:?}");
        assert!(ended.err.contains("time is over"), "{ended:?}");
    });
}

/// `watch | head -1` would wait for a change that may never come.
#[test]
fn a_watch_ends_with_the_reader_of_its_output() {
    let (name, bank) = (SegmentName::new("watch-reader"), SegmentName::new("watch-reader-bank"));
    let _value = Synchronized::create(&name, 1_u64).unwrap();
    let arena = Arena::create(&bank, 1 << 20).unwrap();
    arena.insert("one", 1_u64).unwrap();
    for arguments in [&["watch", &name][..], &["watch", "--poll", &name], &["watch", &format!("{}[*]", &*bank)]] {
        let mut watch = command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(watch.stdout.take());
        eventually("the watch ends", || watch.try_wait().unwrap().is_some_and(|status| status.success()));
    }
    // Other outputs have no reader that could go.
    let mut watch = command(&["watch", "--count", "1", &name]).stdout(Stdio::null()).spawn().unwrap();
    until_awaited(&name);
    assert!(watch.try_wait().unwrap().is_none());
    ok(&["set", &name, "=2"]);
    assert!(watch.wait().unwrap().success());
}

/// Without the right to write a value, the tool cannot announce a waiter in it. If it slept all the same, it would never wake up.
#[test]
fn without_permission_to_write_it_polls_and_says_so() {
    let name = SegmentName::new("watch-read-only");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    fs::set_permissions(Path::new("/dev/shm").join(&*name), Permissions::from_mode(0o444)).unwrap();
    let mut watch = powerless(&["watch", "--interval", "0.05", "--count", "1", &name]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut remark = String::new();
    BufReader::new(watch.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("looked at every 0.05 s, because it cannot announce itself: "), "{remark}");
    assert!(remark.contains("Permission denied"), "{remark}");
    value.set(2).unwrap();
    let mut line = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("version 1  value 1 -> 2"), "{line}");
    assert!(watch.wait().unwrap().success());
}

/// The tool does not trust a mutex of the C library, so it opens such a value for reading only.
#[test]
fn a_value_with_a_mutex_is_polled() {
    let name = SegmentName::new("watch-mutex");
    let value = Synchronized::options().lock_kind(shared_value::LockKind::Pthread).create(&name, 1_u64).unwrap();
    let mut child = command(&["wait", "--timeout", "30", &name, "value == 2"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut remark = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("cannot announce itself"), "{remark}");
    value.set(2).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn lock_holds_the_lock_while_the_command_runs() {
    let name = SegmentName::new("lock");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let mut child =
        command(&["lock", &name, "--", "sh", "-c", "echo $$; exec sleep 60"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(value.try_lock().is_err());
    let message = fails(5, &["set", "--timeout", "0", &name, "=2"]);
    let holder = message.split("process ").nth(1).and_then(|rest| {
        rest.strip_suffix(&format!(" (shared-value) holds the lock of `{}`: the time is over\n", &*name))
    });
    let holder = holder.unwrap_or_else(|| panic!("{message}"));
    let status = fs::read_to_string(format!("/proc/{holder}/status")).unwrap();
    assert!(status.contains(&format!("PPid:\t{}\n", child.id())), "{status}");
    let inner: i32 = line.trim().parse().unwrap();
    assert!(fs::exists(format!("/proc/{inner}")).unwrap());
    // The command dies with the tool.
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the command is gone", || {
        fs::read_to_string(format!("/proc/{inner}/stat")).map_or(true, |stat| stat.contains(") Z"))
    });
    eventually("the lock is free", || value.try_lock().is_ok());
    assert_eq!((value.get(), value.version()), (1, 0));
}

/// Once another process has the lock, the command must not change what the lock protects.
#[test]
fn the_lock_is_not_free_before_the_command_is_dead() {
    let name = SegmentName::new("lock-killed");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    for round in 0..20 {
        // The second process belongs to the command too.
        let script = "echo $$; sleep 60 & echo $!; wait";
        let mut tool = command(&["lock", &name, "--", "sh", "-c", script]);
        let mut tool = tool.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(tool.stdout.take().unwrap()).lines();
        let processes = [(); 2].map(|()| lines.next().unwrap().unwrap());
        let id = Pid::from_raw(i32::try_from(tool.id()).unwrap()).unwrap();
        let living = thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let _guard = value.lock_timeout(DEADLINE).unwrap();
                let is_alive = |process: &&String| {
                    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
                };
                processes.iter().filter(is_alive).count()
            });
            eventually("a thread waits", || inspect(&name).unwrap().has_waiters());
            // A terminal, and some supervisors, kill the whole group.
            if round % 2 == 0 { kill_process(id, Signal::KILL) } else { kill_process_group(id, Signal::KILL) }.unwrap();
            waiter.join().unwrap()
        });
        tool.wait().unwrap();
        assert_eq!(living, 0, "round {round}");
    }
    assert_eq!((value.get(), value.recoveries()), (1, 0));
}

/// A person who sees the holder of a lock may kill that process.
#[test]
fn the_command_dies_with_the_holder() {
    let name = SegmentName::new("lock-holder");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let mut tool = command(&["lock", &name, "--", "sh", "-c", "echo $PPID; exec sleep 60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(tool.stdout.take().unwrap()).read_line(&mut line).unwrap();
    kill_process(Pid::from_raw(line.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(tool.wait().unwrap().code(), Some(137));
    let mut message = String::new();
    tool.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert!(message.contains("was killed, and the command with it"), "{message}");
    eventually("the lock is free", || value.try_lock().is_ok());
}

/// Counts the instructions of a read, of a hold of the lock without a commit, and of a commit.
fn instructions_of(value: &Synchronized<[u64; 4]>) -> [usize; 3] {
    let read = || assert_eq!(value.get(), [1; 4]);
    let hold = || {
        let guard = value.try_lock().unwrap();
        guard.set_at(1, 5).unwrap();
        guard.rollback();
    };
    let commit = || value.set([1; 4]).unwrap();
    let works: [&dyn Fn(); 3] = [&read, &hold, &commit];
    works.map(|work| {
        instructions(|| {
            // The first operation of a process prepares what the others need.
            work();
            marked(work);
        })
        .unwrap()
    })
}

/// A watcher that made writers slower could not be used where it matters.
#[test]
fn a_watcher_disturbs_a_writer_only_by_being_woken() {
    let (name, number) = (SegmentName::new("watch-disturbs"), SegmentName::new("watch-disturbs-one"));
    let bank = Arena::create(&name, 1 << 20).unwrap();
    let [value, _other] = ["one", "two"].map(|key| bank.insert(key, [1_u64; 4]).unwrap());
    let alone = instructions_of(&value);
    let polling = ["watch", "--poll", "--interval", "0.01", &format!("{}[*]", &*name)];
    let mut polling = command(&polling).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut remark = String::new();
    BufReader::new(polling.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("2 values are looked at"), "{remark}");
    let beside = instructions_of(&value);
    polling.kill().unwrap();
    polling.wait().unwrap();
    assert_eq!(beside, alone, "beside a watcher that polls");

    // Each release of the lock wakes a watcher that sleeps, because its bit lies in the lock word. A read takes no lock.
    let value = Synchronized::create(&number, [1_u64; 4]).unwrap();
    let alone = instructions_of(&value);
    let _sleeping = Running::start(&["watch", &number]);
    until_awaited(&number);
    let beside = instructions_of(&value);
    assert_eq!(beside[0], alone[0], "a read beside a watcher that sleeps");
    assert!(beside[2] > alone[2], "a commit wakes the watcher: {beside:?}, {alone:?}");
}

#[test]
fn the_tool_ends_after_its_command() {
    let name = SegmentName::new("lock-end");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    assert_eq!(run(&["lock", &name, "--", "sh", "-c", "exit 7"]).code, 7);
    assert_eq!(run(&["lock", &name, "--", "sh", "-c", "kill -9 $$"]).code, 137);
    let ended = run(&["lock", &name, "--", "/no/such/program"]);
    assert!(ended.code == 127 && ended.err.contains("/no/such/program"), "{ended:?}");
    // SIGTERM ends the command, and then the tool.
    let script = "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = command(&["lock", &name, "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "told");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(value.try_lock().is_ok());
}

/// A command inside of `lock` that waited for this lock would wait forever.
#[test]
fn commands_inside_fail_at_once() {
    let (name, bank) = (SegmentName::new("lock-inside"), SegmentName::new("lock-inside-bank"));
    let _value = Synchronized::create(&name, 1_u64).unwrap();
    let arena = Arena::create(&bank, 1 << 20).unwrap();
    arena.insert("one", 1_u64).unwrap();
    let tool = env!("CARGO_BIN_EXE_shared-value");
    for inside in [
        &["set", &name, "=2"][..],
        &["add", &name, "", "1"],
        &["lock", &name, "--", "true"],
        &["lock", &name, "--", tool, "get", &name],
    ] {
        let ended = run(&[&["lock", &name, "--", tool], inside].concat());
        assert!(ended.code == 5 && ended.err.contains("runs inside of it"), "{inside:?}: {ended:?}");
    }
    let one = format!("{}[one]", &*bank);
    let ended = run(&["lock", &one, "--", tool, "set", &bank, "[one]=2"]);
    assert!(ended.code == 5 && ended.err.contains("runs inside of it"), "{ended:?}");
    // Looking, and other values, are free.
    assert_eq!(ok(&["lock", &name, "--", tool, "get", &name]), "1\n");
    ok(&["lock", &name, "--", tool, "lock", &one, "--", tool, "get", &bank, "[one]"]);
    fails(2, &["lock", &bank, "--", "true"]);
}
