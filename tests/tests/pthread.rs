//! Values that are guarded by a pthread mutex, which a C program takes too.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::signal::{kill, raise};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::process::Signal;
use shared_value::{Error, LockKind, LockState, Options, ReadOnly, Synchronized};
use shared_value_tests::values::Account;
use shared_value_tests::{AT_ONCE, DEADLINE, SHORT, SegmentName, eventually, fork, in_time, scaled};

fn guarded() -> Options {
    Synchronized::options().lock_kind(LockKind::Pthread)
}

/// The C program, compiled once.
fn counter() -> Command {
    static COMPILED: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = COMPILED.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("counter");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/counter.c");
        let compiled = Command::new("cc")
            .args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-O2", "-pthread", "-o"])
            .args([program.as_os_str(), source.as_ref()])
            .status()
            .expect("a C compiler is there, as for linking Rust programs");
        assert!(compiled.success());
        (directory, program)
    });
    Command::new(program)
}

/// A C program that holds the mutex of the value and has begun to write.
fn c_holder(name: &SegmentName) -> Child {
    let mut child = counter().arg(name.path()).arg("hold").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}

#[test]
fn it_works_like_any_other_value() {
    let account = guarded().new(Account::after(1)).unwrap();
    let guard = account.lock().unwrap();
    guard.set_balance(5).unwrap();
    let inner = account.lock().unwrap();
    account.update_balance(|balance| *balance += 1).unwrap();
    assert_eq!(account.balance(), 6);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(account.balance(), Account::after(1).balance);
            assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
            assert!(matches!(account.lock_state(), LockState::Held { .. }));
        });
    });
    assert_eq!(account.lock_state(), LockState::HeldHere);
    drop(inner);
    guard.commit();
    guard.set_balance(7).unwrap();
    guard.rollback();
    drop(guard);
    assert_eq!((account.balance(), account.version(), account.lock_state()), (6, 1, LockState::Free));

    account.update(|_| assert!(matches!(account.set_balance(1), Err(Error::Borrowed)))).unwrap();
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        let guard = account.lock().unwrap();
        guard.set_balance(8).unwrap();
        panic!("while it is held");
    }));
    assert!(panicked.is_err());
    assert_eq!((account.balance(), account.lock_state()), (6, LockState::Free));
}

#[test]
fn it_opens_like_any_other_value() {
    let name = SegmentName::new("pthread-open");
    let value = guarded().create(&name, 1_u64).unwrap();
    fork(|| {
        let opened = guarded().open::<u64>(&name).unwrap();
        opened.update(|value| *value += 1).unwrap();
        assert_eq!(Synchronized::<u64>::open_read_only(&name).unwrap().get(), 2);
    })
    .finish();
    assert_eq!(value.get(), 2);

    // Nobody has it open, and the mutex says that somebody holds it: after a crash of the machine, or in a copy.
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy");
    let guard = value.lock().unwrap();
    std::fs::copy(name.path(), &copy).unwrap();
    drop(guard);
    let opened = guarded().open::<u64>(&copy).unwrap();
    drop(opened.lock_timeout(AT_ONCE).unwrap());
    opened.set(9).unwrap();
    assert_eq!((opened.get(), value.get()), (9, 2));
}

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

#[test]
fn a_killed_rust_program_leaves_the_same_to_c() {
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

#[test]
fn processes_killed_at_random_break_nothing() {
    in_time(|| {
        let value = guarded().new([0_u64; 24]).unwrap();
        for round in 0..scaled(200, 40) {
            let child = fork(|| {
                loop {
                    value.update(|words| words.iter_mut().for_each(|word| *word += 1)).unwrap();
                }
            });
            let before = value.version();
            eventually("the child works", || value.version() > before + round % 7);
            child.signal(Signal::KILL);
            child.finish_killed();
            drop(value.lock_timeout(AT_ONCE).unwrap());
            let words = value.get();
            assert_eq!(words, [words[0]; 24], "torn");
            assert_eq!(words[0], value.version());
        }
        assert!(value.recoveries() > 0);
    });
}

#[test]
fn waits_end_in_time() {
    in_time(|| {
        let name = SegmentName::new("pthread-timeout");
        let value = guarded().create(&name, 0_u64).unwrap();
        let mut holder = c_holder(&name);
        // Across a full second of the clock too, where nanoseconds carry.
        for timeout in
            [Duration::ZERO, Duration::from_millis(3), Duration::from_millis(120), Duration::from_millis(1001)]
        {
            let best = (0..3)
                .map(|_| {
                    let start = Instant::now();
                    assert!(matches!(value.lock_timeout(timeout), Err(Error::Lock(LockError::TimedOut))));
                    start.elapsed()
                })
                .inspect(|waited| assert!(*waited >= timeout, "{waited:?} instead of {timeout:?}"))
                .min()
                .unwrap();
            assert!(best < timeout + Duration::from_millis(1), "{best:?} instead of {timeout:?}");
        }
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(value.lock_timeout(Duration::ZERO).unwrap().recovered());
    });
}

#[test]
fn a_forked_child_does_not_own_the_mutex() {
    let value = guarded().new(1_u64).unwrap();
    let guard = value.lock().unwrap();
    guard.set(2).unwrap();
    fork(|| {
        assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        assert_eq!(value.get(), 1);
        let own = guarded().new(1_u64).unwrap();
        own.set(2).unwrap();
        assert_eq!(own.get(), 2);
    })
    .finish();
    assert_eq!(value.lock_state(), LockState::HeldHere);
    drop(guard);
    assert_eq!(value.get(), 2);
}

#[test]
fn a_forgotten_guard_is_recovered_when_its_thread_ends() {
    let value = guarded().new(1_u64).unwrap();
    let other = value.clone();
    thread::spawn(move || {
        let guard = other.lock().unwrap();
        guard.set(2).unwrap();
        std::mem::forget(guard);
    })
    .join()
    .unwrap();
    assert!(value.lock_timeout(AT_ONCE).unwrap().recovered());
    assert_eq!(value.get(), 1);

    // Also when the last handle goes while it is held.
    thread::spawn(|| {
        let native = Synchronized::new(1_u64).unwrap();
        let first = native.lock().unwrap();
        let value = guarded().new(1_u64).unwrap();
        std::mem::forget(value.lock().unwrap());
        drop(value);
        drop(first);
        native.set(2).unwrap();
    })
    .join()
    .unwrap();
}

#[test]
fn both_kinds_are_held_and_released_in_any_order() {
    let (native, mutex) = (Synchronized::new(0_u64).unwrap(), guarded().new(0_u64).unwrap());
    for order in 0..4 {
        let (first, second): (&Synchronized<u64>, _) =
            if order % 2 == 0 { (&native, &mutex) } else { (&mutex, &native) };
        let (one, two) = (first.lock().unwrap(), second.lock().unwrap());
        native.update(|number| *number += 1).unwrap();
        mutex.update(|number| *number += 1).unwrap();
        if order < 2 {
            drop(one);
            drop(two);
        } else {
            drop(two);
            drop(one);
        }
        assert_eq!((native.lock_state(), mutex.lock_state()), (LockState::Free, LockState::Free));
    }
    assert_eq!((native.get(), mutex.get()), (4, 4));

    for order in 0..2 {
        let held = Synchronized::new(0_u64).unwrap();
        let child = fork(|| {
            let guards = if order == 0 { (native.lock(), mutex.lock()) } else { (mutex.lock(), native.lock()) };
            held.set(1).unwrap();
            thread::sleep(DEADLINE);
            drop(guards);
        });
        eventually("the child holds both", || held.get() == 1);
        child.signal(Signal::KILL);
        child.finish_killed();
        assert!(native.lock_timeout(AT_ONCE).unwrap().recovered());
        assert!(mutex.lock_timeout(AT_ONCE).unwrap().recovered());
    }
}

#[test]
fn a_change_wakes_who_waits_for_it() {
    in_time(|| {
        let value = guarded().new(0_u64).unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| value.wait_for(|number| *number == 3, DEADLINE).unwrap());
            for number in 1..=3 {
                thread::sleep(SHORT / 3);
                value.set(number).unwrap();
            }
            assert_eq!(waiter.join().unwrap(), 3);
        });
    });
}

#[test]
fn a_mutex_of_another_c_library_is_refused() {
    let name = SegmentName::new("pthread-abi");
    drop(guarded().create(&name, 1_u64).unwrap());
    let file = OpenOptions::new().write(true).open(name.path()).unwrap();
    for (offset, bytes, field) in [
        (24, &[40_u8, 0, 2, 0][..], "lock ABI"),
        (24, &[24, 0, 1, 0], "lock ABI"),
        (16, &[4, 0, 0, 0], "word size"),
        (48, &[0, 1, 0, 0, 0, 0, 0, 0], "mutex offset"),
        (20, &[9, 0, 0, 0], "lock kind"),
    ] {
        let mut original = [0; 8];
        let reader = OpenOptions::new().read(true).open(name.path()).unwrap();
        reader.read_exact_at(&mut original[..bytes.len()], offset).unwrap();
        file.write_all_at(bytes, offset).unwrap();
        let error = guarded().open::<u64>(&name).unwrap_err();
        assert!(matches!(&error, Error::InvalidSegment { field: found, .. } if *found == field), "{error:?}");
        file.write_all_at(&original[..bytes.len()], offset).unwrap();
    }
    assert_eq!(guarded().open::<u64>(&name).unwrap().get(), 1);
}

/// The C library follows the pointers in a mutex. Who did not ask for one must not be led to it by a header.
#[test]
fn a_native_value_does_not_become_a_pthread_one() {
    let name = SegmentName::new("pthread-forged");
    drop(Synchronized::create(&name, 7_u64).unwrap());
    let file = OpenOptions::new().read(true).write(true).open(name.path()).unwrap();
    let word = |offset| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, offset).unwrap();
        u64::from_ne_bytes(bytes)
    };
    let mutex = (word(64) + word(72)).next_multiple_of(64);
    file.set_len(mutex + 64).unwrap();
    let abi = 0x1_0000 | u32::try_from(size_of::<libc::pthread_mutex_t>()).unwrap();
    file.write_all_at(&2_u32.to_ne_bytes(), 20).unwrap();
    file.write_all_at(&abi.to_ne_bytes(), 24).unwrap();
    file.write_all_at(&(mutex + 64).to_ne_bytes(), 32).unwrap();
    file.write_all_at(&mutex.to_ne_bytes(), 48).unwrap();
    let error = Synchronized::<u64>::open(&name).unwrap_err();
    assert!(error.to_string().contains("expected a lock of its own, found a pthread mutex"), "{error}");
    // Who asks for it trusts whoever may write, and gets it.
    assert_eq!(guarded().open::<u64>(&name).unwrap().get(), 7);
}

#[test]
fn who_asks_for_a_pthread_mutex_takes_a_native_lock_too() {
    let name = SegmentName::new("pthread-or-native");
    let native = Synchronized::create(&name, 1_u64).unwrap();
    let opened = guarded().open::<u64>(&name).unwrap();
    let _guard = native.lock().unwrap();
    opened.set(2).unwrap();
    assert_eq!(opened.lock_state(), LockState::HeldHere);
}

/// If it did not say so, by a lock on the file, whoever opens the value would take the mutex for one that was left over.
#[test]
fn a_c_program_alone_has_it_open() {
    let name = SegmentName::new("pthread-c-alone");
    drop(guarded().create(&name, 1_u64).unwrap());
    let mut holder = c_holder(&name);
    let value = guarded().open::<u64>(&name).unwrap();
    assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(value.lock_timeout(AT_ONCE).unwrap().recovered());
}

/// An owner is killed between letting go of the mutex and waking a sleeper, and another takes the mutex before the kernel
/// looks: nobody wakes the sleeper then, neither here nor in the C library.
#[test]
fn a_sleeper_whose_wake_up_was_killed_looks_for_itself() {
    in_time(|| {
        for kind in [LockKind::Native, LockKind::Pthread] {
            let value = Synchronized::options().lock_kind(kind).new(0_u64).unwrap();
            let child = fork(|| {
                let guard = value.lock().unwrap();
                ptrace::traceme().unwrap();
                raise(nix::sys::signal::Signal::SIGSTOP).unwrap();
                drop(guard);
                thread::sleep(DEADLINE);
            });
            let process = Pid::from_raw(child.process_id().as_raw_nonzero().get());
            waitpid(process, None).unwrap();
            thread::scope(|scope| {
                let waiter = scope.spawn(|| drop(value.lock_timeout(DEADLINE).unwrap()));
                // By then, it sleeps.
                thread::sleep(SHORT);
                while value.lock_state() != LockState::Free {
                    ptrace::step(process, None).unwrap();
                    waitpid(process, None).unwrap();
                }
                let guard = value.try_lock().unwrap();
                kill(process, nix::sys::signal::Signal::SIGKILL).unwrap();
                child.finish_killed();
                drop(guard);
                eventually("the sleeper has looked", || waiter.is_finished());
            });
        }
    });
}

#[test]
fn readers_see_who_holds_it() {
    let value = guarded().new(0_u64).unwrap();
    let read_only = value.read_only().unwrap();
    assert_eq!(read_only.lock_state(), LockState::Free);
    let _guard = value.lock().unwrap();
    assert!(matches!(read_only.lock_state(), LockState::Held { .. }), "{:?}", read_only.lock_state());
}
