//! Dynamic values in an arena.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Arena, Dyn, DynData, DynLayout, DynValue, Error, LockError, ReadOnly};
use shared_value_tests::SegmentName;
use shared_value_tests::values::{Account, Pair};

/// Without this, a program could list the values of an arena, but not read them.
#[test]
fn values_of_an_arena() {
    let arena = Arena::new(1 << 20).unwrap();
    let account = arena.insert("account", Account::after(1)).unwrap();
    arena.alloc([1_u8, 2]).unwrap();
    let dynamic = arena.get::<Dyn>("account").unwrap().unwrap();
    dynamic.set("balance", 5_u8).unwrap();
    dynamic.set("requests", 6_u8).unwrap();
    assert_eq!((account.balance(), account.requests().load()), (5, 6));
    assert!(arena.get::<Dyn>("nothing").unwrap().is_none());

    // A value without a key is found by its id.
    let id = arena.iter().find(|entry| entry.key().is_none()).unwrap().id::<Dyn>();
    arena.get(id).unwrap().unwrap().set("[1]", 7_u8).unwrap();
    let reader = arena.read_only().unwrap();
    assert_eq!(reader.get(id).unwrap().unwrap().to_string(), "[1, 7]");
    assert_eq!(arena.id_of(&arena.get(id).unwrap().unwrap()), Some(id));
    let layouts: Vec<_> = arena.iter().map(|entry| entry.layout().unwrap().type_text()).collect();
    assert_eq!(layouts, ["[u8; 2]", "Account"]);
    let values: Vec<_> = reader.values_of::<Dyn>().map(|(_, value)| value.layout().type_text()).collect();
    assert_eq!(values, layouts);

    // A token leads to the value, and not to the arena.
    let by_token = DynValue::open(account.token().unwrap()).unwrap();
    by_token.set("deposits", 9_u8).unwrap();
    assert_eq!((account.deposits(), by_token.to_string()), (9, dynamic.to_string()));
    assert!(DynValue::open(arena.token().unwrap()).is_err());

    // The directory of an arena is not a value of a user.
    let name = SegmentName::new("arena");
    let _arena = Arena::create(&*name, 1 << 20).unwrap();
    let opened = [DynValue::open(&*name).map(drop), DynValue::open_read_only(&*name).map(drop)];
    for error in opened.map(Result::unwrap_err) {
        assert!(error.to_string().contains("an arena is opened by `Arena::open`"), "{error}");
    }
}

/// Without this, a program that knows no type could not add values for programs that do.
#[test]
fn values_are_added_by_layouts() {
    let arena = Arena::new(1 << 20).unwrap();
    let layout = DynLayout::of::<Account>().unwrap();
    let dynamic = arena.insert::<Dyn>("account", layout.clone()).unwrap();
    let account = arena.get::<Account>("account").unwrap().unwrap();
    account.requests().fetch_add(3);
    dynamic.set("limits[3]", 4_u8).unwrap();
    assert_eq!((account.limits(), dynamic.get("requests").unwrap()), ([0, 0, 0, 4], DynData::Unsigned(3)));
    let fields = [("0", DynData::from(1_u8)), ("1", DynData::from(-2_i64))];
    let pair = || (DynLayout::of::<Pair>().unwrap(), DynData::structure("Pair", fields.clone()));
    let id = arena.alloc::<Dyn>(pair()).unwrap();
    assert_eq!(arena.get(id).unwrap().unwrap().to_string(), "Pair { 0: 1, 1: -2 }");
    let replaced = arena.replace::<Dyn>("account", pair()).unwrap();
    assert_eq!(arena.get::<Pair>("account").unwrap().unwrap().get(), Pair(1, -2));
    drop(replaced);
    assert!(matches!(arena.insert::<Dyn>("wrong", (layout, true)), Err(Error::WrongData { .. })));
    assert!(!arena.contains("wrong"));
}

/// Without this, a transaction would not commit changes through dynamic handles, or a snapshot of such handles would be torn.
#[test]
fn transactions_and_snapshots() {
    let arena = Arena::new(1 << 20).unwrap();
    let account = arena.insert("account", Account::after(1)).unwrap();
    let other = arena.insert("other", 1_u64).unwrap();
    let (dynamic, dynamic_other) =
        (arena.get::<Dyn>("account").unwrap().unwrap(), arena.get::<Dyn>("other").unwrap().unwrap());
    let failed = arena.transaction(|transaction| {
        let _guard = transaction.lock(&account)?;
        dynamic.set("balance", 100_u8)?;
        let guard = dynamic.lock()?;
        guard.set("deposits", 101_u8)?;
        assert!(panic::catch_unwind(AssertUnwindSafe(|| guard.commit())).is_err());
        assert!(panic::catch_unwind(AssertUnwindSafe(|| guard.rollback())).is_err());
        assert_eq!((account.balance(), account.deposits()), (100, 101));
        Err::<(), _>(Error::Lock(LockError::WouldBlock))
    });
    assert!(failed.is_err());
    assert_eq!((account.balance(), account.deposits()), (10, 1));

    arena
        .transaction(|transaction| {
            transaction.lock(&dynamic)?.set("balance", 20_u8)?;
            transaction.lock(&dynamic_other)?.update("", |data| *data = 2_u8.into())?;
            assert!(transaction.get::<Dyn>("other")?.is_some());
            Ok(())
        })
        .unwrap();
    assert_eq!((account.balance(), account.version(), other.get(), other.version()), (20, 1, 2, 1));
    let reader: DynValue<ReadOnly> = arena.read_only().unwrap().get("account").unwrap().unwrap();
    let sum = arena.snapshot(|snapshot| {
        let number = |data: DynData, path| data.part(path).and_then(DynData::as_i64).unwrap_or_default();
        Ok(number(snapshot.load(&reader)?, "balance") + number(snapshot.load(&dynamic_other)?, ""))
    });
    assert_eq!(sum.unwrap(), 22);
}
