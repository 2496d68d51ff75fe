//! Processes that are killed while they hold or release the mutex.

use std::thread;

use nix::sys::ptrace;
use nix::sys::signal::{kill, raise};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::process::Signal;
use shared_value::{LockKind, LockState, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, SHORT, eventually, fork, in_time, scaled};

use crate::guarded;

/// A process may be killed between any two instructions of a change.
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

/// An owner may be killed after it has released the mutex and before it wakes a sleeper. If another thread takes the mutex
/// before the kernel walks the dead owner's list, no wake-up ever comes, neither here nor in the C library.
#[test]
fn a_sleeper_that_is_never_woken_looks_for_itself() {
    in_time(|| {
        let mut kinds = vec![LockKind::Native, LockKind::Pthread];
        while let Some(kind) = kinds.pop() {
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
                // By then the waiter sleeps.
                thread::sleep(SHORT);
                while value.lock_state() != LockState::Free {
                    ptrace::step(process, None).unwrap();
                    waitpid(process, None).unwrap();
                }
                let guard = value.try_lock();
                if guard.is_err() {
                    // The sleeper has looked just now, before this thread.
                    kinds.push(kind);
                }
                kill(process, nix::sys::signal::Signal::SIGKILL).unwrap();
                child.finish_killed();
                drop(guard);
                eventually("the sleeper looks", || waiter.is_finished());
            });
        }
    });
}
