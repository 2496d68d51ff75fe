//! A program that loads plugins. It and each of them have a copy of the library of their own.
//!
//! It plays a role, and prints `done` at the end if all checks have passed.
#![allow(unsafe_code)]

mod malloc;
mod plugin;

use std::fs;
use std::mem::forget;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use rustix::process::{Signal, getpid, kill_process, set_parent_process_death_signal};
use shared_value::{Error, LockError, LockKind, LockState, Synchronized};
use shared_value_plugin::{DONE, OTHER_COPY, TIMED_OUT};
use shared_value_tests::{DEADLINE, SegmentName, fork, say};

use plugin::{Plugin, Sent, Value};

#[derive(Debug, Parser)]
enum Role {
    /// One thread uses both copies, one inside of the other.
    Nested { plugin: PathBuf },
    /// One thread uses both copies, and is killed.
    Killed { plugin: PathBuf },
    /// Several threads use both copies.
    Threads { plugin: PathBuf },
    /// A second plugin.
    Several { plugin: PathBuf },
    /// A thread forks that has never used the plugin, while the C library's allocator is locked.
    Forks { plugin: PathBuf },
    /// The plugin is unloaded, before a thread ends and before a `fork`.
    Unloaded { plugin: PathBuf },
}

fn main() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match Role::parse() {
        Role::Nested { plugin } => nested(&plugin),
        Role::Killed { plugin } => killed(&plugin),
        Role::Threads { plugin } => threads(&plugin),
        Role::Several { plugin } => several(&plugin),
        Role::Forks { plugin } => forks(&plugin),
        Role::Unloaded { plugin } => unloaded(&plugin),
    }?;
    say("done");
    Ok(())
}

/// Two values, each opened by the host and by the plugin.
struct Values {
    names: [SegmentName; 2],
    own: [Synchronized<u64>; 2],
    kind: LockKind,
}

impl Values {
    fn new(kind: LockKind) -> Self {
        let names = ["one", "two"].map(SegmentName::new);
        let own = names
            .each_ref()
            .map(|name| Synchronized::options().lock_kind(kind).create(&**name, 0_u64).expect("the name is free"));
        Self { names, own, kind }
    }

    fn open(&self, plugin: Plugin) -> [Value; 2] {
        self.names.each_ref().map(|name| plugin.open(name, self.kind))
    }
}

#[track_caller]
fn assert_refused<T>(result: Result<T, Error>, holder: &str) {
    let Err(error) = result else { panic!("the lock was taken") };
    assert!(matches!(error, Error::Lock(LockError::OtherCopy { .. })), "{error}");
    assert!(error.to_string().contains(holder), "{error}");
    println!("the host: {error}");
}

fn nested(path: &Path) -> Result<()> {
    let values = Values::new(LockKind::Native);
    let [one, two] = &values.own;
    // The host holds a lock when the plugin is loaded.
    let guard = one.lock()?;
    guard.set(1)?;
    let plugin = Plugin::load(path);
    let [their_one, their_two] = values.open(plugin);
    for value in [their_one, their_two] {
        ensure!(value.update() == OTHER_COPY);
        ensure!(value.try_lock(DEADLINE).err() == Some(OTHER_COPY));
        ensure!(value.get() == 0, "the change is not committed");
    }
    ensure!(their_one.set(5) == OTHER_COPY, "the thread waits for itself");
    // This copies a number under a lock that is never in the list.
    ensure!((their_two.set(5), two.get()) == (DONE, 5));
    drop(guard);
    ensure!((their_one.update(), one.get()) == (DONE, 2));

    one.update(|number| {
        assert_eq!((their_two.update(), their_one.set(9)), (OTHER_COPY, OTHER_COPY));
        *number += 1;
    })?;
    ensure!((one.get(), two.get()) == (3, 5));

    // The other way round.
    let guard = their_one.lock();
    let holder = path.to_str().expect("a path");
    for value in [one, two] {
        assert_refused(value.lock(), holder);
        assert_refused(value.try_lock(), holder);
        assert_refused(value.update(|number| *number = 0), holder);
        assert_refused(value.lock_timeout(DEADLINE), holder);
    }
    assert_refused(one.set(7), holder);
    two.set(7)?;
    drop(guard);
    one.update(|number| *number += 1)?;
    ensure!((their_one.get(), their_two.get()) == (4, 7));

    // Mutexes of the C library are in the list too. It knows their owner itself.
    let behind_mutexes = Values::new(LockKind::Pthread);
    let [their_three, their_four] = behind_mutexes.open(plugin);
    let [three, four] = &behind_mutexes.own;
    let guard = three.lock()?;
    ensure!(their_three.update() != DONE, "the thread holds the mutex");
    let their_guards = [their_four.lock(), their_one.lock()];
    assert_refused(two.lock(), holder);
    assert_refused(four.lock(), holder);
    drop(their_guards);
    let guards = [two.lock()?, four.lock()?];
    ensure!((their_one.update(), their_four.update()) == (OTHER_COPY, OTHER_COPY));
    drop(guards);
    drop(guard);
    for value in [one, two, three, four] {
        ensure!((value.lock_state(), value.recoveries()) == (LockState::Free, 0), "{value:?}");
    }
    Ok(())
}

fn killed(path: &Path) -> Result<()> {
    let kill_itself = || kill_process(getpid(), Signal::KILL).expect("a process can signal itself");
    let values = Values::new(LockKind::Native);
    let [one, two] = &values.own;
    let [_, their_two] = values.open(Plugin::load(path));
    // With two lists that do not know of each other, the release of the first lock would cut the second one out.
    fork(|| {
        let guard = one.lock().expect("the lock is free");
        let refused = their_two.try_lock(DEADLINE);
        drop(guard);
        forget(refused.map_err(|_| their_two.lock()));
        kill_itself();
    })
    .finish_killed();
    ensure!(two.lock_timeout(DEADLINE)?.recovered());
    fork(|| {
        let guard = their_two.lock();
        let refused = one.lock();
        drop(guard);
        forget(refused.map_err(|_| one.lock()));
        kill_itself();
    })
    .finish_killed();
    ensure!(one.lock_timeout(DEADLINE)?.recovered());

    // A child holds nothing.
    let guard = one.lock()?;
    fork(|| {
        assert_eq!(their_two.update(), DONE);
        forget(their_two.lock());
        kill_itself();
    })
    .finish_killed();
    ensure!(guard.set(3).is_ok());
    drop(guard);
    ensure!(two.lock_timeout(DEADLINE)?.recovered() && one.get() == 3);
    Ok(())
}

fn threads(path: &Path) -> Result<()> {
    let values = Values::new(LockKind::Native);
    let plugin = Plugin::load(path);
    let theirs = values.open(plugin).map(Sent);
    let [one, two] = &values.own;
    let counted: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                scope.spawn(move || {
                    let [Sent(their_one), Sent(their_two)] = theirs;
                    let mut done = 0;
                    for _ in 0..1_000 {
                        let guard = (number % 2 == 0).then(|| one.lock().expect("the lock becomes free"));
                        match (their_one.update(), guard.is_some()) {
                            (DONE, false) => done += 1,
                            (OTHER_COPY, true) => {}
                            other => panic!("{other:?}"),
                        }
                        drop(guard);
                        done += u64::from(two.update(|number| *number += 1).is_ok());
                        done += u64::from(their_two.update() == DONE);
                    }
                    done
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread did not panic")).sum()
    });
    ensure!(one.get() + two.get() == counted && counted == 10_000, "{counted}: {one:?} {two:?}");

    // Another thread's lock is waited for.
    let guard = one.lock()?;
    thread::scope(|scope| {
        let [Sent(value), _] = theirs;
        let waits = Sent(value);
        let waited = scope.spawn(move || {
            let Sent(value) = { waits };
            value.try_lock(Duration::from_millis(20)).err()
        });
        assert_eq!(waited.join().expect("the thread did not panic"), Some(TIMED_OUT));
    });
    drop(guard);
    ensure!((one.recoveries(), two.recoveries()) == (0, 0), "nobody has died");
    Ok(())
}

fn several(path: &Path) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let copied = directory.path().join("another.so");
    fs::copy(path, &copied)?;
    let values = Values::new(LockKind::Native);
    let [one, _] = &values.own;
    let plugins = [path, &copied].map(Plugin::load);
    let [[first, _], [_, second]] = plugins.map(|plugin| values.open(plugin));

    let guard = one.lock()?;
    ensure!((first.update(), second.update()) == (OTHER_COPY, OTHER_COPY));
    drop(guard);
    let guard = first.lock();
    ensure!(second.update() == OTHER_COPY);
    assert_refused(one.lock(), path.to_str().expect("a path"));
    drop(guard);
    let guard = second.lock();
    ensure!(first.update() == OTHER_COPY);
    assert_refused(one.lock(), copied.to_str().expect("a path"));
    drop(guard);
    ensure!((first.update(), second.update(), one.update(|number| *number += 1).is_ok()) == (DONE, DONE, true));
    Ok(())
}

fn forks(path: &Path) -> Result<()> {
    let values = Values::new(LockKind::Native);
    let [one, _] = values.open(Plugin::load(path));
    ensure!(one.update() == DONE);
    malloc::lock_from_now_on()?;
    let value = Sent(one);
    thread::scope(|scope| {
        let forking = scope.spawn(move || {
            fork(move || {
                let Sent(value) = { value };
                assert_eq!(value.update(), DONE);
            })
            .finish();
        });
        forking.join().expect("the thread did not panic");
    });
    ensure!(one.get() == 2);
    Ok(())
}

fn unloaded(path: &Path) -> Result<()> {
    let values = Values::new(LockKind::Native);
    let [one, two] = &values.own;
    let is_loaded =
        || Ok::<_, anyhow::Error>(fs::read_to_string("/proc/self/maps")?.contains(path.to_str().expect("a path")));
    ensure!(!is_loaded()?);
    // Each thread ends after the plugin was unloaded, and one of them with a lock.
    for round in 0..2 {
        thread::scope(|scope| {
            let used = scope.spawn(|| {
                let plugin = Plugin::load(path);
                let [their_one, their_two] = values.open(plugin);
                assert_eq!(their_one.update(), DONE);
                if round == 0 {
                    their_one.close();
                    their_two.close();
                } else {
                    forget(their_two.lock());
                }
                plugin.unload();
            });
            used.join().expect("the thread did not panic");
        });
        ensure!(is_loaded()?, "functions of the plugin run at the end of threads");
        fork(|| one.update(|number| *number += 1).expect("the lock is free")).finish();
    }
    ensure!(two.lock_timeout(DEADLINE)?.recovered(), "the thread has ended with the lock");
    ensure!(one.get() == 4);
    // The next plugin meets the copy of the unloaded one.
    let plugin = Plugin::load(path);
    let [their_one, _] = values.open(plugin);
    let guard = one.lock()?;
    ensure!(their_one.update() == OTHER_COPY);
    drop(guard);
    ensure!(their_one.update() == DONE);
    Ok(())
}
