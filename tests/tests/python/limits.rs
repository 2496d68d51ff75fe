//! How many values a process may have.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared_value::{Error, Synchronized};
use shared_value_tests::fork;

/// Lets this process, which is a forked child, open so many more files, if the system allows that.
fn allow_files(more: usize) {
    let all = Some((count("/proc/self/fd") + more) as u64);
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: all, maximum }).expect("the system allows thousands of files");
}

fn count(directory_or_file: &str) -> usize {
    match fs::read_dir(directory_or_file) {
        Ok(entries) => entries.count(),
        Err(_) => fs::read_to_string(directory_or_file).unwrap().lines().count(),
    }
}

/// (49) Each value is one mapping and one descriptor, so that these are the limits.
#[test]
fn thousands_of_locked_values_fit_into_a_process() {
    fork(|| {
        let many = 2_000;
        allow_files(many + 100);
        let (mappings, descriptors) = (count("/proc/self/maps"), count("/proc/self/fd"));
        let values: Vec<_> = (0..many).map(|number| Synchronized::new(number).unwrap()).collect();
        let (mappings, descriptors) = (count("/proc/self/maps") - mappings, count("/proc/self/fd") - descriptors);
        assert_eq!(descriptors, many);
        // The allocator may have added a few of its own.
        assert!((many..many + 20).contains(&mappings), "{mappings} mappings of {many} values");
        for value in &values {
            value.update(|number| *number += 1).unwrap();
        }
        assert!(values.iter().enumerate().all(|(number, value)| value.get() == number + 1));
    })
    .finish();
}

/// (49) One value too many is an error that says what is missing, and those that there are go on.
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

/// (49) As many numbers as Python has no room for are one value, with one lock.
#[test]
fn seventy_thousand_numbers_are_one_value() {
    const MANY: usize = 70_000;
    static ZEROS: [u32; MANY] = [0; MANY];
    let numbers = Synchronized::new(ZEROS).unwrap();
    fork(|| {
        let guard = numbers.lock().unwrap();
        for index in 0..MANY {
            numbers.set_at(index, u32::try_from(index).unwrap() + 1).unwrap();
        }
        drop(guard);
        // One more, in a commit of its own.
        numbers.set_at(MANY - 1, 7).unwrap();
    })
    .finish();
    assert_eq!((numbers.at(0), numbers.at(MANY - 2), numbers.at(MANY - 1), numbers.version()), (1, 69_999, 7, 2));
    assert!((0..MANY - 1).all(|index| numbers.at(index) as usize == index + 1));
}
