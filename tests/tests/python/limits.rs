//! The number of values that a process may have.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared_value::{Arena, Error, Filled, LockError, SharedArray, Synchronized};
use shared_value_tests::fork;

/// Raises the limit of open files of this process, a forked child, by `more`.
fn allow_files(more: usize) {
    let all = Some((count("/proc/self/fd") + more) as u64);
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: all, maximum }).expect("the system allows thousands of files");
}

/// Counts the entries of a directory, or the lines of a file.
fn count(directory_or_file: &str) -> usize {
    match fs::read_dir(directory_or_file) {
        Ok(entries) => entries.count(),
        Err(_) => fs::read_to_string(directory_or_file).unwrap().lines().count(),
    }
}

/// (49) A value of its own must take one mapping and one descriptor: these are the limits.
#[test]
fn thousands_of_locked_values_fit_into_a_process() {
    fork(|| {
        let many = 2_000;
        allow_files(many + 100);
        let (mappings, descriptors) = (count("/proc/self/maps"), count("/proc/self/fd"));
        let values: Vec<_> = (0..many).map(|number| Synchronized::new(number).unwrap()).collect();
        let (mappings, descriptors) = (count("/proc/self/maps") - mappings, count("/proc/self/fd") - descriptors);
        assert_eq!(descriptors, many);
        // The allocator may have added a few mappings.
        assert!((many..many + 20).contains(&mappings), "{mappings} mappings of {many} values");
        for value in &values {
            value.update(|number| *number += 1).unwrap();
        }
        assert!(values.iter().enumerate().all(|(number, value)| value.get() == number + 1));
    })
    .finish();
}

/// (49) One value too many must be an error that says what is missing, and the others must go on.
#[test]
fn one_value_too_many_is_an_error() {
    fork(|| {
        allow_files(100);
        let mut values = Vec::new();
        let error = loop {
            match Synchronized::new(values.len()) {
                Ok(value) => values.push(value),
                Err(error) => break error,
            }
            assert!(values.len() < 10_000, "far more values than files");
        };
        assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("Too many open files"), "{error}");
        assert!(values.len() > 50, "{error}");
        for value in &values {
            value.update(|number| *number += 1).unwrap();
        }
        values.pop();
        Synchronized::new(1_u64).unwrap().update(|number| *number += 1).unwrap();
        assert!(values.iter().enumerate().all(|(number, value)| value.get() == number + 1));
    })
    .finish();
}

/// (49) Values of an arena, each with its lock, must take one mapping and one descriptor together.
#[test]
fn seventy_thousand_locked_values_are_one_arena() {
    const MANY: u32 = 70_000;
    fork(|| {
        let (mappings, descriptors) = (count("/proc/self/maps"), count("/proc/self/fd"));
        let arena = Arena::new(1 << 26).unwrap();
        let value = |number| arena.get(arena.alloc(number).unwrap()).unwrap().expect("the arena has the value");
        let values: Vec<_> = (0..MANY).map(value).collect();
        let (mappings, descriptors) = (count("/proc/self/maps") - mappings, count("/proc/self/fd") - descriptors);
        assert_eq!(descriptors, 1);
        // The allocator may have added a few mappings.
        assert!((1..20).contains(&mappings), "{mappings} mappings of one arena");
        let guard = values[1].lock().unwrap();
        fork(|| {
            assert!(matches!(values[1].try_lock(), Err(Error::Lock(LockError::WouldBlock))));
            for value in values.iter().step_by(2) {
                value.update(|number| *number += 1).unwrap();
            }
        })
        .finish();
        drop(guard);
        assert!((0..).zip(&values).all(|(number, value)| value.get() == number + u32::from(number % 2 == 0)));
        assert!(values[1].version() == 0 && values[2].version() == 1);
    })
    .finish();
}

/// (49) Where one lock is enough, an array holds as many numbers.
#[test]
fn seventy_thousand_numbers_are_one_array() {
    const MANY: usize = 70_000;
    let numbers = SharedArray::new(Filled(0_u32, MANY)).unwrap();
    fork(|| {
        let guard = numbers.lock().unwrap();
        for (index, number) in (0..MANY).zip(1..) {
            guard.set_at(index, number).unwrap();
        }
        drop(guard);
        // This change is a commit of its own.
        numbers.set_at(MANY - 1, 7).unwrap();
    })
    .finish();
    assert_eq!((numbers.at(0), numbers.at(MANY - 2), numbers.at(MANY - 1), numbers.version()), (1, 69_999, 7, 2));
    assert!(numbers.iter().take(MANY - 1).eq(1..=69_999));
}
