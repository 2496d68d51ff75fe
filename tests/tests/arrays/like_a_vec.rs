//! Arrays and `Vec`s to which the same things are done.

use std::num::NonZeroU32;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use shared_value::{Filled, FixedStr, SharedArray, SharedValue};
use shared_value_tests::values::{Grain, Level, Mode, Padded};

/// Does to an array of these elements and to a `Vec` of them what can be done to both, and compares them.
fn like_a_vec<T: SharedValue + PartialEq + std::fmt::Debug>(values: &[T]) {
    let array = SharedArray::new(values).unwrap();
    assert_eq!((array.len(), array.is_empty(), array.version()), (values.len(), false, 0));
    assert_eq!(array.to_vec().unwrap(), values);
    assert_eq!(array.iter().rev().collect::<Vec<_>>(), values.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!((&array).into_iter().len(), values.len());

    let last = values.len() - 1;
    array.set_at(0, values[last]).unwrap();
    let previous = array.update_at(last, |value| std::mem::replace(value, values[0])).unwrap();
    assert_eq!(previous, values[last]);
    let mut expected = values.to_vec();
    expected.swap(0, last);
    assert_eq!(array.to_vec().unwrap(), expected);
    assert_eq!(array.at(last), values[0]);

    array.write_slice(1, &values[..last]).unwrap();
    expected[1..].copy_from_slice(&values[..last]);
    let mut part = expected[..last].to_vec();
    array.read_slice(1.., &mut part).unwrap();
    assert_eq!(part, expected[1..]);

    array.fill(values[last]).unwrap();
    assert_eq!(array.to_vec().unwrap(), vec![values[last]; values.len()]);
    array.update_all(|all| all.copy_from_slice(values)).unwrap();
    assert_eq!(array.version(), 5);

    let guard = array.lock().unwrap();
    guard.swap(0, last).unwrap();
    assert_eq!((guard.at(0), guard.at(last)), (values[last], values[0]));
    guard.commit();
    guard.fill(values[0]).unwrap();
    guard.write_slice(0, &values[1..]).unwrap();
    guard.read_slice(..1, &mut part[..1]).unwrap();
    assert_eq!(part[0], values[1]);
    guard.update_all(<[_]>::reverse).unwrap();
    assert_eq!(guard.to_vec().unwrap().last(), Some(&values[1]));
    guard.rollback();
    drop(guard);
    expected.copy_from_slice(values);
    expected.swap(0, last);
    assert_eq!((array.to_vec().unwrap(), array.version()), (expected, 6));
    let filled = SharedArray::new(Filled(values[0], values.len())).unwrap();
    assert_eq!(filled.to_vec().unwrap(), vec![values[0]; values.len()]);
    let moved = SharedArray::new(values.to_vec()).unwrap();
    assert_eq!(moved.to_vec().unwrap(), values);
}

/// Elements may be smaller than a word, have padding, or fill no whole number of words: each kind is copied differently.
#[test]
fn elements_of_every_kind_are_like_a_vec() {
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

/// A step of the test below, done to an array and to a `Vec`.
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
    let array = SharedArray::new(Filled(first, length)).unwrap();
    let others = array.read_only().unwrap();
    let (mut committed, mut written) = (vec![first; length], vec![first; length]);
    let guard = array.lock().unwrap();
    for step in steps {
        match step.clone() {
            Step::Set(index, value) => {
                guard.set_at(index, value).unwrap();
                written[index] = value;
            }
            Step::Write(range, value) => {
                // Through the handle, while this thread holds the lock, and with elements that differ.
                let mut values = vec![value; range.len()];
                values.iter_mut().step_by(3).for_each(|value| *value = first);
                array.write_slice(range.start, &values).unwrap();
                written[range].copy_from_slice(&values);
            }
            Step::Read(range) => {
                let mut values = vec![first; range.len()];
                guard.read_slice(range.clone(), &mut values).unwrap();
                assert_eq!(values, written[range.clone()]);
                array.read_slice(range.clone(), &mut values).unwrap();
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
        assert_eq!(others.to_vec().unwrap(), committed, "others see committed elements");
        assert_eq!(guard.to_vec().unwrap(), written);
    }
    drop(guard);
    assert_eq!(array.to_vec().unwrap(), written);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// If marks did not cover all written elements, an element would show its value of two commits ago.
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
