//! Headers with false statements about the mutex.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use shared_value::{Error, Synchronized};
use shared_value_tests::SegmentName;

use crate::guarded;

/// Another C library would read other fields of the mutex.
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
        let error = guarded::<u64>().open(&name).unwrap_err();
        assert!(matches!(&error, Error::InvalidSegment { field: found, .. } if *found == field), "{error:?}");
        file.write_all_at(&original[..bytes.len()], offset).unwrap();
    }
    assert_eq!(guarded::<u64>().open(&name).unwrap().get(), 1);
}

/// The C library follows the pointers in a mutex: a forged header must not lead a program to one that it did not ask for.
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
    let mutex = (word(128) + word(136)).next_multiple_of(64);
    file.set_len(mutex + 64).unwrap();
    let abi = 0x1_0000 | u32::try_from(size_of::<libc::pthread_mutex_t>()).unwrap();
    file.write_all_at(&2_u32.to_ne_bytes(), 20).unwrap();
    file.write_all_at(&abi.to_ne_bytes(), 24).unwrap();
    file.write_all_at(&(mutex + 64).to_ne_bytes(), 32).unwrap();
    file.write_all_at(&mutex.to_ne_bytes(), 48).unwrap();
    let error = Synchronized::<u64>::open(&name).unwrap_err();
    assert!(error.to_string().contains("expected a lock of its own, found a pthread mutex"), "{error}");
    // A program that asks for a pthread mutex trusts all writers.
    assert_eq!(guarded::<u64>().open(&name).unwrap().get(), 7);
}
