//! Vectors, texts and bytes whose length changes.

mod by_schema;
mod memory;

use std::collections::HashMap;
use std::thread;

use rustix::process::Signal;
use shared_value::{
    Arena, Capacity, DynLayout, DynValue, Error, FixedStr, ReadOnly, Reserved, SharedArray, SharedBytes, SharedString,
    SharedValue, SharedVec, Synchronized,
};
use shared_value_tests::{DEADLINE, Forked, SegmentFile, SegmentName, fork, in_time, scaled};

use memory::VAST;

/// Calls that read a vector as a whole, and calls that change its length.
fn read_and_change<E: SharedValue>(
    vector: &SharedVec<E>,
    reader: &SharedVec<E, ReadOnly>,
    element: E,
) -> [Result<(), Error>; 6] {
    [
        vector.load().map(drop),
        reader.load_timeout(DEADLINE).map(drop),
        vector.wait_for(|_| true, DEADLINE).map(drop),
        vector.push(element),
        vector.pop().map(drop),
        vector.truncate(1),
    ]
}

/// An offset that forgot the capacity, the length or the head would show in one of these.
#[test]
fn it_behaves_like_a_vec() {
    let name = SegmentName::new("like-a-vec");
    let vector = SharedVec::<u32>::create(&name, (&[1, 2], Capacity(500))).unwrap();
    let (other, reader) = (SharedVec::<u32>::open(&name).unwrap(), SharedVec::<u32>::open_read_only(&name).unwrap());
    let (mut model, mut random) = (vec![1, 2], fastrand::Rng::with_seed(5));
    for round in 0..3_000 {
        let host = if round % 2 == 0 { &vector } else { &other };
        match random.u32(..8) {
            0..=2 => {
                let more: Vec<u32> = (0..random.usize(..40)).map(|_| random.u32(..)).collect();
                let done = host.extend(more.iter().copied());
                if model.len() + more.len() <= 500 {
                    done.unwrap();
                    model.extend(more);
                } else {
                    assert!(matches!(done, Err(Error::VectorFull { capacity: 500, .. })), "{done:?}");
                }
            }
            3 => assert_eq!(host.pop().unwrap(), model.pop()),
            4 => {
                let length = random.usize(..300);
                host.truncate(length).unwrap();
                model.truncate(length);
            }
            5 if !model.is_empty() => {
                let index = random.usize(..model.len());
                host.set_at(index, round).unwrap();
                model[index] = round;
            }
            6 => {
                model = (0..random.u32(..500)).collect();
                host.set(&model).unwrap();
            }
            _ => {
                let guard = host.lock().unwrap();
                if guard.push(7).is_ok() {
                    model.push(7);
                }
                guard.truncate(model.len() / 2).unwrap();
                model.truncate(model.len() / 2);
                guard.push(8).unwrap();
                model.push(8);
                assert_eq!(guard.load().unwrap(), model);
                assert_eq!(guard.len(), model.len());
            }
        }
        assert_eq!(vector.load().unwrap(), model, "round {round}");
        assert_eq!(reader.load_timeout(DEADLINE).unwrap(), model);
        assert_eq!((reader.len(), other.is_empty()), (model.len(), model.is_empty()));
        let index = random.usize(..500);
        assert_eq!(reader.get(index), model.get(index).copied());
    }
    assert!(matches!(vector.set_at(499, 1), Err(Error::NoElement { index: 499, .. })));
    assert_eq!((vector.get(500), vector.get(usize::MAX)), (None, None));
    vector.clear().unwrap();
    assert!(vector.is_empty() && vector.pop().unwrap().is_none() && vector.iter().next().is_none());
}

/// If a push lost one of another process, or a read mixed two versions, an element would be missing or out of order.
#[test]
fn processes_push_at_once() {
    const CHILDREN: u64 = 3;
    let each = scaled(20_000, 2_000);
    in_time(move || {
        let name = SegmentName::new("pushing");
        let vector = SharedVec::<u64>::create(&name, VAST).unwrap();
        let children: Vec<_> = (0..CHILDREN)
            .map(|child| {
                fork(|| {
                    let vector = SharedVec::<u64>::open(&name).unwrap();
                    for number in 0..each {
                        if number % 2 == 0 {
                            vector.push(number * CHILDREN + child).unwrap();
                        } else {
                            let guard = vector.lock().unwrap();
                            guard.push(number * CHILDREN + child).unwrap();
                        }
                    }
                })
            })
            .collect();
        let reader = vector.read_only().unwrap();
        let mut seen = 0;
        while seen < each * CHILDREN {
            for found in [vector.load().unwrap(), reader.load().unwrap()] {
                let mut next = HashMap::<u64, u64>::new();
                for element in &found {
                    let next = next.entry(element % CHILDREN).or_default();
                    assert_eq!(element / CHILDREN, *next, "an element is missing or twice");
                    *next += 1;
                }
                assert!(found.len() as u64 >= seen, "it became shorter");
                seen = found.len() as u64;
            }
        }
        children.into_iter().for_each(Forked::finish);
        assert_eq!((vector.len() as u64, vector.version()), (each * CHILDREN, each * CHILDREN));
    });
}

/// Without the version, a copy would have the length of one commit and the elements of another.
#[test]
fn a_copy_is_of_one_commit() {
    in_time(|| {
        let name = SegmentName::new("one-commit");
        let vector = SharedVec::<u32>::create(&name, Capacity(100_000)).unwrap();
        let text = SharedString::new(Capacity(10_000)).unwrap();
        let writer = fork(|| {
            let vector = SharedVec::<u32>::open(&name).unwrap();
            for round in 1..=2_000_u32 {
                let length = round * 7_919 % 3_000;
                text.set(&length.to_string().repeat(length as usize % 500)).unwrap();
                let guard = vector.lock().unwrap();
                guard.truncate(0).unwrap();
                guard.extend(std::iter::repeat_n(length, length as usize)).unwrap();
            }
        });
        let reader = vector.read_only().unwrap();
        while vector.version() < 2_000 {
            for found in [vector.load().unwrap(), reader.load_timeout(DEADLINE).unwrap(), reader.iter().collect()] {
                assert!(found.iter().all(|element| *element as usize == found.len()), "{found:?}");
            }
            let found = text.load().unwrap();
            let word = found.get(..4.min(found.len())).unwrap().to_owned();
            let is_whole = |word: &str| word.parse().is_ok_and(|length: usize| word.repeat(length % 500) == found);
            assert!(found.is_empty() || (1..=word.len()).any(|end| is_whole(&word[..end])), "{found}");
        }
        writer.finish();
    });
}

/// If a death left the length of one version and elements of another, the next owner would find them.
#[test]
fn a_killed_owner_leaves_the_last_commit() {
    let name = SegmentName::new("killed");
    let vector = SharedVec::<u64>::create(&name, Capacity(10_000)).unwrap();
    let text = SharedString::new(("before", Capacity(100))).unwrap();
    vector.extend(0..5_000).unwrap();
    for round in 0..10_u64 {
        let before = vector.load().unwrap();
        let held = Synchronized::new(false).unwrap();
        let owner = fork(|| {
            let (guard, words) = (vector.lock().unwrap(), text.lock().unwrap());
            words.set("after").unwrap();
            guard.truncate(17).unwrap();
            guard.extend(std::iter::repeat_n(round, 3_000)).unwrap();
            held.set(true).unwrap();
            loop {
                thread::park();
            }
        });
        held.wait_for(|held| *held, DEADLINE).unwrap();
        assert_eq!(vector.load().unwrap(), before);
        owner.signal(Signal::KILL);
        owner.finish_killed();
        let guard = vector.lock_timeout(DEADLINE).unwrap();
        assert!(guard.recovered());
        assert_eq!(guard.load().unwrap(), before);
        guard.push(round).unwrap();
        drop(guard);
        assert_eq!(vector.load().unwrap(), [before, vec![round]].concat());
        assert_eq!(text.load().unwrap(), "before");
    }
}

/// A program that opens another type would take the bytes for something else.
#[test]
fn other_types_are_refused() {
    let name = SegmentName::new("refused");
    let _vector = SharedVec::<u32>::create(&name, Capacity(10)).unwrap();
    let refused = [
        SharedVec::<u64>::open(&name).map(drop),
        SharedVec::<f32>::open(&name).map(drop),
        SharedArray::<u32>::open(&name).map(drop),
        Synchronized::<u32>::open(&name).map(drop),
        SharedBytes::open(&name).map(drop),
        SharedString::open(&name).map(drop),
        Arena::open(&name).map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::LayoutMismatch { .. }) && error.to_string().contains("[u32; ..]"), "{error}");
    }
    let other = SegmentName::new("refused-too");
    let _text = SharedString::create(&other, ("text", Capacity(10))).unwrap();
    let error = SharedBytes::open(&other).unwrap_err().to_string();
    assert!(error.contains("expected `SharedBytes([u8; ..])`, found `SharedString([u8; ..])`"), "{error}");
    let array = SegmentName::new("refused-array");
    let _array = SharedArray::create(&array, &[1_u32]).unwrap();
    let error = SharedVec::<u32>::open(&array).unwrap_err().to_string();
    assert!(error.contains("expected `[u32; ..]`, found `[u32]`"), "{error}");
    let full = SharedVec::<u8>::new((vec![1_u8, 2, 3], Capacity(2))).unwrap_err();
    assert!(matches!(full, Error::VectorFull { needed: 3, capacity: 2, .. }), "{full}");
    let vast = SharedVec::<[u64; 1000]>::new(Capacity(usize::MAX)).unwrap_err();
    assert!(matches!(vast, Error::Io { .. }), "{vast}");
}

/// If a number of elements were believed, bytes behind the vector would be read or written.
#[test]
fn a_number_above_the_capacity_is_an_error() {
    let name = SegmentName::new("excess");
    let vector = SharedVec::<u32>::create(&name, (vec![1, 2, 3], Capacity(1_000))).unwrap();
    let reader = vector.read_only().unwrap();
    let file = SegmentFile::open(name.path());
    for number in [1_001, 1 << 32, u64::MAX] {
        file.cell(64 + 4_000).overwrite(0, &number.to_ne_bytes());
        let expected =
            format!("`number of elements` holds invalid bits: expected at most 1000, the capacity, found {number}");
        let others = [vector.set_at(0, 1), vector.lock().unwrap().push(4)];
        for failed in read_and_change(&vector, &reader, 4).into_iter().chain(others) {
            assert_eq!(failed.unwrap_err().to_string(), expected);
        }
        for getter in
            [|vector: &SharedVec<u32>| vector.len(), |vector: &SharedVec<u32>| vector.get(0).unwrap_or(0) as usize]
        {
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| getter(&vector))).unwrap_err();
            assert_eq!(panic.downcast_ref::<String>(), Some(&expected));
        }
        assert!(format!("{vector:?}").contains("at most 1000"), "{vector:?}");
        vector.clear().unwrap();
        vector.push(9).unwrap();
        assert_eq!(reader.load().unwrap(), [9]);
    }
    file.cell(64 + 4_000).overwrite(0, &u64::MAX.to_ne_bytes());
    drop((vector, reader));
    name.wait_until_unused();
    let vector = SharedVec::<u32>::open(&name).unwrap();
    assert!(vector.load().is_err());
    vector.set(&[5, 6]).unwrap();
    assert_eq!(vector.load().unwrap(), [5, 6]);
}

/// A program that does not know the type must see what there is, and nothing behind it.
#[test]
fn it_is_read_by_its_schema() {
    let name = SegmentName::new("dynamic");
    let vector = SharedVec::<[u16; 2]>::create(&name, (vec![[1, 2], [3, 4]], Capacity(1_000))).unwrap();
    let value = DynValue::open(&name).unwrap();
    assert_eq!((value.to_string(), value.layout().type_text()), ("[[1, 2], [3, 4]]".into(), "[[u16; 2]; ..]".into()));
    vector.push([5, 6]).unwrap();
    assert_eq!(
        (value.get("[2][1]").unwrap().as_u64(), value.get("[2]").unwrap().to_string()),
        (Some(6), "[5, 6]".into())
    );
    assert_eq!(value.get("[3]").unwrap_err().to_string(), "no part `[3]`: the value has 3 elements");
    assert!(matches!(value.get("[1000]"), Err(Error::NoSuchPart { .. })));
    assert!(matches!(value.get("name"), Err(Error::NoSuchPart { .. })));
    let refused = [
        value.read_bytes("[900]", &mut [0; 4]),
        value.read_elements("", 900, &mut [0; 4]),
        value.write_bytes("[900]", &[0; 4]),
        value.write_elements("", 900, &[0; 4]),
        value.part::<[u16; 2]>("[900]").map(drop),
        vector.part::<[u16; 2]>("[900]").map(drop),
        vector.lock().unwrap().part::<[u16; 2]>("[0]").map(drop),
    ];
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Unsupported { .. }))), "{refused:?}");
    let found = value.wait_for(|data| data.to_string().len() > 10, DEADLINE).unwrap();
    assert_eq!(found.to_string(), "[[1, 2], [3, 4], [5, 6]]");
    let guard = value.lock().unwrap();
    vector.pop().unwrap();
    assert_eq!(guard.to_string(), "[[1, 2], [3, 4]]");
    drop(guard);
    SegmentFile::open(name.path()).cell(64 + 4_000).overwrite(0, &[0xff; 8]);
    for error in [value.load().unwrap_err(), value.get("[0]").unwrap_err()] {
        assert!(error.to_string().contains("at most 1000"), "{error}");
    }
    let text = SharedString::new(("äb", Capacity(10))).unwrap();
    assert_eq!(DynValue::open(text.token().unwrap()).unwrap().load().unwrap().as_str(), Some("äb"));
    let bytes = SharedBytes::new((&b"\x01\x02"[..], Capacity(10))).unwrap();
    let shown = DynValue::open_read_only(bytes.token().unwrap()).unwrap();
    assert_eq!((shown.to_string(), shown.layout().type_text()), ("[1, 2]".into(), "SharedBytes([u8; ..])".into()));
    let layout = value.layout().clone();
    assert_eq!(DynLayout::parse(&layout.to_string()).unwrap(), layout);
    assert!(matches!(DynValue::new(layout), Err(Error::InvalidLayout { .. })));
}

/// Bits that are not a value of the type must not become one.
#[test]
fn invalid_elements_are_errors() {
    let name = SegmentName::new("invalid");
    let vector = SharedVec::<FixedStr<4>>::create(&name, (vec!["ab".parse().unwrap(); 3], Capacity(10))).unwrap();
    SegmentFile::open(name.path()).cell(64 + 40).overwrite(64 + 4, &[0xff]);
    assert_eq!(
        vector.load().unwrap_err().to_string(),
        "`[1]` holds invalid bits: expected UTF-8 and then zeros (FixedStr<4>), found byte 0xff at 0"
    );
    assert_eq!(vector.get(0).unwrap().as_str(), "ab");
    let text = SegmentName::new("invalid-text");
    let shared = SharedString::create(&text, ("abc", Capacity(10))).unwrap();
    SegmentFile::open(text.path()).cell(64 + 10).overwrite(64 + 1, &[0xff]);
    let error = shared.load().unwrap_err().to_string();
    assert!(error.starts_with("`SharedString` holds invalid bits: expected UTF-8"), "{error}");
    shared.set("äöü").unwrap();
    shared.push_str("!").unwrap();
    assert_eq!((shared.load().unwrap(), shared.len()), ("äöü!".to_owned(), 7));
}

/// A value without a name, a token, a wait and an arena must work as for every other value.
#[test]
fn it_is_handed_over_and_awaited() {
    let vector = SharedVec::<u8>::new(VAST).unwrap();
    let opened = SharedVec::<u8>::open(vector.token().unwrap()).unwrap();
    let child = fork(|| vector.extend_from_slice(b"child").unwrap());
    let found = opened.wait_for(|bytes| bytes.len() == 5, DEADLINE).unwrap();
    child.finish();
    assert_eq!(found, b"child");
    let mut changes = vector.changes();
    opened.pop().unwrap();
    assert_eq!(changes.next_timeout(DEADLINE).unwrap(), b"chil");
    assert!(format!("{vector:?}").contains("value: [99, 104, 105, 108]"), "{vector:?}");

    let arena = Arena::new(1 << 20).unwrap();
    let words = arena.insert::<shared_value::Vector<u64>>("words", Capacity(1_000)).unwrap();
    words.extend(0..100).unwrap();
    let again = arena.get::<shared_value::Vector<u64>>("words").unwrap().unwrap();
    assert_eq!((again.len(), again.get(99), again.capacity()), (100, Some(99), 1_000));
    let other = arena.get::<shared_value::Vector<u32>>("words").unwrap_err();
    assert!(matches!(other, Error::LayoutMismatch { .. }), "{other}");
}

/// A text can be replaced by one with a larger capacity.
#[test]
fn a_text_is_replaced() {
    let name = SegmentName::new("replaced");
    let old = SharedString::create(&name, ("old", Capacity(3))).unwrap();
    assert!(matches!(old.push_str("er"), Err(Error::VectorFull { needed: 5, capacity: 3, .. })));
    let new = SharedString::replace(&name, |old: String| (old + "er", Capacity(100))).unwrap();
    assert_eq!((new.load().unwrap(), new.capacity()), ("older".to_owned(), 100));
    assert!(old.is_retired() && matches!(old.set("x"), Err(Error::Retired)));
}

mod before {
    use super::{Reserved, SharedValue};

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(evolves)]
    pub(crate) struct Job {
        pub(crate) number: u32,
        pub(crate) spare: Reserved<4>,
    }
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[shared(evolves)]
struct Job {
    number: u32,
    limit: u32,
}

/// If an old program left old bytes in the place of a new element, a new program would find it in the new fields.
#[test]
fn elements_evolve() {
    let name = SegmentName::new("evolving");
    let old = SharedVec::<before::Job>::create(&name, Capacity(100)).unwrap();
    let new = SharedVec::<Job>::open(&name).unwrap();
    for _ in 0..3 {
        new.set(&[Job { number: 1, limit: 7 }, Job { number: 2, limit: 8 }]).unwrap();
        old.set_at(0, before::Job { number: 3, spare: Reserved::default() }).unwrap();
        assert_eq!(new.get(0), Some(Job { number: 3, limit: 7 }));
        old.truncate(1).unwrap();
        old.push(before::Job { number: 4, spare: Reserved::default() }).unwrap();
        assert_eq!(new.load().unwrap(), [Job { number: 3, limit: 7 }, Job { number: 4, limit: 0 }]);
    }
}
