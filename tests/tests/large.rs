//! Values that are too large for the stack.

use std::thread;

use shared_value::{Error, SharedValue, Synchronized, Zeroed};
use shared_value_tests::SegmentName;
use shared_value_tests::values::{Grain, Level};

/// A value of 16 MiB, with padding, with bits that may be invalid, and with a word outside of the slots.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Large {
    is_on: bool,
    #[shared(atomic)]
    hits: u64,
    grains: [Grain; 1_000],
    tiles: [[u16; 1_000]; 4_000],
    numbers: [u64; 1_000_000],
}

const _: () = assert!(size_of::<Large>() > 15 << 20 && Large::LAYOUT.padding() > 0);

/// Runs the closure in a thread with a stack of 64 KiB; a stack overflow ends the process.
fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(64 << 10).spawn(body).unwrap().join().unwrap();
}

/// A copy of the value on the stack would overflow it and end the process.
#[test]
fn a_large_value_is_never_on_the_stack() {
    on_a_small_stack(|| {
        let name = SegmentName::new("large");
        let large = Synchronized::<Large>::create(&name, Zeroed).unwrap();
        large.hits().fetch_add(3);
        large.in_tiles().set_at(3_999, [7; 1_000]).unwrap();
        large
            .update(|large| {
                assert_eq!(large.tiles[3_999][999], 7);
                large.is_on = true;
                large.grains[999] = Grain { is_set: true, weight: 5, size: 6 };
                large.numbers[999_999] = 8;
                large.hits = 100;
            })
            .unwrap();
        let mut copy = large.load_boxed().unwrap();
        assert!(copy.is_on && copy.grains[999].is_set);
        assert_eq!((copy.numbers[999_999], copy.hits, large.version()), (8, 3, 2), "atomic fields are not written");

        let other = Synchronized::<Large>::open(&name).unwrap();
        copy.numbers[0] = 1;
        other.copy_from(&copy).unwrap();
        let guard = large.lock().unwrap();
        copy.numbers[0] = 2;
        guard.copy_from(&copy).unwrap();
        guard.update(|large| large.numbers[0] *= 10).unwrap();
        assert_eq!(guard.load_boxed().unwrap().numbers[0], 20);
        assert_eq!(large.read_only().unwrap().load_boxed().unwrap().numbers[0], 1);
        drop(guard);
        assert_eq!((large.in_numbers().at(0), large.version()), (20, 4));

        let from = Synchronized::new(copy.as_ref()).unwrap();
        assert_eq!((from.in_numbers().at(0), from.hits().load(), from.in_grains().at(999).weight), (2, 3, 5));
        let unlocked = Synchronized::<Large>::options().unlocked().open(from.token().unwrap());
        assert!(matches!(unlocked, Err(Error::InvalidSegment { field: "lock", .. })), "the value has a lock");
        assert_eq!(Synchronized::<Large>::open_or_create(&name, Zeroed).unwrap().in_numbers().at(0), 20);
        assert!(matches!(Synchronized::<Large>::create(&name, copy.as_ref()), Err(Error::AlreadyExists { .. })));
        let read_only = Synchronized::<Large>::open_read_only(&name).unwrap();
        assert_eq!(read_only.load_boxed().unwrap().numbers[0], 20);
    });
}

/// Files are written from the value where it lies, and need no copy of it either.
#[test]
fn a_large_value_in_a_file_is_never_on_the_stack() {
    on_a_small_stack(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros");
        let zeros = Synchronized::<Large>::create(&path, Zeroed).unwrap();
        zeros.in_numbers().set_at(5, 5).unwrap();
        let copy = folder.path().join("copy");
        drop(Synchronized::create(&copy, zeros.load_boxed().unwrap().as_ref()).unwrap());
        assert_eq!(Synchronized::<Large>::open(&copy).unwrap().in_numbers().at(5), 5);
    });
}

/// Zeros that are not a valid value would be undefined behaviour to read.
#[test]
fn zeros_must_be_valid() {
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    struct Warm {
        first: u8,
        level: [Level; 3],
    }
    let error = Synchronized::<Warm>::new(Zeroed).unwrap_err();
    assert!(matches!(error, Error::InvalidBits { .. }), "{error:?}");
    assert!(error.to_string().starts_with("`level[0]` holds invalid bits: expected Frost = -300 or"), "{error}");
}
