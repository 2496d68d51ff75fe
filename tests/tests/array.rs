//! Arrays of a length that the program says when it runs.

use std::num::NonZeroU32;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use shared_value::{
    Elements, Error, FixedStr, LockKind, Options, RLock, ReadOnly, SharedArray, SharedValue, Synchronized, Unlocked,
    unlink,
};
use shared_value_tests::values::{Grain, Level, Mode, Padded, Rgb};
use shared_value_tests::{DEADLINE, Forked, SegmentFile, SegmentName, fork, in_time};

/// Every element type behaves like a `Vec` of it.
fn like_a_vec<T: SharedValue + PartialEq + std::fmt::Debug>(values: &[T]) {
    let array = SharedArray::new(values).unwrap();
    assert_eq!((array.len(), array.is_empty(), array.version()), (values.len(), false, 0));
    assert_eq!(array.to_vec().unwrap(), values);
    assert_eq!(array.iter().rev().collect::<Vec<_>>(), values.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!((&array).into_iter().len(), values.len());

    let last = values.len() - 1;
    array.set(0, values[last]).unwrap();
    let previous = array.update(last, |value| std::mem::replace(value, values[0])).unwrap();
    assert_eq!(previous, values[last]);
    let mut expected = values.to_vec();
    expected.swap(0, last);
    assert_eq!(array.to_vec().unwrap(), expected);
    assert_eq!(array.get(last), values[0]);

    array.write(1, &values[..last]).unwrap();
    expected[1..].copy_from_slice(&values[..last]);
    let mut part = expected[..last].to_vec();
    array.read(1.., &mut part).unwrap();
    assert_eq!(part, expected[1..]);

    array.fill(values[last]).unwrap();
    assert_eq!(array.to_vec().unwrap(), vec![values[last]; values.len()]);
    array.update_all(|all| all.copy_from_slice(values)).unwrap();
    assert_eq!(array.version(), 5);

    let guard = array.lock().unwrap();
    guard.swap(0, last);
    assert_eq!((guard.get(0), guard.get(last)), (values[last], values[0]));
    guard.commit();
    guard.fill(values[0]).unwrap();
    guard.write(0, &values[1..]).unwrap();
    guard.read(..1, &mut part[..1]).unwrap();
    assert_eq!(part[0], values[1]);
    guard.update_all(<[_]>::reverse).unwrap();
    assert_eq!(guard.to_vec().unwrap().last(), Some(&values[1]));
    guard.rollback();
    drop(guard);
    expected.copy_from_slice(values);
    expected.swap(0, last);
    assert_eq!((array.to_vec().unwrap(), array.version()), (expected, 6));
    let filled = SharedArray::new(Elements::filled(values.len(), values[0])).unwrap();
    assert_eq!(filled.to_vec().unwrap(), vec![values[0]; values.len()]);
    let made = SharedArray::from_fn(values.len(), |index| values[index]).unwrap();
    assert_eq!(made.to_vec().unwrap(), values);
}

/// Some elements are smaller than a word, some have padding or are no whole number of words, some are large.
#[test]
fn elements_of_every_kind() {
    like_a_vec::<u8>(&std::array::from_fn::<_, 1_003, _>(|index| u8::try_from(index % 251).unwrap()));
    like_a_vec::<u16>(&[1, 2, 3, 4, 5, 6, 7]);
    like_a_vec::<f32>(&[1.5, 2.5, 3.5]);
    like_a_vec::<f64>(&[1.5, 2.5, 3.5, -0.0]);
    like_a_vec::<bool>(&std::array::from_fn::<_, 1_003, _>(|index| index % 3 == 0));
    like_a_vec::<char>(&['a', 'ß', '€', '\u{10ffff}']);
    like_a_vec::<Mode>(&[Mode::Idle, Mode::Busy, Mode::Idle]);
    like_a_vec::<Level>(&[Level::Frost, Level::Warm]);
    like_a_vec::<NonZeroU32>(&[1, 2, 3].map(|number| NonZeroU32::new(number).unwrap()));
    like_a_vec::<[u8; 3]>(&[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]);
    like_a_vec::<[u16; 600]>(&[[1; 600], [2; 600], [3; 600]]);
    like_a_vec::<FixedStr<5>>(&["one", "two", "three"].map(|text| FixedStr::new(text).unwrap()));
    let padded: [Padded; 100] = std::array::from_fn(|index| Padded::of(u8::try_from(index).unwrap()));
    like_a_vec::<Padded>(&padded);
    like_a_vec::<Grain>(&[1, 2, 3].map(|size| Grain { is_set: true, weight: 7, size }));
}

/// What is done to an array and to a `Vec` in the test below.
#[derive(Clone, Debug)]
enum Step<T> {
    Set(usize, T),
    Write(Range<usize>, T),
    Read(Range<usize>),
    Fill(T),
    Commit,
    Rollback,
}

fn range(length: usize) -> impl Strategy<Value = Range<usize>> {
    (0..=length, 0..=length).prop_map(|(one, other)| one.min(other)..one.max(other))
}

fn steps<T: SharedValue + Arbitrary>(length: usize) -> impl Strategy<Value = Vec<Step<T>>> {
    let step = prop_oneof![
        4 => (0..length, any::<T>()).prop_map(|(index, value)| Step::Set(index, value)),
        4 => (range(length), any::<T>()).prop_map(|(range, value)| Step::Write(range, value)),
        4 => range(length).prop_map(Step::Read),
        1 => any::<T>().prop_map(Step::Fill),
        4 => Just(Step::Commit),
        2 => Just(Step::Rollback),
    ];
    vec(step, 1..60)
}

fn follow<T: SharedValue + PartialEq + std::fmt::Debug>(length: usize, first: T, steps: &[Step<T>]) {
    let array = SharedArray::new(Elements::filled(length, first)).unwrap();
    let others = array.read_only().unwrap();
    let (mut committed, mut written) = (vec![first; length], vec![first; length]);
    let guard = array.lock().unwrap();
    for step in steps {
        match step.clone() {
            Step::Set(index, value) => {
                guard.set(index, value).unwrap();
                written[index] = value;
            }
            Step::Write(range, value) => {
                // Through the handle, which goes by the same lock, and with elements that differ.
                let mut values = vec![value; range.len()];
                values.iter_mut().step_by(3).for_each(|value| *value = first);
                array.write(range.start, &values).unwrap();
                written[range].copy_from_slice(&values);
            }
            Step::Read(range) => {
                let mut values = vec![first; range.len()];
                guard.read(range.clone(), &mut values).unwrap();
                assert_eq!(values, written[range.clone()]);
                array.read(range.clone(), &mut values).unwrap();
                assert_eq!(values, written[range]);
            }
            Step::Fill(value) => {
                guard.fill(value).unwrap();
                written.fill(value);
            }
            Step::Commit => {
                guard.commit();
                committed.clone_from(&written);
            }
            Step::Rollback => {
                guard.rollback();
                written.clone_from(&committed);
            }
        }
        assert_eq!(others.to_vec().unwrap(), committed, "others see what is committed");
        assert_eq!(guard.to_vec().unwrap(), written);
    }
    drop(guard);
    assert_eq!(array.to_vec().unwrap(), written);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Without marks that cover all that was written, an element would show a value of two commits ago.
    #[test]
    fn bytes_like_a_vec(steps in steps::<u8>(700)) {
        follow(700, 1, &steps);
    }

    #[test]
    fn small_numbers_like_a_vec(steps in steps::<u16>(2_500)) {
        follow(2_500, 1, &steps);
    }

    #[test]
    fn numbers_like_a_vec(steps in steps::<u64>(1_200)) {
        follow(1_200, 1, &steps);
    }

    #[test]
    fn odd_elements_like_a_vec(steps in steps::<[u8; 3]>(333)) {
        follow(333, [1, 2, 3], &steps);
    }

    #[test]
    fn checked_elements_like_a_vec(steps in steps::<char>(150)) {
        follow(150, 'a', &steps);
    }
}

/// If a length were part of the type, or not of the segment, one program could not open the array of another.
#[test]
fn the_segment_knows_the_length() {
    let name = SegmentName::new("array-length");
    let array = SharedArray::create(&name, &[1_u32, 2, 3]).unwrap();
    let child = fork(|| {
        let other = SharedArray::<u32>::open(&name).unwrap();
        assert_eq!(other.to_vec().unwrap(), [1, 2, 3]);
        other.write(1, &[7, 8]).unwrap();
    });
    child.finish();
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 7, 8], 1));
    assert_eq!(SharedArray::<u32>::open_or_create(&name, 100).unwrap().len(), 3, "what exists has its own length");
    assert!(matches!(SharedArray::<u32>::create(&name, 1), Err(Error::AlreadyExists { .. })));
    let error = SharedArray::<f32>::open(&name).unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { .. }), "{error}");
    assert!(error.to_string().contains("expected `[f32]"), "{error}");
    let error = Synchronized::<[u32; 3]>::open(&name).unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { .. }), "{error}");
    let read_only = SharedArray::<u32>::open_read_only(&name).unwrap();
    assert_eq!((read_only.get(2), read_only.to_vec().unwrap()), (8, vec![1, 7, 8]));
}

/// Without a check of the length that the segment claims, elements behind the mapping would be read.
#[test]
fn a_wrong_length_is_refused() {
    for length in [0_u64, 8, 11, 12 * 4, 13, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX - 15, u64::MAX] {
        let name = SegmentName::new("array-wrong");
        drop(SharedArray::create(&name, &[1_u32, 2, 3]).unwrap());
        // The size in the first entry of the table.
        SegmentFile::open(name.path()).overwrite(64 + 40, &length.to_ne_bytes());
        let error = SharedArray::<u32>::open(&name).unwrap_err();
        assert!(matches!(&error, Error::InvalidSegment { .. }), "{length}: {error}");
    }
}

/// Also through everything else that makes and finds a value.
#[test]
fn where_arrays_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    drop(SharedArray::create(&path, &vec![1_u16; 5]).unwrap());
    assert_eq!(SharedArray::<u16>::open(&path).unwrap().to_vec().unwrap(), [1; 5]);
    assert_eq!(SharedArray::<u16>::open_or_create(&path, 9).unwrap().len(), 5);
    assert_eq!(SharedArray::<u16>::open_read_only(&path).unwrap().get(4), 1);

    let array = SharedArray::<u16>::new(3).unwrap();
    let by_token = SharedArray::<u16>::open(&array.token().unwrap()).unwrap();
    by_token.set(1, 7).unwrap();
    let text = serde_json::to_string(&array).unwrap();
    let by_text: SharedArray<u16> = serde_json::from_str(&text).unwrap();
    assert_eq!(by_text.to_vec().unwrap(), [0, 7, 0]);
    let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    array.read_only().unwrap().send_to(&here).unwrap();
    assert_eq!(SharedArray::<u16, ReadOnly>::receive_read_only_from(&there).unwrap().get(1), 7);

    let unlocked = SharedArray::<u8>::options().unlocked().new(&[1, 2, 3]).unwrap();
    unlocked.write(1, &[8, 9]).unwrap();
    unlocked.update(0, |value| *value += 1).unwrap();
    unlocked.update_all(<[_]>::reverse).unwrap();
    assert_eq!((unlocked.to_vec().unwrap(), unlocked.version()), (vec![9, 8, 2], 0));
    unlocked.fill(4).unwrap();
    assert_eq!(unlocked.iter().sum::<u8>(), 12);

    let name = SegmentName::new("array-options");
    let array = Synchronized::options().lock_kind(LockKind::Pthread).create_array(&name, &[1_i64, 2]).unwrap();
    assert!(SharedArray::<i64>::open(&name).is_err(), "it has another lock");
    let other: SharedArray<i64> = Synchronized::options().lock_kind(LockKind::Pthread).open_array(&name).unwrap();
    other.lock().unwrap().swap(0, 1);
    assert_eq!(array.to_vec().unwrap(), [2, 1]);
    unlink(&name).unwrap();
}

#[test]
fn an_array_may_be_empty() {
    let array = SharedArray::<f64>::new(0).unwrap();
    assert!(array.is_empty() && array.to_vec().unwrap().is_empty() && array.iter().next().is_none());
    array.fill(1.0).unwrap();
    array.write(0, &[]).unwrap();
    array.read(.., &mut []).unwrap();
    array.update_all(|all| assert!(all.is_empty())).unwrap();
    array.lock().unwrap().fill(2.0).unwrap();
    assert!(SharedArray::<NonZeroU32>::new(0).unwrap().is_empty(), "there is nothing that could be invalid");
}

/// Zeros that are no value would be undefined behaviour to read.
#[test]
fn zeros_must_be_values() {
    let error = SharedArray::<NonZeroU32>::new(10).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`[0]` holds invalid bits: expected anything but zero (NonZeroU32), found 0x00000000"
    );
    assert!(matches!(SharedArray::<NonZeroU32>::new(1), Err(Error::InvalidBits { .. })));
    assert_eq!(SharedArray::<Mode>::new(2).unwrap().to_vec().unwrap(), [Mode::Idle; 2]);
}

/// Zeros need no memory before they are written, so an array may have far more elements than there is memory for.
#[test]
fn zeros_take_no_memory() {
    let array = SharedArray::<u64>::new(1 << 40).unwrap();
    array.set(1 << 39, 7).unwrap();
    array.update((1 << 40) - 1, |last| *last += 1).unwrap();
    assert_eq!((array.get(1 << 39), array.get((1 << 40) - 1), array.get(12_345)), (7, 1, 0));
    assert_eq!(array.version(), 2);
}

/// Otherwise the length of a file would be an overflow, or the creator be killed for lack of memory.
#[test]
fn an_array_that_no_memory_holds_is_an_error() {
    for length in [usize::MAX, usize::MAX / 8, 1 << 55, 1 << 48] {
        let error = SharedArray::<u64>::new(length).unwrap_err();
        assert!(matches!(&error, Error::Io { .. }), "{error}");
    }
}

/// The message of a panic.
#[track_caller]
fn panicked<R>(body: impl FnOnce() -> R) -> String {
    let Err(panicked) = panic::catch_unwind(AssertUnwindSafe(body)) else { panic!("it should panic") };
    match panicked.downcast_ref::<&str>() {
        Some(message) => (*message).to_owned(),
        None => panicked.downcast_ref::<String>().expect("a message").clone(),
    }
}

/// If a number were not checked, or checked when the lock is taken already, memory of others or half a write would follow.
#[test]
fn numbers_that_do_not_exist() {
    let array = SharedArray::new(&[1_u8, 2, 3]).unwrap();
    let message = "the index is 3 but the array has 3 elements";
    assert_eq!(panicked(|| array.get(3)), message);
    assert_eq!(panicked(|| array.set(3, 0)), message);
    assert_eq!(panicked(|| array.update(3, |_| ())), message);
    let message = "2 elements from index 2 on were asked for, but the array has 3";
    assert_eq!(panicked(|| array.write(2, &[0; 2])), message);
    assert_eq!(panicked(|| array.read(1..3, &mut [0; 3])), "the range has 2 elements but the slice has 3");
    assert_eq!(panicked(|| array.read(2..4, &mut [0; 2])), "the elements 2..4 were asked for, but the array has 3");
    let guard = array.lock().unwrap();
    assert_eq!(panicked(|| guard.write(2, &[0; 2])), message);
    assert_eq!(panicked(|| guard.set(3, 0)), "the index is 3 but the array has 3 elements");
    drop(guard);
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 2, 3], 0));
}

/// Without the place in the message, nobody finds one bad element of a million.
#[test]
fn invalid_bits_are_found_and_named() {
    let name = SegmentName::new("array-invalid");
    let values = [true; 1_000];
    let array = SharedArray::create(&name, &values).unwrap();
    SegmentFile::open(name.path()).cell(values.len()).overwrite(777, &[2]);
    let message = "`[777]` holds invalid bits: expected 0 or 1 (bool), found 0x02";
    assert_eq!(array.to_vec().unwrap_err().to_string(), message);
    assert_eq!(panicked(|| array.iter()), message);
    assert_eq!(panicked(|| array.get(777)), message);
    assert_eq!(array.update(777, |_| ()).unwrap_err().to_string(), message);
    assert_eq!(array.update_all(|_| ()).unwrap_err().to_string(), message);
    let mut part = [false; 100];
    assert_eq!(array.read(700..800, &mut part).unwrap_err().to_string(), message);
    assert_eq!(part, [false; 100], "the slice stays as it was");
    assert_eq!(array.lock().unwrap().read(700..800, &mut part).unwrap_err().to_string(), message);
    array.read(600..700, &mut part).unwrap();
    assert!(part[99] && format!("{array:?}").contains("true, .."), "{array:?}");
    array.set(777, false).unwrap();
    assert!(!array.to_vec().unwrap()[777]);

    let name = SegmentName::new("array-invalid-field");
    let array = SharedArray::create(&name, &[Padded::of(1), Padded::of(2)]).unwrap();
    let flag = std::mem::offset_of!(Padded, grains) + 2 * size_of::<Grain>() + std::mem::offset_of!(Grain, is_set);
    SegmentFile::open(name.path()).cell(2 * size_of::<Padded>()).overwrite(size_of::<Padded>() + flag, &[9]);
    let error = array.to_vec().unwrap_err().to_string();
    assert!(error.starts_with("`[1].grains[2].is_set` holds invalid bits"), "{error}");
}

/// An element that is written while all are borrowed would be overwritten by the closure's result.
#[test]
fn a_closure_has_the_array_for_itself() {
    let array = SharedArray::new(&[1, 2, 3]).unwrap();
    array
        .update_all(|all| {
            assert!(matches!(array.set(0, 9), Err(Error::Borrowed)));
            assert!(matches!(array.write(0, &[9]), Err(Error::Borrowed)));
            assert!(matches!(array.fill(9), Err(Error::Borrowed)));
            assert!(matches!(array.update(1, |_| ()), Err(Error::Borrowed)));
            assert!(panicked(|| array.lock().unwrap().fill(9)).contains("borrowed"));
            all[1] = 7;
        })
        .unwrap();
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 7, 3], 1));
    let failed = panic::catch_unwind(AssertUnwindSafe(|| array.update_all(|_| panic!("in the closure"))));
    assert!(failed.is_err());
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 7, 3], 1));
    array.set(0, 5).unwrap();
}

/// Half of what was written under one guard must not be left by a panic.
#[test]
fn a_panic_rolls_back_all_elements() {
    let array = SharedArray::<u64>::new(10_000).unwrap();
    let panicking = array.clone();
    let panicked = thread::spawn(move || {
        let guard = panicking.lock().unwrap();
        for index in (0..10_000).step_by(7) {
            guard.set(index, 1).unwrap();
        }
        panic!("before it is committed");
    });
    assert!(panicked.join().is_err());
    assert_eq!((array.iter().sum::<u64>(), array.version()), (0, 0));
    array.set(14, 1).unwrap();
    array.set(21, 1).unwrap();
    assert_eq!(array.iter().sum::<u64>(), 2, "what was rolled back does not come back");
}

/// Under the lock no code of the user's may run that was not asked for: it could panic, and the lock would stay held.
#[test]
fn elements_are_copied_and_not_cloned() {
    #[derive(SharedValue, Copy, PartialEq, Debug)]
    #[repr(C)]
    struct Loud(u64);

    #[expect(clippy::expl_impl_clone_on_copy, clippy::non_canonical_clone_impl, reason = "it is what is tested")]
    impl Clone for Loud {
        fn clone(&self) -> Self {
            panic!("it was cloned")
        }
    }

    in_time(|| {
        let array = SharedArray::new(&[Loud(1), Loud(2), Loud(3)]).unwrap();
        for number in 4..6 {
            let filled = panic::catch_unwind(AssertUnwindSafe(|| array.fill(Loud(number))));
            assert!(matches!(filled, Ok(Ok(()))), "{filled:?}");
            assert_eq!(array.try_lock().unwrap().get(2), Loud(number));
        }
        let guard = array.lock().unwrap();
        guard.fill(Loud(6)).unwrap();
        assert_eq!(guard.get(0), Loud(6));
    });
}

/// What a child finds in a guard of its parent is not its own.
#[test]
fn a_guard_stays_the_parents() {
    let array = SharedArray::new(&[1, 2, 3]).unwrap();
    let guard = array.lock().unwrap();
    guard.set(0, 9).unwrap();
    let child = fork(|| {
        assert_eq!(guard.to_vec().unwrap(), [1, 2, 3], "what is committed");
        assert!(matches!(array.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    });
    child.finish();
    drop(guard);
    assert_eq!(array.to_vec().unwrap(), [9, 2, 3]);
}

/// Without a version, a copy of a large array would mix commits.
#[test]
fn a_snapshot_is_of_one_commit() {
    in_time(|| {
        let name = SegmentName::new("array-snapshot");
        let array = SharedArray::<u32>::create(&name, 5_000).unwrap();
        let writer = fork(|| {
            let array = SharedArray::<u32>::open(&name).unwrap();
            for round in 1..=2_000 {
                match round % 3 {
                    0 => array.fill(round).unwrap(),
                    1 => array.write(0, &vec![round; array.len()]).unwrap(),
                    _ => {
                        let guard = array.lock().unwrap();
                        (0..guard.len()).for_each(|index| guard.set(index, round));
                    }
                }
            }
        });
        let read_only = array.read_only().unwrap();
        let mut copy = vec![0; array.len()];
        while copy[0] < 2_000 {
            for array in [&array.to_vec().unwrap(), &read_only.to_vec().unwrap()] {
                assert!(array.iter().all(|element| *element == array[0]), "{array:?}");
            }
            array.read(.., &mut copy).unwrap();
            assert!(copy.iter().all(|element| *element == copy[0]), "{copy:?}");
        }
        writer.finish();
    });
}

/// Processes that change different elements of the same words must not lose each other's changes.
#[test]
fn processes_count_in_neighbouring_elements() {
    let array = SharedArray::<u16>::new(6).unwrap();
    let children: Vec<_> = (0..3)
        .map(|child| {
            fork(|| {
                for _ in 0..2_000 {
                    array.update(child, |count| *count += 1).unwrap();
                    let guard = array.lock().unwrap();
                    let count = guard.get(child + 3);
                    guard.set(child + 3, count + 1).unwrap();
                }
            })
        })
        .collect();
    children.into_iter().for_each(Forked::finish);
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![2_000; 6], 12_000));
}

#[test]
fn waiting_for_elements() {
    let array = SharedArray::<u8>::new(100).unwrap();
    let writer = array.clone();
    let mut changes = array.changes();
    let thread = thread::spawn(move || (0..100).for_each(|index| writer.set(index, 1).unwrap()));
    let all = array.wait_for(|elements| elements.iter().all(|element| *element == 1), DEADLINE).unwrap();
    assert_eq!(all, [1; 100]);
    assert_eq!(changes.next_timeout(DEADLINE).unwrap().len(), 100);
    thread.join().unwrap();
}

/// Under one lock with other values.
#[test]
fn an_array_under_a_shared_lock() {
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let array = guarded.share_array::<u64>(1_000).unwrap();
    let sum = guarded.new(0_u64).unwrap();
    for round in 1..=3 {
        let guard = lock.lock().unwrap();
        array.write(10 * round, &[1; 5]).unwrap();
        array.update_all(|all| all[999] = 1).unwrap();
        sum.set(array.iter().sum()).unwrap();
        drop(guard);
        assert_eq!(sum.get(), 5 * round as u64 + 1);
    }
}

/// Elements of an array field, several at once, beside fields that share their words.
#[test]
fn elements_of_a_field() {
    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Fields {
        before: u8,
        small: [u8; 13],
        modes: [Mode; 2],
        grains: [Grain; 3],
        #[shared(pod)]
        colors: [Rgb; 4],
        after: u64,
    }

    let grain = Grain { is_set: true, weight: 3, size: 4 };
    let (black, white) = (Rgb { red: 0, green: 0, blue: 0 }, Rgb { red: 255, green: 255, blue: 255 });
    let first =
        Fields { before: 1, small: [2; 13], modes: [Mode::Idle; 2], grains: [grain; 3], colors: [black; 4], after: 9 };
    let name = SegmentName::new("array-field");
    let fields = Synchronized::create(&name, first).unwrap();
    fields.small_write(3, &[5, 6, 7]).unwrap();
    fields.modes_write(1, &[Mode::Busy]).unwrap();
    fields.colors_write(2, &[white; 2]).unwrap();
    let guard = fields.lock().unwrap();
    guard.grains_write(0, &[Grain::default(); 2]);
    guard.small_write(0, &[8; 2]);
    let mut small = [0; 4];
    guard.small_read(..4, &mut small);
    assert_eq!(small, [8, 8, 2, 5]);
    fields.read_only().unwrap().small_read(..=3, &mut small);
    assert_eq!(small, [2, 2, 2, 5], "what is committed");
    drop(guard);

    let mut expected = first;
    expected.small = [8, 8, 2, 5, 6, 7, 2, 2, 2, 2, 2, 2, 2];
    expected.modes[1] = Mode::Busy;
    expected.grains[..2].fill(Grain::default());
    expected.colors[2..].fill(white);
    assert_eq!((fields.load().unwrap(), fields.version()), (expected, 4));
    let (mut modes, mut grains, mut colors) = ([Mode::Idle; 2], [grain; 2], [white; 3]);
    fields.modes_read(.., &mut modes);
    fields.grains_read(1.., &mut grains);
    fields.colors_read(1..4, &mut colors);
    assert_eq!((modes, grains, colors), (expected.modes, [Grain::default(), grain], [black, white, white]));

    let message = "2 elements from index 12 on were asked for, but the array has 13";
    assert_eq!(panicked(|| fields.small_write(12, &[0; 2])), message);
    assert_eq!(panicked(|| fields.lock().unwrap().small_write(12, &[0; 2])), message);
    let message = "the elements 3..5 were asked for, but the array has 4";
    assert_eq!(panicked(|| fields.colors_read(3..5, &mut [white; 2])), message);
    assert_eq!(fields.load().unwrap(), expected);

    let offset = std::mem::offset_of!(Fields, modes) + 1;
    SegmentFile::open(name.path()).cell(size_of::<Fields>()).overwrite(offset, &[3]);
    let message = "`modes[1]` holds invalid bits: expected Idle = 0 or Busy = 7 (Mode), found 0x03";
    assert_eq!(panicked(|| fields.modes_read(.., &mut modes)), message);
    assert_eq!(panicked(|| fields.lock().unwrap().modes_read(1.., &mut modes[1..])), message);
    assert_eq!(modes, expected.modes, "the slice stays as it was");
}

/// Copying all of a large array for every commit would take a thousand times as long.
#[test]
fn a_commit_costs_what_was_changed() {
    fn fastest(mut work: impl FnMut()) -> Duration {
        let time = |_| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        (0..10).map(time).min().expect("several")
    }
    let change = |array: &SharedArray<f64>| {
        let guard = array.lock().unwrap();
        let mut place = 1;
        for _ in 0..1_000 {
            place = place * 7_919 % guard.len();
            let value = guard.get(place);
            guard.set(place, value + 1.0).unwrap();
        }
    };
    let small = SharedArray::<f64>::new(20_011).unwrap();
    let large = SharedArray::<f64>::new(10_000_019).unwrap();
    let (small, large) = (fastest(|| change(&small)), fastest(|| change(&large)));
    // All of it would be 80 megabytes, which takes about 10 milliseconds.
    assert!(large < small * 20, "{large:?} for 10 million elements, {small:?} for 20,000");
}

/// The same for a field of a large struct.
#[test]
fn a_field_of_a_large_struct_costs_little() {
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    struct Large {
        first: u64,
        rest: [u64; 131_071],
    }
    let large = Synchronized::<Large>::new(Zeroed).unwrap();
    let start = Instant::now();
    for number in 1..=1_000 {
        large.set_first(number).unwrap();
        large.set_rest_at(usize::try_from(number).unwrap() * 131, number).unwrap();
    }
    // 2,000 copies of a megabyte take more than a tenth of a second even in memory that is near.
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
    assert_eq!((large.first(), large.rest_at(131_000), large.rest_at(131)), (1_000, 1_000, 1));
    assert_eq!(large.load_boxed().unwrap().rest.iter().sum::<u64>(), 500_500);
}
