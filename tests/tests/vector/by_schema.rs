//! Vectors, texts and bytes that a program changes without knowing their type.

use std::panic::{AssertUnwindSafe, catch_unwind};

use shared_value::{
    Arena, Capacity, Dyn, DynData, DynLayout, DynValue, Error, LockState, Reserved, SharedBytes, SharedString,
    SharedValue, SharedVec, unlink,
};
use shared_value_tests::SegmentName;

fn array<const N: usize>(numbers: [u64; N]) -> DynData {
    DynData::Array(numbers.map(DynData::from).to_vec())
}

/// A tool at a terminal must be able to repair a list of a program that it does not know.
#[test]
fn elements_are_changed_by_their_paths() {
    let name = SegmentName::new("schema-elements");
    let vector = SharedVec::<[u16; 2]>::create(&name, (vec![[1, 2], [3, 4]], Capacity(100_000))).unwrap();
    let value = DynValue::open(&name).unwrap();
    value.set("[1][0]", 30_u64).unwrap();
    value.set("[0]", array([5, 6])).unwrap();
    assert_eq!((vector.load().unwrap(), vector.version()), (vec![[5, 6], [30, 4]], 2));
    value.push(array([7, 8])).unwrap();
    value.extend(vec![array([9, 10]), array([11, 12])]).unwrap();
    assert_eq!(vector.load().unwrap(), [[5, 6], [30, 4], [7, 8], [9, 10], [11, 12]]);
    value.truncate(3).unwrap();
    value.truncate(9).unwrap();
    value.update("[2][1]", |one| *one = DynData::from(one.as_u64().unwrap() * 10)).unwrap();
    assert_eq!(vector.load().unwrap(), [[5, 6], [30, 4], [7, 80]]);
    let lengths = value.update("", |all| {
        let DynData::Array(elements) = all else { panic!("{all:?}") };
        elements.remove(0);
        elements.extend((0..10_000_u64).map(|number| array([number, 0])));
        elements.len()
    });
    assert_eq!((lengths.unwrap(), vector.len(), vector.get(10_001)), (10_002, 10_002, Some([9_999, 0])));
    value.set("", vec![array([1, 1])]).unwrap();
    assert_eq!(vector.load().unwrap(), [[1, 1]]);
    value.set("", DynData::Array(Vec::new())).unwrap();
    assert!(vector.is_empty());
}

/// A mistake must leave the value as it was.
#[test]
fn wrong_changes_change_nothing() {
    let name = SegmentName::new("schema-wrong");
    let vector = SharedVec::<u16>::create(&name, (vec![1, 2], Capacity(3))).unwrap();
    let value = DynValue::open(&name).unwrap();
    let full = |result: Result<(), Error>, expected: usize| {
        assert!(
            matches!(result, Err(Error::VectorFull { needed, capacity: 3, .. }) if needed == expected),
            "{result:?}"
        );
    };
    full(value.extend(array([1, 2])), 4);
    full(value.set("", array([1, 2, 3, 4, 5])), 5);
    full(value.update("", |all| *all = array([0; 4])), 4);
    let wrong = [
        value.push(65_536_u64),
        value.push("text"),
        value.extend(7_u64),
        value.set("", 7_u64),
        value.set("[0]", -1_i64),
        value.update("[1]", |one| *one = DynData::from(true)),
        value.update("", |all| *all = DynData::from("text")),
    ];
    assert!(wrong.iter().all(|wrong| matches!(wrong, Err(Error::WrongData { .. }))), "{wrong:?}");
    let missing =
        [value.set("[2]", 1_u64), value.set("[3]", 1_u64), value.set("[0].x", 1_u64), value.update("[2]", |_| ())];
    assert!(missing.iter().all(|missing| matches!(missing, Err(Error::NoSuchPart { .. }))), "{missing:?}");
    assert_eq!((vector.load().unwrap(), vector.version(), vector.lock_state()), (vec![1, 2], 0, LockState::Free));
    let fixed = DynValue::new((DynLayout::of::<[u8; 3]>().unwrap(), array([1, 2, 3]))).unwrap();
    let refused = [fixed.push(1_u64), fixed.extend(array([1])), fixed.truncate(1)];
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Unsupported { .. }))), "{refused:?}");
}

/// A closure that panics must neither keep the lock nor leave half a change.
#[test]
fn a_panic_changes_nothing() {
    let name = SegmentName::new("schema-panic");
    let vector = SharedVec::<u32>::create(&name, (vec![1, 2], Capacity(10))).unwrap();
    let value = DynValue::open(&name).unwrap();
    for path in ["", "[1]"] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            value.update(path, |data| {
                *data = DynData::from(7_u64);
                // The value is borrowed.
                assert!(value.push(1_u64).is_err() && value.set("[0]", 9_u64).is_err());
                panic!("a mistake of the program");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!((vector.load().unwrap(), vector.lock_state()), (vec![1, 2], LockState::Free));
    }
    let guard = value.lock().unwrap();
    guard.push(3_u64).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| guard.update("", |_| panic!("a mistake")))).is_err());
    guard.push(4_u64).unwrap();
    drop(guard);
    assert_eq!(vector.load().unwrap(), [1, 2, 3, 4]);
}

/// All changes of a guard are one commit.
#[test]
fn a_guard_commits_all_of_it() {
    let name = SegmentName::new("schema-guard");
    let vector = SharedVec::<u32>::create(&name, (vec![1, 2], Capacity(1_000))).unwrap();
    let value = DynValue::open(&name).unwrap();
    let guard = value.lock().unwrap();
    guard.truncate(1).unwrap();
    guard.extend(array([5, 6, 7])).unwrap();
    guard.set("[1]", 50_u64).unwrap();
    assert_eq!((guard.to_string(), guard.get("[3]").unwrap().as_u64()), ("[1, 50, 6, 7]".to_owned(), Some(7)));
    let outside = vector.clone();
    let seen = std::thread::spawn(move || outside.read_only().unwrap().load().unwrap()).join().unwrap();
    assert_eq!(seen, [1, 2]);
    guard.commit();
    guard.set("", array([9; 100])).unwrap();
    guard.rollback();
    drop(guard);
    assert_eq!((vector.load().unwrap(), vector.version()), (vec![1, 50, 6, 7], 1));
}

#[test]
fn texts_and_bytes_are_changed() {
    let text = SharedString::new(("äb", Capacity(1_000))).unwrap();
    let value = DynValue::open(text.token().unwrap()).unwrap();
    value.extend("cö").unwrap();
    assert_eq!(text.load().unwrap(), "äbcö");
    let error = value.truncate(5).unwrap_err();
    assert!(error.to_string().contains("in the middle of a character"), "{error}");
    value.truncate(4).unwrap();
    assert_eq!(text.load().unwrap(), "äbc");
    value.set("", "a\0b").unwrap();
    value.update("", |text| *text = DynData::from(format!("{}!", text.as_str().unwrap()))).unwrap();
    assert_eq!(text.load().unwrap(), "a\0b!");
    assert!(matches!(value.set("", 7_u64), Err(Error::WrongData { .. })));
    let refused = [value.push(0xff_u64), value.set("[0]", 0xff_u64), value.update("[0]", |_| ())];
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Unsupported { .. }))), "{refused:?}");

    let bytes = SharedBytes::new(Capacity(10 << 20)).unwrap();
    let value = DynValue::open(bytes.token().unwrap()).unwrap();
    let many = vec![7; 9 << 20];
    value.set("", DynData::Bytes(many.clone())).unwrap();
    assert!(bytes.load().unwrap() == many && value.load().unwrap() == DynData::Bytes(many));
    value.truncate(2).unwrap();
    value.extend("0102ff").unwrap();
    value.push(9_u64).unwrap();
    value.set("[0]", 8_u64).unwrap();
    assert_eq!(bytes.load().unwrap(), [8, 7, 1, 2, 0xff, 9]);
}

/// Values that a tool creates must open in the program that knows the type.
#[test]
fn created_vectors_open_by_their_type() {
    let name = SegmentName::new("schema-created");
    let layout = DynLayout::vector(DynLayout::of::<u32>().unwrap()).unwrap();
    drop(DynValue::create(&name, (layout.clone(), array([1, 2]), Capacity(1 << 40))).unwrap());
    let vector = SharedVec::<u32>::open(&name).unwrap();
    assert_eq!((vector.load().unwrap(), vector.capacity()), (vec![1, 2], 1 << 40));
    vector.push(3).unwrap();
    drop(vector);
    unlink(&*name).unwrap();
    drop(DynValue::create(&name, (layout.clone(), Capacity(3))).unwrap());
    assert_eq!(SharedVec::<u32>::open(&name).unwrap().len(), 0);
    unlink(&*name).unwrap();
    let text = DynValue::create(&name, (DynLayout::shared_string(), "abc", Capacity(5))).unwrap();
    assert_eq!(SharedString::open(&name).unwrap().load().unwrap(), "abc");
    drop(text);
    unlink(&*name).unwrap();
    let bytes = DynValue::create(&name, (DynLayout::shared_bytes(), DynData::Bytes(vec![1]), Capacity(5))).unwrap();
    assert_eq!(SharedBytes::open(&name).unwrap().load().unwrap(), [1]);
    drop(bytes);

    let arena = Arena::new(1 << 20).unwrap();
    let value = arena.insert::<Dyn>("list", (layout.clone(), array([5]), Capacity(100))).unwrap();
    value.extend(array([6; 50])).unwrap();
    let typed = arena.get::<shared_value::Vector<u32>>("list").unwrap().unwrap();
    assert_eq!((typed.len(), typed.get(50)), (51, Some(6)));

    assert!(matches!(DynValue::new(layout.clone()), Err(Error::InvalidLayout { .. })));
    assert!(matches!(DynValue::new((layout.clone(), array([1]))), Err(Error::InvalidLayout { .. })));
    assert!(matches!(DynValue::new((layout.clone(), array([1, 2]), Capacity(1))), Err(Error::VectorFull { .. })));
    assert!(matches!(DynValue::new((layout, Capacity(usize::MAX))), Err(Error::Io { .. })));
    let number = DynLayout::of::<u32>().unwrap();
    assert!(matches!(DynValue::new((number, Capacity(1))), Err(Error::InvalidLayout { .. })));
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[shared(evolves)]
struct Old {
    number: u32,
    later: Reserved<4>,
}

mod new {
    use shared_value::SharedValue;

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(evolves)]
    pub(super) struct Old {
        pub(super) number: u32,
        pub(super) later: u32,
    }
}

/// A program of an older version must not change fields that it does not know, and new elements must not inherit them.
#[test]
fn fields_of_other_versions_stay() {
    let name = SegmentName::new("schema-evolves");
    drop(SharedVec::<Old>::create(&name, Capacity(100)).unwrap());
    let vector = SharedVec::<new::Old>::open(&name).unwrap();
    vector.set(&[new::Old { number: 1, later: 2 }; 3]).unwrap();
    let value = DynValue::open(&name).unwrap();
    let one =
        |number: u64| DynData::Struct { name: "Old".to_owned(), fields: vec![("number".to_owned(), number.into())] };
    value.set("[0].number", 10_u64).unwrap();
    value.set("[1]", one(20)).unwrap();
    value.update("[2]", |data| *data = one(30)).unwrap();
    let found = vector.load().unwrap();
    assert_eq!(found, [10, 20, 30].map(|number| new::Old { number, later: 2 }));
    value.truncate(1).unwrap();
    value.push(one(5)).unwrap();
    assert_eq!(vector.get(1), Some(new::Old { number: 5, later: 0 }), "another element was here");
}
