//! The memory of vectors: as much as is used, and not as much as the capacity.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::{SeekFrom, seek};
use shared_value::{Arena, Capacity, DynValue, Error, SharedVec};
use shared_value_tests::{SegmentFile, SegmentName};

use crate::read_and_change;

/// The memory of a named segment, in bytes.
fn memory_of(name: &SegmentName) -> u64 {
    fs::metadata(name.path()).expect("it has a file").blocks() * 512
}

/// Many more elements than a test uses. A fault that takes memory for the whole capacity takes 16 MiB for 8-byte elements: more
/// could end other processes of the machine.
pub(crate) const VAST: Capacity = Capacity(1 << 20);

/// If the capacity took memory, a generous one could not be had; if the marks of a reopened vector covered all of it, the
/// next change would copy all of it.
#[test]
fn memory_is_taken_as_it_is_used() {
    let name = SegmentName::new("vast");
    let vector = SharedVec::<u64>::create(&name, VAST).unwrap();
    assert!(memory_of(&name) < 64 << 10, "{}", memory_of(&name));
    vector.push(1).unwrap();
    vector.push(2).unwrap();
    assert!(memory_of(&name) < 512 << 10, "{}", memory_of(&name));
    vector.extend(0..100_000).unwrap();
    let grown = memory_of(&name);
    assert!((1_600_000..3 << 20).contains(&grown), "{grown}");
    drop(vector);
    name.wait_until_unused();
    let vector = SharedVec::<u64>::open(&name).unwrap();
    vector.push(3).unwrap();
    vector.set_at(0, 5).unwrap();
    assert!(memory_of(&name) < grown + (1 << 18), "{} after {grown}", memory_of(&name));
    assert_eq!((vector.len(), vector.get(0), vector.get(100_002)), (100_003, Some(5), Some(3)));

    // The copy of a file has holes, which the first process that opens it fills as far as they are used.
    let (from, copy) = (File::open(name.path()).unwrap(), SegmentName::new("copied"));
    let to = File::create_new(copy.path()).unwrap();
    to.set_len(from.metadata().unwrap().len()).unwrap();
    let mut at = 0;
    while let Ok(start) = seek(&from, SeekFrom::Data(at)) {
        at = seek(&from, SeekFrom::Hole(start)).unwrap();
        let mut bytes = vec![0; usize::try_from(at - start).unwrap()];
        from.read_exact_at(&mut bytes, start).unwrap();
        for (number, page) in bytes.chunks(4096).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0)) {
            to.write_all_at(page, start + number as u64 * 4096).unwrap();
        }
    }
    let reader = SharedVec::<u64>::open_read_only(&copy).unwrap();
    assert_eq!(reader.len(), 100_003);
    drop(reader);
    let opened = SharedVec::<u64>::open(&copy).unwrap();
    opened.push(4).unwrap();
    assert_eq!((opened.len(), opened.get(100_001)), (100_004, Some(99_999)));
    assert!(memory_of(&copy) < grown + (1 << 20), "{} after {grown}", memory_of(&copy));
}

/// If a read touched what lies behind the last element, it would take memory that no one has reserved, and on a full file system the
/// kernel would end the process.
#[test]
fn behind_the_end_nothing_is_read() {
    let (name, large) = (SegmentName::new("short"), SegmentName::new("short-large"));
    let words = SharedVec::<u64>::create(&name, (vec![1, 2], VAST)).unwrap();
    let boxed = SharedVec::<[u8; 8192]>::create(&large, Capacity(1_000)).unwrap();
    boxed.push([1; 8192]).unwrap();
    let before = [&name, &large].map(memory_of);
    let (reader, other) = (SharedVec::<u64>::open_read_only(&name).unwrap(), boxed.read_only().unwrap());
    let dynamic = [&name, &large].map(|name| DynValue::open_read_only(name).unwrap());
    for index in (100..1_000).step_by(100) {
        assert_eq!((boxed.get(index), other.get(index)), (None, None));
        for index in [index, index * 1_000] {
            assert_eq!((words.get(index), reader.get(index)), (None, None));
            for value in &dynamic {
                assert!(matches!(value.get(&format!("[{index}]")), Err(Error::NoSuchPart { .. })));
            }
        }
    }
    assert_eq!((boxed.get(0), words.get(1)), (Some([1; 8192]), Some(2)));
    assert_eq!([&name, &large].map(memory_of), before);
}

/// If a snapshot that takes the locks copied the whole capacity, it would take memory for all of it.
#[test]
fn a_snapshot_under_locks_copies_what_is_in_use() {
    let name = SegmentName::new("in-snapshot");
    let vector = SharedVec::<u64>::create(&name, VAST).unwrap();
    let arena = Arena::new(1 << 20).unwrap();
    let words = arena.insert::<shared_value::Vector<u64>>("words", Capacity(10_000)).unwrap();
    let dynamic = DynValue::open(&name).unwrap();
    let mut calls = 0;
    let seen = arena.snapshot(|snapshot| {
        let seen = (snapshot.load(&vector)?, snapshot.load(&words)?, snapshot.load(&dynamic)?.to_string());
        calls += 1;
        // After 64 failures it takes the locks, and these changes no longer overtake it.
        if calls <= 150 {
            vector.push(calls)?;
            words.push(calls)?;
        }
        Ok(seen)
    });
    let (seen, words, text) = seen.unwrap();
    assert!(calls < 150, "it never took the locks");
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    assert_eq!((&words, text), (&seen, format!("{seen:?}")));
    assert!(memory_of(&name) < 512 << 10, "{}", memory_of(&name));
}

/// If a length without memory behind it were believed, one wrong bit would make all processes read the whole capacity.
#[test]
fn a_length_without_memory_is_an_error() {
    let name = SegmentName::new("no-memory");
    let vector = SharedVec::<u64>::create(&name, (vec![1, 2, 3], VAST)).unwrap();
    let (reader, dynamic) = (vector.read_only().unwrap(), DynValue::open(&name).unwrap());
    let (before, length) = (memory_of(&name), 1_u64 << 19);
    SegmentFile::open(name.path()).cell(64 + 8 * VAST.0).overwrite(0, &length.to_ne_bytes());
    let others = [vector.set_at(400_000, 1), dynamic.load().map(drop), dynamic.get("[400000]").map(drop)];
    for failed in read_and_change(&vector, &reader, 4).into_iter().chain(others) {
        let error = failed.unwrap_err().to_string();
        assert!(error.ends_with("expected at most 524287, as the memory of the file shows, found 524288"), "{error}");
    }
    for getter in
        [|vector: &SharedVec<u64>| vector.len() as u64, |vector: &SharedVec<u64>| vector.get(400_000).unwrap()]
    {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| getter(&vector))).unwrap_err();
    }
    assert_eq!(memory_of(&name), before);
    vector.clear().unwrap();
    vector.push(9).unwrap();
    assert_eq!(reader.load().unwrap(), [9]);
}

/// If the first process believed marks that a copy of the file has, its first change would write to pages without memory.
#[test]
fn marks_of_a_copy_are_forgotten() {
    let name = SegmentName::new("marks");
    drop(SharedVec::<u64>::create(&name, (vec![1, 2, 3], VAST)).unwrap());
    name.wait_until_unused();
    let file = SegmentFile::open(name.path());
    let slot = 64 + 8 * VAST.0 as u64;
    for number in 0..8 {
        // Blocks of 64 bytes, counted from 1, each in another page.
        file.overwrite(file.cell_offset() + 64 + 2 * slot + number * 8, &(10_001 + number * 100).to_ne_bytes());
    }
    let vector = SharedVec::<u64>::open(&name).unwrap();
    let before = memory_of(&name);
    for element in 4..7 {
        vector.set_at(0, element).unwrap();
    }
    assert_eq!((memory_of(&name), vector.load().unwrap()), (before, vec![6, 2, 3]));
}

/// In an arena: if all of a vector were marked at its first opening, the next change would copy the whole capacity.
#[test]
fn a_vector_of_a_reopened_arena_is_not_copied_as_a_whole() {
    const ELEMENT: u64 = 0x1122_3344_5566_7788;
    const BEHIND: u64 = 0x99aa_bbcc_ddee_ff00;
    let name = SegmentName::new("arena-marks");
    let places_of = |word: u64| {
        let bytes = fs::read(name.path()).unwrap();
        (0..bytes.len() - 7).step_by(8).filter(|at| bytes[*at..][..8] == word.to_ne_bytes()).collect::<Vec<_>>()
    };
    let arena = Arena::create(&name, 1 << 20).unwrap();
    arena.insert::<shared_value::Vector<u64>>("words", (vec![ELEMENT], Capacity(20_000))).unwrap();
    drop(arena);
    name.wait_until_unused();
    let behind = places_of(ELEMENT)[0] as u64 + 15_000 * 8;
    SegmentFile::open(name.path()).overwrite(behind, &BEHIND.to_ne_bytes());
    let vector = Arena::open(&name).unwrap().get::<shared_value::Vector<u64>>("words").unwrap().unwrap();
    vector.set_at(0, 5).unwrap();
    vector.set_at(0, 6).unwrap();
    assert_eq!(places_of(BEHIND), [usize::try_from(behind).unwrap()]);
}
