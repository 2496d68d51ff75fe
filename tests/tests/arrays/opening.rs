//! Arrays that are created and found.

use shared_value::{Error, Filled, LockKind, SharedArray, Synchronized, unlink};
use shared_value_tests::{SegmentFile, SegmentName, fork};

/// Without the length in the segment, a program could not open the array of another.
#[test]
fn the_segment_knows_the_length() {
    let name = SegmentName::new("array-length");
    let array = SharedArray::create(&name, &[1_u32, 2, 3]).unwrap();
    let child = fork(|| {
        let other = SharedArray::<u32>::open(&name).unwrap();
        assert_eq!(other.to_vec().unwrap(), [1, 2, 3]);
        other.write_slice(1, &[7, 8]).unwrap();
    });
    child.finish();
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 7, 8], 1));
    let opened = SharedArray::open_or_create(&name, Filled(0_u32, 100)).unwrap();
    assert_eq!(opened.len(), 3, "an existing array keeps its length");
    assert!(matches!(SharedArray::create(&name, Filled(0_u32, 1)), Err(Error::AlreadyExists { .. })));
    let error = SharedArray::<f32>::open(&name).unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { .. }), "{error}");
    assert!(error.to_string().contains("expected `[f32]"), "{error}");
    let error = Synchronized::<[u32; 3]>::open(&name).unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { .. }), "{error}");
    let read_only = SharedArray::<u32>::open_read_only(&name).unwrap();
    assert_eq!((read_only.at(2), read_only.to_vec().unwrap()), (8, vec![1, 7, 8]));
}

/// Without a check of the segment's length, elements beyond the mapping would be read.
#[test]
fn a_wrong_length_is_refused() {
    for length in [0_u64, 8, 11, 12 * 4, 13, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX - 15, u64::MAX] {
        let name = SegmentName::new("array-wrong");
        drop(SharedArray::create(&name, &[1_u32, 2, 3]).unwrap());
        // This is the size in the first entry of the table.
        SegmentFile::open(name.path()).overwrite(128 + 40, &length.to_ne_bytes());
        let error = SharedArray::<u32>::open(&name).unwrap_err();
        assert!(matches!(&error, Error::InvalidSegment { .. }), "{length}: {error}");
    }
}

/// Arrays must be created and found in every way in which other values are.
#[test]
fn an_array_is_found_in_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    let ones = vec![1_u16; 5];
    drop(SharedArray::create(&path, &ones).unwrap());
    assert_eq!(SharedArray::<u16>::open(&path).unwrap().to_vec().unwrap(), [1; 5]);
    assert_eq!(SharedArray::open_or_create(&path, Filled(0_u16, 9)).unwrap().len(), 5);
    assert_eq!(SharedArray::<u16>::open_read_only(&path).unwrap().at(4), 1);

    let array = SharedArray::new(Filled(0_u16, 3)).unwrap();
    let by_token = SharedArray::<u16>::open(array.token().unwrap()).unwrap();
    by_token.set_at(1, 7).unwrap();
    let text = serde_json::to_string(&array).unwrap();
    let by_text: SharedArray<u16> = serde_json::from_str(&text).unwrap();
    assert_eq!(by_text.to_vec().unwrap(), [0, 7, 0]);
    let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    array.read_only().unwrap().send_to(&here).unwrap();
    assert_eq!(SharedArray::<u16>::open_read_only(&there).unwrap().at(1), 7);

    let unlocked = SharedArray::<u8>::options().unlocked().new(&[1, 2, 3]).unwrap();
    unlocked.write_slice(1, &[8, 9]).unwrap();
    unlocked.update_at(0, |value| *value += 1).unwrap();
    unlocked.update_all(<[_]>::reverse).unwrap();
    assert_eq!((unlocked.to_vec().unwrap(), unlocked.version()), (vec![9, 8, 2], 0));
    unlocked.fill(4).unwrap();
    assert_eq!(unlocked.iter().sum::<u8>(), 12);

    let name = SegmentName::new("array-options");
    let array = SharedArray::options().lock_kind(LockKind::Pthread).create(&name, &[1_i64, 2]).unwrap();
    assert!(SharedArray::<i64>::open(&name).is_err(), "a pthread mutex guards the array");
    let other: SharedArray<i64> = SharedArray::options().lock_kind(LockKind::Pthread).open(&name).unwrap();
    other.lock().unwrap().swap(0, 1).unwrap();
    assert_eq!(array.to_vec().unwrap(), [2, 1]);
    unlink(&name).unwrap();
}
