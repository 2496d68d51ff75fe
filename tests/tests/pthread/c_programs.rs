//! Rust and C programs that take one mutex, and die with it.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, SegmentFile, SegmentName, eventually, fork, in_time, scaled};

use crate::guarded;

/// The C program, compiled once. Where there is no compiler, `SHARED_VALUE_C_PROGRAM` is the path of the program.
fn counter() -> Command {
    static COMPILED: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    if let Some(program) = env::var_os("SHARED_VALUE_C_PROGRAM") {
        return Command::new(program);
    }
    let (_, program) = COMPILED.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("counter");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/counter.c");
        let compiled = Command::new("cc")
            .args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-O2", "-pthread", "-o"])
            .args([program.as_os_str(), source.as_ref()])
            .status()
            .expect("a C compiler is there: Rust needs it to link programs");
        assert!(compiled.success());
        (directory, program)
    });
    Command::new(program)
}

/// Starts a C program that holds the mutex of the value and has begun to write.
fn c_holder(name: &SegmentName) -> Child {
    let mut child = counter().arg(name.path()).arg("hold").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}

/// If the library and the C library did not agree on the mutex, increments would be lost.
#[test]
fn rust_and_c_processes_count_together() {
    in_time(|| {
        let rounds = scaled(50_000, 10_000);
        let name = SegmentName::new("pthread-count");
        let value = guarded().create(&name, 0_u64).unwrap();
        let programs: Vec<_> =
            (0..2).map(|_| counter().arg(name.path()).args(["count", &rounds.to_string()]).spawn().unwrap()).collect();
        let children: Vec<_> = (0..2)
            .map(|_| {
                fork(|| {
                    for round in 0..rounds {
                        if round % 2 == 0 {
                            value.update(|value| *value += 1).unwrap();
                        } else {
                            let guard = value.lock().unwrap();
                            let seen = guard.load().unwrap();
                            guard.set(seen + 1).unwrap();
                        }
                    }
                })
            })
            .collect();
        for child in children {
            child.finish();
        }
        for mut program in programs {
            assert!(program.wait().unwrap().success());
        }
        assert_eq!((value.get(), value.version()), (4 * rounds, 4 * rounds));
    });
}

/// The draft of a killed C program must be dropped, as that of a Rust program.
#[test]
fn a_killed_c_program_leaves_the_committed_value_and_a_free_lock() {
    in_time(|| {
        let name = SegmentName::new("pthread-c-dies");
        let value = guarded().create(&name, 41_u64).unwrap();
        for deaths in 1..=10 {
            let mut holder = c_holder(&name);
            assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
            assert_eq!(value.lock_state(), LockState::Held { thread_id: holder.id() });
            assert_eq!(value.get(), 40 + deaths, "reading takes no lock");
            thread::scope(|scope| {
                let waiter = scope.spawn(|| {
                    let guard = value.lock_timeout(DEADLINE).unwrap();
                    assert!(guard.recovered());
                });
                thread::sleep(Duration::from_millis(2));
                holder.kill().unwrap();
                waiter.join().unwrap();
            });
            holder.wait().unwrap();
            assert_eq!((value.get(), value.recoveries()), (40 + deaths, deaths));
            value.update(|value| *value += 1).unwrap();
        }
    });
}

/// A C program must learn of the death of a Rust program from its C library.
#[test]
fn a_killed_rust_program_leaves_the_committed_value_to_c() {
    in_time(|| {
        let name = SegmentName::new("pthread-rust-dies");
        let value = guarded().create(&name, [0_u64; 1]).unwrap();
        let held = Synchronized::new(false).unwrap();
        let child = fork(|| {
            let guard = value.lock().unwrap();
            guard.set([0xbad]).unwrap();
            held.set(true).unwrap();
            thread::sleep(DEADLINE);
        });
        eventually("the child holds it", || held.get());
        child.signal(Signal::KILL);
        child.finish_killed();
        let output = counter().arg(name.path()).args(["count", "3"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "the C program learns of the death");
        assert_eq!((value.get(), value.version()), ([3], 3));
    });
}

/// A C program marks the file as in use by a lock on it: without that, the next process to open the value would free the
/// mutex as one that was left over.
#[test]
fn a_mutex_that_a_c_program_alone_holds_stays_locked() {
    let name = SegmentName::new("pthread-c-alone");
    drop(guarded().create(&name, 1_u64).unwrap());
    let mut holder = c_holder(&name);
    let value = guarded::<u64>().open(&name).unwrap();
    assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(value.lock_timeout(AT_ONCE).unwrap().recovered());
}

/// If a C program did not wake the threads that wait for a change, they would find it only when they look again.
#[test]
fn a_c_program_wakes_the_threads_that_wait_for_a_change() {
    let name = SegmentName::new("pthread-c-wakes");
    let _value = guarded().create(&name, 0_u64).unwrap();
    let file = SegmentFile::open(name.path());
    let cell = u64::from_le_bytes(file.bytes(128, 8).try_into().unwrap());
    let event = |word: Option<u64>| {
        if let Some(word) = word {
            file.overwrite(cell + 56, &word.to_le_bytes());
        }
        assert!(counter().arg(name.path()).args(["count", "1"]).status().unwrap().success());
        u64::from_le_bytes(file.bytes(cell + 56, 8).try_into().unwrap())
    };
    assert_eq!(event(None), 0, "no thread waits");
    assert_eq!(event(Some(5)), 6, "the waiting bit is cleared, and the wake-up counted");
    assert_eq!(event(None), 6, "the threads are woken once");
}

/// The C library takes a deadline by a clock, and not a timeout.
#[test]
fn waits_end_in_time() {
    in_time(|| {
        let name = SegmentName::new("pthread-timeout");
        let value = guarded().create(&name, 0_u64).unwrap();
        let mut holder = c_holder(&name);
        // One timeout crosses a full second of the clock, where nanoseconds carry.
        for timeout in
            [Duration::ZERO, Duration::from_millis(3), Duration::from_millis(120), Duration::from_millis(1001)]
        {
            let start = Instant::now();
            assert!(matches!(value.lock_timeout(timeout), Err(Error::Lock(LockError::TimedOut))));
            let waited = start.elapsed();
            assert!(waited >= timeout && waited < timeout + AT_ONCE, "{waited:?} instead of {timeout:?}");
        }
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(value.lock_timeout(Duration::ZERO).unwrap().recovered());
    });
}
