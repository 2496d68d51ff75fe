//! Values that begin as zeros: they take no memory, and must be valid.

use std::fs::File;
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use shared_value::{Error, Filled, SharedArray, SharedValue, Synchronized, Token, Zeroed};
use shared_value_tests::SegmentName;
use shared_value_tests::values::{Level, Mode};

/// Returns how much memory a value without a name takes, in bytes.
fn memory_of(token: &Token) -> u64 {
    let text = token.to_string();
    let descriptor = text.rsplit(':').next().expect("the token of a value without a name ends with a descriptor");
    let file = File::open(format!("/proc/self/fd/{descriptor}")).expect("the descriptor is open");
    assert!(file.as_raw_fd() >= 0);
    file.metadata().expect("a file").blocks() * 512
}

/// Zeros that were written would take memory: a program could not create a large value that it fills little by little.
#[test]
fn zeros_without_a_name_take_no_memory() {
    const LENGTH: usize = 8 << 20;
    /// The header, the schema, the cell, and whole pages.
    const LITTLE: u64 = 64 << 10;

    let zeros = SharedArray::new(Filled(0_u64, LENGTH)).unwrap();
    assert!(memory_of(&zeros.token().unwrap()) < LITTLE, "{}", memory_of(&zeros.token().unwrap()));
    zeros.set_at(LENGTH / 2, 1).unwrap();
    assert_eq!((zeros.at(LENGTH / 2), zeros.at(0), zeros.at(LENGTH - 1)), (1, 0, 0));
    assert!(memory_of(&zeros.token().unwrap()) < 2 * LITTLE, "one element takes a page or two");

    let zeroed = Synchronized::<[u64; LENGTH]>::new(Zeroed).unwrap();
    assert!(memory_of(&zeroed.token().unwrap()) < LITTLE, "{}", memory_of(&zeroed.token().unwrap()));
    let unlocked = SharedArray::options().unlocked().new(Filled(0_u64, LENGTH)).unwrap();
    assert!(memory_of(&unlocked.token().unwrap()) < LITTLE, "{}", memory_of(&unlocked.token().unwrap()));

    let ones = SharedArray::new(Filled(1_u64, LENGTH / 8)).unwrap();
    assert!(memory_of(&ones.token().unwrap()) >= 8 << 20, "the test looks at the right file");
}

/// A value with a name has all of its memory from the start: a page that cannot be had later would be a SIGBUS.
#[test]
fn zeros_with_a_name_take_their_memory_at_once() {
    let name = SegmentName::new("zeros");
    let zeros = SharedArray::create(&name, Filled(0_u64, 1 << 17)).unwrap();
    let file = File::open(name.path()).unwrap();
    assert!(file.metadata().unwrap().blocks() * 512 >= 2 << 20);
    assert_eq!(zeros.iter().sum::<u64>(), 0);
}

#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Warm {
    first: u8,
    inner: Inner,
}

#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Inner {
    is_set: bool,
    levels: [Level; 3],
}

/// Zeros that are not a valid value would be undefined behaviour to read.
#[test]
fn zeros_that_are_invalid_are_refused() {
    let name = SegmentName::new("invalid-zeros");
    for refused in [
        Synchronized::<Warm>::new(Zeroed),
        Synchronized::<Warm>::create(&name, Zeroed),
        Synchronized::<Warm>::open_or_create(&name, Zeroed),
    ] {
        let error = refused.expect_err("zero is not a `Level`");
        assert!(
            matches!(
                &error,
                Error::InvalidBits { field, expected, found }
                    if field == "inner.levels[0]"
                        && expected == "Frost = -300 or Cold = -1 or Warm = 300 (Level)"
                        && found == "0x0000"
            ),
            "{error:?}"
        );
    }
    assert!(!name.path().exists(), "nothing was created");
    let unlocked = Synchronized::<NonZeroU32>::options().unlocked().new(Zeroed);
    assert!(matches!(unlocked, Err(Error::InvalidBits { .. })), "{unlocked:?}");
    let array = Synchronized::<[NonZeroU32; 4]>::new(Zeroed).unwrap_err();
    assert_eq!(
        array.to_string(),
        "`[0]` holds invalid bits: expected anything but zero (NonZeroU32), found 0x00000000"
    );
    assert_eq!(Synchronized::<[Mode; 2]>::new(Zeroed).unwrap().get(), [Mode::Idle; 2], "zero is a `Mode`");
    assert_eq!(Synchronized::<Option<NonZeroU32>>::new(Zeroed).unwrap().get(), None);
}
