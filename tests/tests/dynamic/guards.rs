//! Changes under the lock, atomic changes, and several changes in one commit.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use shared_value::{DynData, DynValue, Error, LockError};
use shared_value_tests::values::{
    Account, LineTwins, SynchronizedAccount, SynchronizedTally, SynchronizedTwins, Tally, Twins,
};
use shared_value_tests::{SegmentFile, SegmentName, fork, scaled};

use super::types::{Counters, SynchronizedCounters};

/// Without this, readers would see halves of changes.
#[test]
fn what_is_read_is_of_one_version() {
    let name = SegmentName::new("version");
    let twins = SynchronizedTwins::create(&*name, Twins::of(0) as LineTwins).unwrap();
    let writer = fork({
        let name = name.to_string();
        move || {
            let value = DynValue::open(&*name).unwrap();
            for number in 1..scaled(100_000, 10_000) {
                let fields = ["left", "right"].map(|name| (name, DynData::from(number)));
                let between = ("between", DynData::from(vec![DynData::from(number); 6]));
                value.set("", DynData::structure("", fields.into_iter().chain([between]))).unwrap();
            }
        }
    });
    let reader = DynValue::open_read_only(&*name).unwrap();
    let last = scaled(100_000, 10_000) - 1;
    loop {
        let data = reader.load().unwrap();
        assert_eq!(data.part("left"), data.part("right"));
        let typed = twins.load().unwrap();
        assert!(typed.are_equal());
        if data.part("right").and_then(DynData::as_u64) == Some(last) {
            break;
        }
    }
    writer.finish();
    assert_eq!(twins.version(), last);
}

/// Without this, additions to one part would be lost.
#[test]
fn updates_are_not_lost() {
    let name = SegmentName::new("updates");
    let tally = SynchronizedTally::create(&*name, Tally::default()).unwrap();
    let count = scaled(10_000, 1_000);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let value = DynValue::open(&*name).unwrap();
                let add = |data: &mut DynData| *data = (data.as_i64().unwrap() + 1).into();
                for _ in 0..count {
                    value.update("total", add).unwrap();
                    value.update("lanes[3]", add).unwrap();
                    value.update("sum", add).unwrap();
                    tally.in_lanes().update_at(2, |lane| *lane += 1).unwrap();
                }
            });
        }
    });
    let sum = i64::try_from(3 * count).unwrap();
    assert_eq!((tally.total(), u64::from(tally.in_lanes().at(3)), tally.sum().load()), (3 * count, 3 * count, sum));
    assert_eq!(u64::from(tally.in_lanes().at(2)), 3 * count);
    assert_eq!(tally.version(), 9 * count, "an atomic field is changed without a commit");
}

/// Without this, an addition by another process to an atomic field could be lost.
#[test]
fn an_atomic_field_is_changed_as_it_is_at_that_moment() {
    let name = SegmentName::new("atomic");
    let account = SynchronizedAccount::create(&*name, Account::after(1)).unwrap();
    let value = DynValue::open(&*name).unwrap();
    let mut calls = 0;
    let add = |requests: &mut DynData| {
        calls += 1;
        if calls < 3 {
            account.requests().fetch_add(10);
        }
        *requests = (requests.as_u64().unwrap() + 1).into();
    };
    value.update("requests", add).unwrap();
    assert_eq!((calls, account.requests().load(), account.version()), (3, 21, 0));
    assert!(matches!(value.set("requests", -1_i64), Err(Error::WrongData { .. })));

    // A write of the whole value does not change the atomic field, and may leave it out.
    let DynData::Struct { fields, .. } = value.load().unwrap() else { panic!() };
    let but = |missing: &'static str| fields.clone().into_iter().filter(move |(name, _)| name != missing);
    value.set("", DynData::structure("Account", but("requests"))).unwrap();
    let error = value.set("", DynData::structure("Account", but("frozen"))).unwrap_err().to_string();
    assert!(error.ends_with("found no `frozen`"), "{error}");
    let guard = value.lock().unwrap();
    guard.set("requests", 5_u8).unwrap();
    guard.update("requests", |requests| *requests = (requests.as_u64().unwrap() + 1).into()).unwrap();
    guard.rollback();
    assert_eq!((account.requests().load(), guard.get("requests").unwrap()), (6, DynData::Unsigned(6)));
}

/// Without this, a guard would lose uncommitted changes, or keep changes that were rolled back.
#[test]
fn a_guard_commits_and_rolls_back() {
    let name = SegmentName::new("guard");
    let account = SynchronizedAccount::create(&*name, Account::after(1)).unwrap();
    let value = DynValue::open(&*name).unwrap();
    let elsewhere = || thread::scope(|scope| scope.spawn(|| account.balance()).join().unwrap());

    let guard = value.lock().unwrap();
    guard.set("balance", 1_u8).unwrap();
    value.set("limits[0]", 7_u8).unwrap();
    account.set_frozen(true).unwrap();
    assert_eq!(
        guard.to_string(),
        "Account { balance: 1, frozen: true, limits: [7, 1, 1, 1], deposits: 1, requests: 0 }"
    );
    assert_eq!((value.get("balance").unwrap(), elsewhere()), (DynData::Signed(1), 10));
    guard.commit();
    assert_eq!(elsewhere(), 1);
    guard.update("balance", |balance| *balance = 2_u8.into()).unwrap();
    assert!(guard.set("balance", "2").is_err());
    assert!(guard.update("balance", |balance| *balance = true.into()).is_err());
    assert_eq!(guard.get("balance").unwrap(), DynData::Signed(2));
    guard.rollback();
    assert_eq!(guard.get("balance").unwrap(), DynData::Signed(1));
    guard.set("deposits", 5_u8).unwrap();
    drop(guard);
    assert_eq!((account.deposits(), account.version()), (5, 2));

    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        let guard = value.lock().unwrap();
        guard.set("balance", 3_u8).unwrap();
        panic!("before the rest");
    }));
    assert!(panicked.is_err());
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| value.update("balance", |_| panic!("in the middle"))));
    assert!(panicked.is_err());
    assert_eq!((account.balance(), account.version()), (1, 2));

    // A change inside of a change would be overwritten by it.
    let inner = value.update("balance", |_| value.set("deposits", 6_u8)).unwrap();
    assert!(matches!(inner, Err(Error::Borrowed)));
    assert!(matches!(account.update(|_| value.set("deposits", 6_u8)).unwrap(), Err(Error::Borrowed)));
    let guard = value.lock().unwrap();
    let inner = value.update("balance", |_| guard.set("deposits", 6_u8)).unwrap();
    assert!(matches!(inner, Err(Error::Borrowed)));
    // After a panic in an inner guard the value is barred until it is rolled back.
    let inner = panic::catch_unwind(AssertUnwindSafe(|| {
        let inner = value.lock().unwrap();
        inner.set("deposits", 7_u8).unwrap();
        panic!("before the rest");
    }));
    assert!(inner.is_err());
    assert!(matches!(guard.set("deposits", 8_u8), Err(Error::Unwound)));
    assert!(matches!(value.set("deposits", 8_u8), Err(Error::Unwound)));
    guard.rollback();
    guard.set("deposits", 9_u8).unwrap();
    drop(guard);
    assert_eq!((account.balance(), account.deposits()), (1, 9));
    assert!(value.try_lock().is_ok());
}

/// Without this, a guard that a child inherits would write into its parent's draft.
#[test]
fn a_guard_holds_nothing_in_a_forked_child() {
    let name = SegmentName::new("fork");
    let account = SynchronizedAccount::create(&*name, Account::after(1)).unwrap();
    let value = DynValue::open(&*name).unwrap();
    let guard = value.lock().unwrap();
    guard.set("balance", 5_u8).unwrap();
    let child = fork(|| {
        assert_eq!(guard.get("balance").unwrap(), DynData::Signed(10));
        guard.commit();
        guard.rollback();
        let not_held = |result| assert!(matches!(result, Err(Error::Lock(LockError::NotHeld))), "{result:?}");
        not_held(guard.set("balance", 6_u8));
        not_held(guard.update("balance", |balance| *balance = 6_u8.into()));
    });
    child.finish();
    drop(guard);
    assert_eq!((account.balance(), account.version()), (5, 1));
}

/// Without this, elements of an atomic array and atomic `bool`s would be changed in the slots, where no program reads them.
#[test]
fn atomic_fields_of_every_type_have_words_of_their_own() {
    let counters = SynchronizedCounters::new(Counters {
        plain: 1,
        open: false,
        ratio: 0.5,
        lanes: [1, 2, 3, 4],
        flags: [false; 3],
        balance: -1,
    })
    .unwrap();
    let value = DynValue::open(counters.token().unwrap()).unwrap();
    let add = |data: &mut DynData| *data = (data.as_u64().unwrap() + 1).into();
    value.update("lanes[2]", add).unwrap();
    value.set("open", true).unwrap();
    value.update("ratio", |ratio| *ratio = (ratio.as_f64().unwrap() * 3.0).into()).unwrap();
    value.lock().unwrap().set("flags[1]", true).unwrap();
    assert_eq!(counters.lanes().element(2).load(), 4);
    assert!(counters.open().load() && counters.flags().element(1).load() && !counters.flags().element(0).load());
    assert_eq!((counters.ratio().load(), counters.version()), (1.5, 0));
    assert_eq!(value.get("lanes").unwrap().to_string(), "[1, 2, 4, 4]");
    value.set("lanes", vec![DynData::from(7_u8); 4]).unwrap();
    counters.lanes().element(3).store(8);
    assert_eq!(value.get("lanes").unwrap().to_string(), "[7, 7, 7, 8]");
    assert!(matches!(value.update("lanes", |_| ()), Err(Error::Unsupported { .. })));
    assert!(matches!(value.set("lanes[1]", true), Err(Error::WrongData { .. })));
    assert!(value.layout().part("lanes[1]").unwrap().is_atomic() && !value.layout().part("plain").unwrap().is_atomic());
    assert_eq!(value.to_string(), {
        "Counters { plain: 1, open: true, ratio: 1.5, lanes: [7, 7, 7, 8], flags: [false, true, false], balance: -1 }"
    });
}

/// Without one rule for such a word, a `bool` would be true for one reader, false for another one and invalid for a third.
#[test]
fn any_word_but_zero_is_true() {
    let name = SegmentName::new("true");
    let start = Counters { plain: 1, open: false, ratio: 0.5, lanes: [0; 4], flags: [false; 3], balance: -1 };
    let counters = SynchronizedCounters::create(&*name, start).unwrap();
    let value = DynValue::open(&*name).unwrap();
    let before = fs::read(name.path()).unwrap();
    counters.open().store(true);
    let place = fs::read(name.path()).unwrap().iter().zip(&before).position(|(now, before)| now != before).unwrap();
    let file = SegmentFile::open(name.path());
    for word in [2, 256, 1 << 63, u64::MAX] {
        let write = || file.overwrite(place as u64, &u64::to_ne_bytes(word));
        write();
        assert!(counters.open().load() && counters.get().open && counters.load().unwrap().open, "{word:#x}");
        assert!(counters.lock().unwrap().get().open);
        assert_eq!(value.get("open").unwrap(), DynData::Bool(true));
        assert!(value.get("").unwrap().to_string().contains("open: true"));
        assert!(counters.open().fetch_and(true) && counters.open().load());
        assert_eq!(counters.open().compare_exchange(false, true), Err(true));
        assert_eq!(counters.open().compare_exchange(true, false), Ok(true));
        assert!(!counters.get().open);
        write();
        value.update("open", |open| *open = false.into()).unwrap();
        assert!(!counters.open().load());
    }
}
