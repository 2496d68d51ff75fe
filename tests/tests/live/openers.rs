//! Programs that take a live value for another one, or another one for a live value.

use shared_value::{
    Arena, Capacity, DynValue, Error, Live, LockKind, RLock, ReportedLock, SharedString, SharedValue, SharedVec,
    Synchronized, inspect, names,
};
use shared_value_tests::{SegmentFile, SegmentName};

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[shared(evolves)]
struct Point {
    x: u64,
    spare: shared_value::Reserved<8>,
}

const POINT: Point = Point { x: 1, spare: shared_value::Reserved::new() };

#[track_caller]
fn is_one(result: Result<impl Sized, Error>) {
    let error = result.err().expect("it is live").to_string();
    assert!(error.ends_with("slots: expected two, found one: it is a live value, so open it as a `Live`"), "{error}");
}

#[track_caller]
fn is_two(result: Result<impl Sized, Error>) {
    let error = result.err().expect("it is not live").to_string();
    assert!(
        error.ends_with("slots: expected one, found two: it is not a live value, so open it as a `Synchronized`"),
        "{error}"
    );
}

/// A program that took one for the other would read words that mean something else, and rely on promises that are not kept.
#[test]
fn each_is_refused_as_the_other_one() {
    let (live, plain) = (SegmentName::new("is-live"), SegmentName::new("is-not-live"));
    Live::create(&live, POINT).unwrap();
    Synchronized::create(&plain, POINT).unwrap();
    let before = std::fs::read(live.path()).unwrap();
    is_one(Synchronized::<Point>::open(&live));
    is_one(Synchronized::<Point>::open_read_only(&live));
    is_one(Synchronized::<Point>::options().unlocked().open(&live));
    is_one(Synchronized::<u64>::open(&live));
    is_one(Synchronized::<[Point]>::open(&live));
    is_one(DynValue::open(&live));
    is_one(DynValue::open_read_only(&live));
    is_one(SharedVec::<u64>::open(&live));
    is_one(SharedString::open(&live));
    is_one(Arena::open(&live));
    is_one(RLock::open(&live));
    is_one(Synchronized::<Point>::open_or_create(&live, POINT));
    is_one(Synchronized::<u64>::replace(&*live, |old: Point| old.x));
    assert_eq!(std::fs::read(live.path()).unwrap(), before, "it was left as it is");

    is_two(Live::<Point>::open(&plain));
    is_two(Live::<Point>::open_read_only(&plain));
    is_two(Live::<shared_value::Dyn>::open(&plain));
    is_two(Live::<Point>::open_or_create(&plain, POINT));
    assert!(matches!(Live::<u64>::open(&live), Err(Error::LayoutMismatch { .. })));
    assert_eq!(Live::<Point>::open(&live).unwrap().get(), POINT);
}

/// In an arena, both share the description of their type.
#[test]
fn each_is_refused_as_the_other_one_in_an_arena() {
    let arena = Arena::new(1 << 20).unwrap();
    let kept = arena.insert("plain", POINT).unwrap();
    let live = Live::options().insert(&arena, "live", POINT).unwrap();
    Live::options().insert(&arena, "number", 7_u64).unwrap();
    arena.insert("other", 7_u64).unwrap();
    let used = arena.stats().overhead_bytes;
    Live::alloc(&arena, 7_u64).unwrap();
    assert_eq!(arena.stats().overhead_bytes, used, "one type, one description");

    is_one(arena.get::<Point>("live"));
    is_one(arena.get::<u64>("number"));
    is_one(arena.get::<[u64]>("number"));
    is_one(arena.get::<shared_value::Dyn>("live"));
    is_one(arena.get(live.id().unwrap()));
    is_one(Synchronized::<Point>::open(live.token().unwrap()));
    is_one(arena.transaction(|tx| tx.get::<u64>("number").map(drop)));
    is_two(Live::<Point, _>::find(&arena, "plain"));
    is_two(Live::<shared_value::Dyn, _>::find(&arena, "plain"));
    is_two(Live::<u64, _>::find(&arena, "other"));
    is_two(Live::<Point>::open(kept.token().unwrap()));
    assert!(matches!(Live::<u64, _>::find(&arena, "live"), Err(Error::LayoutMismatch { .. })));
    assert!(Live::<u64, _>::find(&arena, "absent").unwrap().is_none());
    assert!(arena.insert("live", 1_u8).is_err() && Live::options().insert(&arena, "plain", 1_u8).is_err());

    // A list of values of one type goes on behind live ones of this type.
    assert_eq!(arena.values_of::<u64>().map(|(key, _)| key.unwrap()).collect::<Vec<_>>(), ["other"]);
    let mut listed: Vec<_> =
        arena.iter().map(|entry| (entry.key().map(str::to_owned), entry.is_live(), entry.size())).collect();
    listed.sort();
    let key = |key: &str| Some(key.to_owned());
    assert_eq!(
        listed,
        [
            (None, true, 8),
            (key("live"), true, 16),
            (key("number"), true, 8),
            (key("other"), false, 8),
            (key("plain"), false, 16)
        ]
    );
    assert!(arena.iter().all(|entry| entry.layout().is_ok()));
    assert!(arena.remove("live").unwrap() && arena.replace("number", 8_u64).unwrap().get() == 8);
}

/// Tools that describe segments must say what it is.
#[test]
fn reports_tell_of_it() {
    let name = SegmentName::new("live-report");
    let value = Live::create(&name, [1_u64, 2]).unwrap();
    value.set([3, 4]).unwrap();
    let guard = value.lock().unwrap();
    let report = inspect(&name).unwrap();
    assert!(report.is_live() && report.fault().is_none() && report.owner().is_some() && !report.is_arena());
    assert_eq!((report.version(), report.size(), report.lock()), (Some(0), Some(16), Some(ReportedLock::Native)));
    drop(guard);
    assert!(names().unwrap().iter().any(|named| named.name() == &*name && named.is_in_use()));
    let plain = SegmentName::new("plain-report");
    Synchronized::create(&plain, 1_u64).unwrap();
    assert!(!inspect(&plain).unwrap().is_live());
}

/// A header that no program writes must be refused, and so must a vector with one slot, whose lengths would be torn.
#[test]
fn flags_that_fit_nothing_are_refused() {
    let flag = |name: &SegmentName, flags: u64| SegmentFile::open(name.path()).overwrite(176, &flags.to_le_bytes());
    let told = |error: Error| error.to_string();

    let (unlocked, lock) = (SegmentName::new("live-unlocked"), SegmentName::new("live-lock"));
    Synchronized::options().unlocked().create(&unlocked, 1_u64).unwrap();
    drop(RLock::create(&lock).unwrap());
    for name in [&unlocked, &lock] {
        flag(name, 1);
        let error = told(Live::<u64>::open(name).unwrap_err());
        assert!(error.contains("cell flags: expected 0, because the value has no lock of its own"), "{error}");
        assert!(inspect(name).unwrap().fault().is_some());
    }

    let vector = SegmentName::new("live-vector");
    drop(SharedVec::<u32>::create(&vector, Capacity(100)).unwrap());
    flag(&vector, 1);
    let error = told(Live::<shared_value::Dyn>::open(&vector).unwrap_err());
    assert!(error.contains("slots: expected two, found one, of a value whose length changes"), "{error}");

    let plain = SegmentName::new("live-flagged");
    drop(Synchronized::create(&plain, [1_u64, 2]).unwrap());
    flag(&plain, 1);
    for opened in [Live::<[u64; 2]>::open(&plain).map(drop), Live::<shared_value::Dyn>::open(&plain).map(drop)] {
        let error = told(opened.unwrap_err());
        assert!(error.contains("cell length"), "{error}");
    }
    for flags in [2, 3, 1 << 63] {
        flag(&plain, flags);
        assert!(told(Live::<[u64; 2]>::open(&plain).unwrap_err()).contains("cell flags: expected 0 or 1"));
    }
}

/// A pthread mutex must be asked for: the C library follows its pointers.
#[test]
fn a_pthread_mutex_must_be_asked_for() {
    let name = SegmentName::new("live-pthread");
    drop(Live::options().lock_kind(LockKind::Pthread).create(&name, 7_u64).unwrap());
    let error = Live::<u64>::open(&name).unwrap_err().to_string();
    assert!(error.contains("a pthread mutex"), "{error}");
    let value = Live::<u64>::options().lock_kind(LockKind::Pthread).open(&name).unwrap();
    value.update(|number| *number += 1).unwrap();
    assert_eq!(Live::<u64>::open_read_only(&name).unwrap().get(), 8);
}
