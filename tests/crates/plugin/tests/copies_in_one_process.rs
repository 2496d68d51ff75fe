//! A program and its plugins, each with its own copy of the library, in one process.

use std::env;

use shared_value_tests::Worker;

/// Plays a role of the host to its end. Its last line says that all checks have passed.
#[track_caller]
fn play(role: &str) {
    let test = env::current_exe().expect("the test is a file");
    let plugin = test.with_file_name("libshared_value_plugin.so");
    let mut host = Worker::start(env!("CARGO_BIN_EXE_host"), role, [plugin.display()]);
    loop {
        let line = host.hear();
        println!("{line}");
        if line == "done" {
            return host.finish();
        }
    }
}

/// A thread would wait for itself, or the locks of one copy would drop out of the list at a release by the other copy.
#[test]
fn a_thread_holds_locks_of_one_copy_at_a_time() {
    play("nested");
}

/// A lock that has dropped out of the list stays locked when its owner is killed.
#[test]
fn locks_of_both_copies_are_recovered() {
    play("killed");
}

/// The copies must disturb each other no more than two processes do.
#[test]
fn copies_count_together() {
    play("threads");
}

/// Each copy must find all others, wherever they were loaded from.
#[test]
fn several_plugins_know_of_each_other() {
    play("several");
}

/// The first access of a thread to a thread-local of a plugin allocates: at a `fork`, it would wait for the allocator.
#[test]
fn a_thread_forks_that_has_never_used_the_plugin() {
    play("forks");
}

/// The C library would call functions that are gone.
#[test]
fn a_plugin_stays_loaded() {
    play("unloaded");
}
