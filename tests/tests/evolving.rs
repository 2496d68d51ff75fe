//! Structs that evolve, in one process: which bytes each kind of handle writes.

use shared_value::{
    Arena, DynData, DynKind, DynLayout, DynValue, Error, Filled, RLock, Reserved, SharedArray, SharedValue,
    Synchronized,
};
use shared_value_tests::{SegmentFile, SegmentName};

mod old {
    use super::{Reserved, SharedValue};

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(evolves)]
    pub(crate) struct Account {
        pub(crate) balance: i64,
        pub(crate) kind: u8,
        pub(crate) spare: Reserved<15>,
    }

    pub(crate) fn account(balance: i64) -> Account {
        Account { balance, kind: 1, spare: Reserved::new() }
    }
}

mod new {
    use super::SharedValue;

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(evolves, released = super::old::Account)]
    pub(crate) struct Account {
        pub(crate) balance: i64,
        pub(crate) kind: u8,
        pub(crate) is_open: bool,
        pub(crate) limit: u32,
        pub(crate) rate: f64,
    }

    pub(crate) fn account(balance: i64) -> Account {
        Account { balance, kind: 1, is_open: true, limit: 7, rate: 0.5 }
    }
}

/// Each way to write the whole value, by the old version.
fn write_all(old: &Synchronized<old::Account>, balance: i64) {
    old.set(old::account(1)).unwrap();
    old.copy_from(&old::account(2)).unwrap();
    old.update(|account| account.kind = 3).unwrap();
    old.try_update(|account| {
        account.balance = 4;
        Ok::<(), Error>(())
    })
    .unwrap();
    old.set_balance(5).unwrap();
    old.set_spare(Reserved::new()).unwrap();
    let guard = old.lock().unwrap();
    guard.set(old::account(6)).unwrap();
    guard.commit();
    guard.update(|account| *account = old::account(balance)).unwrap();
}

/// If one of the ways to write a whole value wrote the reserved bytes too, fields of newer programs would be lost.
#[test]
fn no_write_changes_fields_of_another_version() {
    let name = SegmentName::new("evolving-value");
    let old = Synchronized::create(&name, old::account(0)).unwrap();
    let new = Synchronized::<new::Account>::open(&name).unwrap();
    assert_eq!(new.get(), new::Account { is_open: false, limit: 0, rate: 0.0, ..new::account(0) });
    new.set(new::account(1)).unwrap();
    for turn in 0..3 {
        write_all(&old, turn);
        assert_eq!(new.get(), new::account(turn));
    }
    let name = SegmentName::new("evolving-object");
    let lock = RLock::new().unwrap();
    let new = Synchronized::options().lock(&lock).create(&name, new::account(1)).unwrap();
    let old = Synchronized::<old::Account>::options().lock(&lock).open(&name).unwrap();
    let guard = lock.lock().unwrap();
    old.set(old::account(2)).unwrap();
    assert_eq!(new.get(), new::account(2));
    drop(guard);
    write_all(&old, 8);
    assert_eq!(new.get(), new::account(8));
}

/// A value without a lock is written in place, beside other writers of the same words.
#[test]
fn unlocked_writes_leave_them_too() {
    let name = SegmentName::new("evolving-unlocked");
    let new = Synchronized::options().unlocked().create(&name, new::account(1)).unwrap();
    let old = Synchronized::<old::Account>::options().unlocked().open(&name).unwrap();
    old.set(old::account(2)).unwrap();
    old.update(|account| account.balance += 1).unwrap();
    assert_eq!(new.get(), new::account(3));
}

/// Elements lie one behind the other: a run of elements must not be written as one run of bytes.
#[test]
fn elements_leave_them_too() {
    let name = SegmentName::new("evolving-array");
    let new = SharedArray::create(&name, vec![new::account(1), new::account(2), new::account(3)]).unwrap();
    let old = SharedArray::<old::Account>::open(&name).unwrap();
    let balances = || new.iter().map(|account| account.balance).collect::<Vec<_>>();
    let check = |expected: [i64; 3]| {
        assert_eq!(balances(), expected);
        assert!(new.iter().all(|account| new::Account { balance: 0, ..account } == new::account(0)), "{new:?}");
    };
    old.set_at(1, old::account(5)).unwrap();
    check([1, 5, 3]);
    old.write_slice(0, &[old::account(6); 3]).unwrap();
    check([6, 6, 6]);
    old.fill(old::account(7)).unwrap();
    check([7, 7, 7]);
    old.update_all(|all| all[2].balance = 8).unwrap();
    check([7, 7, 8]);
    old.update_at(0, |account| account.balance = 9).unwrap();
    old.element(1).set_balance(10).unwrap();
    check([9, 10, 8]);
    new.element(0).set_limit(70).unwrap();
    old.swap(0, 2).unwrap();
    assert_eq!((balances(), new.at(0).limit), (vec![8, 10, 9], 70), "new fields stay in their places");
    let single = SegmentName::new("evolving-one");
    let new = SharedArray::create(&single, vec![new::account(1)]).unwrap();
    SharedArray::<old::Account>::open(&single).unwrap().fill(old::account(2)).unwrap();
    assert_eq!(new.at(0), new::account(2));
}

/// In an arena, each value has the version of the program that has added it.
#[test]
fn an_arena_has_values_of_both_versions() {
    let arena = Arena::new(1 << 20).unwrap();
    let first = arena.insert("first", old::account(1)).unwrap();
    arena.insert("second", new::account(2)).unwrap();
    arena.insert("other", 3_u64).unwrap();
    for _ in 0..2 {
        let keys = |listed: Vec<Option<String>>| listed.into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(keys(arena.values_of::<old::Account>().map(|(key, _)| key).collect()), ["second", "first"]);
        assert_eq!(keys(arena.values_of::<new::Account>().map(|(key, _)| key).collect()), ["second", "first"]);
    }
    let second = arena.get::<old::Account>("second").unwrap().unwrap();
    let newer = arena.get::<new::Account>("first").unwrap().unwrap();
    newer.set(new::account(4)).unwrap();
    arena
        .transaction(|transaction| {
            transaction.lock(&first)?.set(old::account(5))?;
            transaction.lock(&second)?.set(old::account(6))
        })
        .unwrap();
    assert_eq!(newer.get(), new::account(5));
    assert_eq!(arena.get::<new::Account>("second").unwrap().unwrap().get(), new::account(6));
    let error = arena.get::<new::Account>("other").unwrap_err().to_string();
    assert!(error.contains("expected `Account`, found `u64`"), "{error}");
    arena.replace("second", old::account(7)).unwrap();
    let replaced = arena.get::<new::Account>("second").unwrap().unwrap();
    assert_eq!(replaced.get(), new::Account { is_open: false, limit: 0, rate: 0.0, ..new::account(7) });
}

/// A program that knows only the schema of an old program must leave the fields of a new one.
#[test]
fn dynamic_writes_leave_them_too() {
    let name = SegmentName::new("evolving-dynamic");
    let old = Synchronized::create(&name, [old::account(1); 2]).unwrap();
    let new = Synchronized::<[new::Account; 2]>::open(&name).unwrap();
    new.set([new::account(2); 2]).unwrap();
    let dynamic = DynValue::open(&name).unwrap();
    assert_eq!(
        dynamic.load().unwrap().to_string(),
        "[Account { balance: 2, kind: 1 }, Account { balance: 2, kind: 1 }]"
    );
    let parts: Vec<_> = dynamic.fields().map(|part| part.path().to_owned()).collect();
    assert_eq!(parts, ["[0]", "[0].balance", "[0].kind", "[1]", "[1].balance", "[1].kind"]);
    let error = dynamic.get("[1].spare").unwrap_err().to_string();
    assert_eq!(error, "no part `[1].spare`: `[1]` has no such field, but `balance`, `kind`");

    dynamic.set("[0].balance", 3_i64).unwrap();
    let data = dynamic.load().unwrap();
    dynamic.set("", data).unwrap();
    dynamic
        .update("[1]", |account| {
            if let DynData::Struct { fields, .. } = account {
                fields[0].1 = DynData::from(4_i64);
            }
        })
        .unwrap();
    assert_eq!(new.get(), [new::account(3), new::account(4)]);
    let bytes = [5_i64, 6].map(|balance| {
        let mut bytes = [0xaa; size_of::<old::Account>()];
        bytes[..8].copy_from_slice(&balance.to_ne_bytes());
        bytes[8] = 1;
        bytes
    });
    dynamic.write_bytes("", bytes.as_flattened()).unwrap();
    assert_eq!(new.get(), [new::account(5), new::account(6)]);
    dynamic.write_elements("", 0, &bytes[1]).unwrap();
    dynamic.write_bytes("[1].balance", &4_i64.to_ne_bytes()).unwrap();
    assert_eq!(new.get(), [new::account(6), new::account(4)]);
    // A new value has zeros in reserved bytes.
    let made = DynValue::new((dynamic.layout().clone(), bytes.as_flattened())).unwrap();
    let made = Synchronized::<[new::Account; 2]>::open(made.token().unwrap()).unwrap();
    assert_eq!(made.get()[1], new::Account { is_open: false, limit: 0, rate: 0.0, ..new::account(6) });
    assert_eq!(old.get()[1].balance, 4);
    assert_eq!(format!("{old:?}").matches("spare: Reserved").count(), 2, "{old:?}");
}

/// Other languages create values by a layout.
#[test]
fn a_layout_made_by_code_evolves() {
    let layout = DynLayout::structure("Account")
        .field::<i64>("balance")
        .field::<u8>("kind")
        .field_of("spare", DynLayout::reserved(15).unwrap())
        .evolves()
        .build()
        .unwrap();
    assert_eq!(layout, DynLayout::of::<old::Account>().unwrap());
    let DynKind::Struct { fields } = layout.kind() else { panic!("{layout}") };
    assert_eq!((fields[2].layout().kind(), layout.evolves()), (&DynKind::Reserved, true));
    let name = SegmentName::new("evolving-made");
    DynValue::create(&name, layout.clone()).unwrap();
    let new = Synchronized::<new::Account>::open(&name).unwrap();
    assert_eq!(new.balance(), 0);
    let strict = DynLayout::structure("Account").field_of("spare", DynLayout::reserved(8).unwrap()).build();
    let error = strict.unwrap_err().to_string();
    assert!(error.contains("expected `, evolves` behind the size of a struct with reserved bytes"), "{error}");
}

/// Fields of another version that a copy has must not get into other values.
#[test]
fn a_copy_carries_nothing_of_another_version() {
    let (one, other) = (SegmentName::new("evolving-from"), SegmentName::new("evolving-to"));
    let new = Synchronized::create(&one, new::account(1)).unwrap();
    let copy = Synchronized::<old::Account>::open(&one).unwrap().get();
    assert_eq!(copy, old::account(1));
    let _value = Synchronized::create(&other, copy).unwrap();
    let [slot, _] = SegmentFile::open(other.path()).cell(24).slots();
    assert_eq!(slot, [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let array = SharedArray::new(Filled(copy, 100)).unwrap();
    assert_eq!(array.at(99), copy);
    assert_eq!(new.get(), new::account(1));
}

/// A peer may have used the reserved bytes in another way: that must be an error, and not a `bool` that is 7.
#[test]
fn bits_of_a_new_field_are_checked() {
    let name = SegmentName::new("evolving-bits");
    let _old = Synchronized::create(&name, old::account(1)).unwrap();
    let new = Synchronized::<new::Account>::open(&name).unwrap();
    SegmentFile::open(name.path()).cell(24).overwrite(9, &[7]);
    let error = new.load().unwrap_err().to_string();
    assert_eq!(error, "`is_open` holds invalid bits: expected 0 or 1 (bool), found 0x07");
}

/// Another version fits wherever a value comes from, and for reading too.
#[test]
fn every_source_accepts_another_version() {
    let name = SegmentName::new("evolving-sources");
    let old = Synchronized::create(&name, old::account(1)).unwrap();
    let token = old.token().unwrap();
    assert_eq!(Synchronized::<new::Account>::open(&token).unwrap().balance(), 1);
    assert_eq!(Synchronized::<new::Account>::open_read_only(&name).unwrap().balance(), 1);
    assert_eq!(Synchronized::open_or_create(&name, new::account(2)).unwrap().balance(), 1);
    drop(old);
    // No process has it open, so it is adopted.
    assert_eq!(Synchronized::<new::Account>::open(&name).unwrap().balance(), 1);
}

/// serde sees no bytes either.
#[test]
fn reserved_bytes_serialize_as_nothing() {
    let text = serde_json::to_string(&Reserved::<8>::new()).unwrap();
    assert_eq!((text.as_str(), serde_json::from_str::<Reserved<8>>("null").unwrap()), ("null", Reserved::new()));
}
