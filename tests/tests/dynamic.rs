//! Values of every type, read and written by their schemas alone.

use std::fmt::Debug;
use std::num::{NonZeroI8, NonZeroU64, NonZeroUsize};
use std::panic::{self, AssertUnwindSafe};
use std::process::Command;
use std::thread;

use serde_json::json;
use shared_value::{
    Arena, DynData, DynKind, DynValue, Error, FixedStr, Lock, LockKind, Options, Pod, SharedArray, SharedValue,
    Synchronized,
};
use shared_value_tests::values::{
    Account, Assorted, City, Color, Labelled, Level, LineTwins, Meters, Mode, Padded, PageTwins, Pair, Rgb, Shade,
    Span, SynchronizedAccount, SynchronizedTally, SynchronizedTwins, Tally, Twins,
};
use shared_value_tests::{SegmentFile, SegmentName, Worker, fork, scaled};

/// A struct that is larger than its field.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct Aligned {
    balance: i64,
}

/// A newtype of a struct whose field is atomic only where it is the value itself.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
struct Wrapped(Account);

/// A struct with such a struct in it.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Nested {
    accounts: [Account; 2],
    #[shared(pod, typecode = "T{2B:red:2B:green:2B:blue:}")]
    tint: Rgb,
    #[shared(atomic)]
    hits: i64,
}

/// A struct that is named as a primitive, with fields that are named as types.
#[allow(non_camel_case_types)]
mod confusing {
    use shared_value::SharedValue;

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(super) struct char {
        pub(super) char: i8,
        pub(super) u64: std::primitive::u64,
    }
}

/// A value as programs that know its type print it.
fn printed<T: SharedValue>(shared: &Synchronized<T>) -> String {
    let debug = format!("{shared:?}");
    let (_, value) = debug.split_once("value: ").unwrap();
    value.rsplit_once(", version: ").unwrap().0.to_owned()
}

/// Reads and writes a type both ways: as a whole, part by part, and as JSON.
#[track_caller]
fn check<T: SharedValue + PartialEq + Debug>(first: T, second: T) {
    let names = [SegmentName::new("dynamic"), SegmentName::new("dynamic")];
    let one = Synchronized::create(&names[0], first).unwrap();
    let _other = Synchronized::create(&names[1], second).unwrap();
    let (dyn_one, dyn_other) = (DynValue::open(&names[0]).unwrap(), DynValue::open_read_only(&names[1]).unwrap());
    let schema = SegmentFile::open(names[0].path()).schema();
    // Only handles print bytes as their typecode says.
    if !schema.contains(" as ") {
        assert_eq!(dyn_one.to_string(), printed(&one));
    }
    assert_eq!(dyn_one.layout().to_string(), schema);
    assert_eq!((dyn_one.layout().size(), dyn_one.layout().align()), (size_of::<T>(), align_of::<T>()));
    let before = dyn_one.load().unwrap();

    // Typed to dynamic and back, as a whole; atomic fields are changed on their own.
    let atomics = |value: &DynValue| -> Vec<_> {
        value.fields().filter(shared_value::DynPart::is_atomic).map(|part| part.path().to_owned()).collect()
    };
    let all = dyn_other.load().unwrap();
    let copy_atomics = |from: &DynData| {
        for path in atomics(&dyn_one) {
            dyn_one.set(&path, from.part(&path).unwrap().clone()).unwrap();
        }
    };
    dyn_one.set("", all.clone()).unwrap();
    copy_atomics(&all);
    assert_eq!(one.load().unwrap(), second);
    assert_eq!(one.version(), 1);

    // Part by part.
    for part in dyn_one.fields() {
        dyn_one.set(part.path(), before.part(part.path()).unwrap().clone()).unwrap();
        assert_eq!(Some(&dyn_one.get(part.path()).unwrap()), before.part(part.path()), "{}", part.path());
    }
    if dyn_one.fields().next().is_some() {
        assert_eq!(one.load().unwrap(), first);
    }

    // As text.
    let text = serde_json::to_string(&dyn_other).unwrap();
    let parsed: DynData = serde_json::from_str(&text).unwrap();
    dyn_one.update("", |data| *data = parsed.clone()).unwrap();
    copy_atomics(&parsed);
    assert_eq!(one.load().unwrap(), second, "{text}");

    // What the program that knows the type writes.
    one.store(first).unwrap();
    copy_atomics(&before);
    assert_eq!(dyn_one.load().unwrap(), before);
    assert_eq!(DynValue::open_read_only(&names[0]).unwrap().load().unwrap(), before);
}

/// Without this, there would be types that a tool cannot read, or reads as something else.
#[test]
fn values_of_every_type() {
    check(1_u64, u64::MAX);
    check(-1_i64, i64::MIN);
    check(1_i8, -1);
    check(1_u8, 255);
    check(-2_i16, i16::MAX);
    check(2_u16, u16::MAX);
    check(-3_i32, i32::MAX);
    check(3_u32, u32::MAX);
    check(-4_isize, isize::MAX);
    check(4_usize, usize::MAX);
    check(0.5_f32, -1e30);
    check(0.1_f64, f64::INFINITY);
    check(f64::NEG_INFINITY, f64::MIN_POSITIVE);
    check(true, false);
    check('a', '🦀');
    check(NonZeroI8::MIN, NonZeroI8::MAX);
    check(NonZeroU64::MIN, NonZeroU64::MAX);
    check(None, NonZeroUsize::new(7));
    check([1_u8, 2, 3], [4, 5, 6]);
    check([[1.5_f32; 3]; 2], [[-1.5; 3]; 2]);
    check([Some(NonZeroI8::MIN), None], [None, Some(NonZeroI8::MAX)]);
    check(City::new("Zürich").unwrap(), City::new("").unwrap());
    check([FixedStr::<1>::new("a").unwrap(); 2], [FixedStr::new("b").unwrap(); 2]);
    check(Pod([1_u16, 2, 3]), Pod([4, 5, 6]));
    check(Mode::Busy, Mode::Idle);
    check(Level::Frost, Level::Warm);
    check(Color::Green, Color::Blue);
    check(Meters(1.0), Meters(-2.5));
    check([Meters(1.0); 2], [Meters(-2.5); 2]);
    check(Shade { color: Color::Green }, Shade { color: Color::Blue });
    check(Pair(1, -1), Pair(255, i64::MIN));
    let span = |start| Span { mode: Mode::Idle, start, end: Meters(0.5) };
    check([span(1); 3], [span(2); 3]);
    check(Labelled { label: FixedStr::<5>::new("one").unwrap(), value: span(1), history: [span(2); 3] }, {
        Labelled { label: FixedStr::new("other").unwrap(), value: span(3), history: [span(4); 3] }
    });
    check(Assorted::of(1), Assorted::of(2));
    check([Assorted::of(3), Assorted::of(4)], [Assorted::of(5), Assorted::of(6)]);
    check(Padded::of(1), Padded::of(8));
    check(Account::after(1), Account { requests: 5, ..Account::after(2) });
    check(Wrapped(Account::after(1)), Wrapped(Account { requests: 5, ..Account::after(2) }));
    let tint = Rgb { red: 1, green: 2, blue: 3 };
    check(Nested { accounts: [Account::after(1); 2], tint, hits: -1 }, {
        Nested { accounts: [Account { requests: 5, ..Account::after(2) }; 2], tint, hits: i64::MAX }
    });
    check(
        Tally::default(),
        Tally { total: 1, lanes: [2; 8], sum: -3, difference: 4, largest: 5, smallest: 6, compared: 7 },
    );
    check(Aligned { balance: 1 }, Aligned { balance: -1 });
    check([Aligned { balance: 1 }; 2], [Aligned { balance: -1 }; 2]);
    check(confusing::char { char: 1, u64: 2 }, confusing::char { char: -1, u64: 3 });
    check(Twins::of(1) as LineTwins, Twins::of(u64::MAX));
    check(Twins::of(1) as PageTwins, Twins::of(u64::MAX));
}

/// Without this, arrays whose length only the segment knows could not be read by tools.
#[test]
fn arrays_of_run_time_length() {
    let name = SegmentName::new("array");
    let array = SharedArray::create(&name, &[Assorted::of(1), Assorted::of(2), Assorted::of(3)][..]).unwrap();
    let value = DynValue::open(&name).unwrap();
    assert!(matches!(value.layout().kind(), DynKind::Array { length: 3, .. }));
    assert_eq!(value.fields().filter(|part| part.path().contains(".tiny")).count(), 3);
    let (first, last) = (value.get("[0]").unwrap(), value.get("[2]").unwrap());
    value.set("[0]", last).unwrap();
    value.set("[2]", first).unwrap();
    assert_eq!(array.to_vec().unwrap(), [Assorted::of(3), Assorted::of(2), Assorted::of(1)]);
    value.set("[1].letter", 'x').unwrap();
    assert_eq!(array.get(1).letter, 'x');
    let json: DynData = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
    array.fill(Assorted::of(9)).unwrap();
    value.set("", json).unwrap();
    assert_eq!(array.get(2), Assorted::of(1));
    assert!(value.set("", vec![value.get("[0]").unwrap()]).is_err());
    let name = SegmentName::new("empty");
    let _empty = SharedArray::<u64>::create(&name, &[][..]).unwrap();
    assert_eq!(DynValue::open_read_only(&name).unwrap().to_string(), "[]");
}

/// Without this, tools would see numbers that are rounded, or text that nobody can read back.
#[test]
fn what_a_value_is_as_json() {
    let name = SegmentName::new("json");
    let shared = Synchronized::create(&name, Assorted::of(1)).unwrap();
    let value = DynValue::open(&name).unwrap();
    let json = serde_json::to_value(&value).unwrap();
    assert_eq!(json["long"], json!(u64::MAX - 1));
    assert_eq!(json["pair"], json!({ "0": 1, "1": i64::MIN + 1 }));
    assert_eq!(json["letter"], json!("😁"));
    assert_eq!(json["level"], json!("Frost"));
    assert_eq!(json["change"], json!(-1));
    assert_eq!(json["height"], json!(1.5));
    assert_eq!(json["grid"], json!([[1, 2, 3], [4, 5, 6]]));
    let digits = if cfg!(target_endian = "little") { "01000001feff" } else { "00010100fffe" };
    assert_eq!(json["tint"], json!(digits));
    shared.update(|value| (value.exact, value.ratio, value.change) = (f64::NAN, f32::NEG_INFINITY, None)).unwrap();
    let json = serde_json::to_value(&value).unwrap();
    assert_eq!((&json["exact"], &json["ratio"], &json["change"]), (&json!("NaN"), &json!("-inf"), &json!(null)));
}

/// Without this, a program that knows no type would write under another lock, or not at all.
#[test]
fn another_process_reads_and_writes() {
    let worker = |arguments: &[&str]| Worker::start(env!("CARGO_BIN_EXE_worker"), "dynamic", arguments);
    let name = SegmentName::new("process");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let mut reader = worker(&[&name]);
    let whole = |balance, limits: [u32; 4], requests| {
        json!({ "balance": balance, "frozen": false, "limits": limits, "deposits": 1, "requests": requests })
            .to_string()
    };
    // Fields come in the order of memory, which is not the alphabet's.
    let sorted = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap().to_string();
    assert_eq!(sorted(&reader.hear()), whole(10, [1; 4], 0));
    reader.finish();

    let changes = ["--", &name, "balance", "-7", "limits[2]", "9", "requests", "3"];
    let mut writer = worker(&changes);
    assert_eq!(sorted(&writer.hear()), whole(-7, [1, 1, 9, 1], 3));
    writer.finish();
    assert_eq!((account.balance(), account.limits(), account.requests()), (-7, [1, 1, 9, 1], 3));
    assert_eq!(account.version(), 1, "all in one commit");

    // Killed before the commit; the atomic field has been changed already.
    let mut writer = worker(&["--wait", "--", &name, "balance", "5", "requests", "4"]);
    assert_eq!(sorted(&writer.hear()), whole(5, [1, 1, 9, 1], 4));
    assert!(matches!(account.try_lock(), Err(Error::WouldBlock)), "it is the same lock");
    assert_eq!(account.balance(), -7);
    writer.kill();
    assert!(DynValue::open(&name).unwrap().lock().unwrap().recovered());
    assert_eq!((account.balance(), account.requests(), account.version()), (-7, 4, 1));
}

/// Without this, a value without a name could not be looked at from outside.
#[test]
fn values_without_a_name_are_handed_over() {
    let account = SynchronizedAccount::new(Account::after(1)).unwrap();
    let token = account.token().unwrap();
    let mut writer = Worker::start(env!("CARGO_BIN_EXE_worker"), "dynamic", ["--token", &token, "limits[0]", "2"]);
    assert!(writer.hear().contains(r#""limits":[2,1,1,1]"#));
    writer.finish();
    let mut reader = Worker::start(env!("CARGO_BIN_EXE_worker"), "dynamic", ["--token", &token]);
    assert!(reader.hear().contains(r#""limits":[2,1,1,1]"#));
    reader.finish();

    let mut command = Command::new(env!("CARGO_BIN_EXE_partner"));
    account.pass_to(command.args(["change", "ACCOUNT", "limits[3]", "4"]), "ACCOUNT").unwrap();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), printed(&account).replace(", 4]", ", 1]"));
    assert_eq!((account.limits(), account.version()), ([2, 1, 1, 4], 2));
    let unlocked = Synchronized::unlocked([1_u8, 2]).unwrap();
    DynValue::from_token(&unlocked.token().unwrap()).unwrap().set("[1]", 3_u8).unwrap();
    assert_eq!(DynValue::from_token_read_only(&unlocked.token().unwrap()).unwrap().to_string(), "[1, 3]");
    assert!(matches!(DynValue::from_token("nonsense"), Err(Error::StaleToken { .. })));
    assert!(matches!(DynValue::inherited("NO_SUCH_VALUE"), Err(Error::NotPassed { .. })));
    let arena = Arena::anonymous(1 << 20).unwrap();
    assert!(DynValue::from_token(&arena.token().unwrap()).is_err());
    let (account, _other) = (arena.create("one", Account::after(1)).unwrap(), arena.create("other", 1_u8).unwrap());
    let value = DynValue::from_token(&account.token().unwrap()).unwrap();
    value.set("balance", 5_u8).unwrap();
    assert_eq!((account.balance(), value.to_string()), (5, printed(&account)));
}

/// Without this, readers would see halves of changes.
#[test]
fn what_is_read_is_of_one_version() {
    let name = SegmentName::new("version");
    let twins = SynchronizedTwins::create(&name, Twins::of(0) as LineTwins).unwrap();
    let writer = fork({
        let name = name.to_string();
        move || {
            let value = DynValue::open(&name).unwrap();
            for number in 1..scaled(100_000, 10_000) {
                let fields = ["left", "right"].map(|name| (name, DynData::from(number)));
                let between = ("between", DynData::from(vec![DynData::from(number); 6]));
                value.set("", DynData::structure("", fields.into_iter().chain([between]))).unwrap();
            }
        }
    });
    let reader = DynValue::open_read_only(&name).unwrap();
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
    let tally = SynchronizedTally::create(&name, Tally::default()).unwrap();
    let count = scaled(10_000, 1_000);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let value = DynValue::open(&name).unwrap();
                let add = |data: &mut DynData| *data = (data.as_i64().unwrap() + 1).into();
                for _ in 0..count {
                    value.update("total", add).unwrap();
                    value.update("lanes[3]", add).unwrap();
                    value.update("sum", add).unwrap();
                    tally.update_lanes(|lanes| lanes[2] += 1).unwrap();
                }
            });
        }
    });
    let sum = i64::try_from(3 * count).unwrap();
    assert_eq!((tally.total(), u64::from(tally.lanes_at(3)), tally.sum()), (3 * count, 3 * count, sum));
    assert_eq!(u64::from(tally.lanes_at(2)), 3 * count);
    assert_eq!(tally.version(), 9 * count, "an atomic field is changed without a commit");
}

/// Without this, what another process adds to an atomic field in between would be lost.
#[test]
fn an_atomic_field_is_changed_as_it_is_at_that_moment() {
    let name = SegmentName::new("atomic");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let value = DynValue::open(&name).unwrap();
    let mut calls = 0;
    let add = |requests: &mut DynData| {
        calls += 1;
        if calls < 3 {
            account.requests_fetch_add(10);
        }
        *requests = (requests.as_u64().unwrap() + 1).into();
    };
    value.update("requests", add).unwrap();
    assert_eq!((calls, account.requests(), account.version()), (3, 21, 0));
    assert!(matches!(value.set("requests", -1_i64), Err(Error::WrongData { .. })));

    // As a part of the whole it stays, and may be left out.
    let DynData::Struct { fields, .. } = value.load().unwrap() else { panic!() };
    let but = |missing: &'static str| fields.clone().into_iter().filter(move |(name, _)| name != missing);
    value.set("", DynData::structure("Account", but("requests"))).unwrap();
    let error = value.set("", DynData::structure("Account", but("frozen"))).unwrap_err().to_string();
    assert!(error.ends_with("found no `frozen`"), "{error}");
    let mut guard = value.lock().unwrap();
    guard.set("requests", 5_u8).unwrap();
    guard.update("requests", |requests| *requests = (requests.as_u64().unwrap() + 1).into()).unwrap();
    guard.rollback();
    assert_eq!((account.requests(), guard.get("requests").unwrap()), (6, DynData::Unsigned(6)));
}

/// Without this, a guard would let go of what it has not committed, or keep what was rolled back.
#[test]
fn a_guard_commits_and_rolls_back() {
    let name = SegmentName::new("guard");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let value = DynValue::open(&name).unwrap();
    let elsewhere = || thread::scope(|scope| scope.spawn(|| account.balance()).join().unwrap());

    let mut guard = value.lock().unwrap();
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
        let mut guard = value.lock().unwrap();
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
    let mut guard = value.lock().unwrap();
    let panicked = value.update("balance", |_| panic::catch_unwind(AssertUnwindSafe(|| guard.set("deposits", 6_u8))));
    assert!(panicked.unwrap().is_err());
    // After a panic in an inner guard the value is barred until it is rolled back.
    let inner = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut inner = value.lock().unwrap();
        inner.set("deposits", 7_u8).unwrap();
        panic!("before the rest");
    }));
    assert!(inner.is_err());
    assert!(panic::catch_unwind(AssertUnwindSafe(|| guard.set("deposits", 8_u8))).is_err());
    assert!(matches!(value.set("deposits", 8_u8), Err(Error::Unwound)));
    guard.rollback();
    guard.set("deposits", 9_u8).unwrap();
    drop(guard);
    assert_eq!((account.balance(), account.deposits()), (1, 9));
    assert!(value.try_lock().is_ok());
}

/// Without this, a guard that a child inherits would write in the middle of what its parent writes.
#[test]
fn a_guard_holds_nothing_in_a_forked_child() {
    let name = SegmentName::new("fork");
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let value = DynValue::open(&name).unwrap();
    let mut guard = value.lock().unwrap();
    guard.set("balance", 5_u8).unwrap();
    let mut in_child = panic::AssertUnwindSafe(guard);
    let child = fork(|| {
        assert_eq!(in_child.get("balance").unwrap(), DynData::Signed(10));
        in_child.commit();
        in_child.rollback();
        assert!(panic::catch_unwind(AssertUnwindSafe(|| in_child.set("balance", 6_u8))).is_err());
    });
    child.finish();
    drop(in_child);
    assert_eq!((account.balance(), account.version()), (5, 1));
}

/// Without this, a handle for reading would fault, and a value without a lock could not be looked at.
#[test]
fn what_guards_a_value_decides_what_can_be_done() {
    let name = SegmentName::new("guarded");
    let unsupported =
        |result: Result<(), Error>| assert!(matches!(result, Err(Error::Unsupported { .. })), "{result:?}");
    let plain = Synchronized::create(&name, [1_u16, 2, 3]).unwrap();
    let reader = DynValue::open_read_only(&name).unwrap();
    unsupported(reader.set("[0]", 5_u8));
    unsupported(reader.update("[0]", |_| ()));
    unsupported(reader.lock().map(drop));
    let writer = DynValue::open(&name).unwrap();
    writer.set("[1]", 9_u8).unwrap();
    assert_eq!((plain.get(), reader.to_string()), ([1, 9, 3], "[1, 9, 3]".to_owned()));

    let name = SegmentName::new("unlocked");
    let unlocked = Synchronized::create_unlocked(&name, [1_u16, 2, 3]).unwrap();
    let writer = DynValue::open(&name).unwrap();
    writer.set("[1]", 9_u8).unwrap();
    writer.update("[2]", |element| *element = (element.as_u64().unwrap() + 1).into()).unwrap();
    unsupported(writer.lock().map(drop));
    let reader = DynValue::open_read_only(&name).unwrap();
    unsupported(reader.set("[1]", 9_u8));
    assert_eq!((unlocked.get(), reader.to_string(), reader.version()), ([1, 9, 4], "[1, 9, 4]".to_owned(), 0));

    let name = SegmentName::new("object");
    let lock = Lock::new().unwrap();
    let guarded = Options::new().lock(&lock).create(&name, 1_u64).unwrap();
    let error = DynValue::open(&name).unwrap_err().to_string();
    assert!(error.contains("open that one first"), "{error}");
    let writer = Options::new().lock(&lock).open_dyn(&name).unwrap();
    writer.set("", 2_u64).unwrap();
    assert_eq!((guarded.get(), DynValue::open_read_only(&name).unwrap().to_string()), (2, "2".to_owned()));

    let name = SegmentName::new("pthread");
    let guarded = Options::new().lock_kind(LockKind::Pthread).create(&name, 1_u64).unwrap();
    let error = DynValue::open(&name).unwrap_err().to_string();
    assert!(error.contains("Options::lock_kind"), "{error}");
    let writer = Options::new().lock_kind(LockKind::Pthread).open_dyn(&name).unwrap();
    writer.set("", 2_u64).unwrap();
    assert_eq!((guarded.get(), DynValue::open_read_only(&name).unwrap().to_string()), (2, "2".to_owned()));
}

/// Without this, the values of an arena could be listed, but not looked at.
#[test]
fn values_of_an_arena() {
    let arena = Arena::anonymous(1 << 20).unwrap();
    let account = arena.create("account", Account::after(1)).unwrap();
    let id = arena.id_of(&arena.value([1_u8, 2]).unwrap()).unwrap();
    arena.open_dyn("account").unwrap().set("balance", 5_u8).unwrap();
    arena.open_dyn("account").unwrap().set("requests", 6_u8).unwrap();
    arena.at_dyn(id).unwrap().set("[1]", 7_u8).unwrap();
    assert_eq!((account.balance(), account.requests()), (5, 6));
    let reader = arena.read_only().unwrap();
    assert_eq!(reader.at_dyn(id).unwrap().to_string(), "[1, 7]");
    assert!(reader.open_dyn("account").unwrap().set("balance", 6_u8).is_err());
    assert!(matches!(arena.open_dyn("nothing"), Err(Error::NotFound { .. })));
    let layouts: Vec<_> = arena.values().map(|stored| stored.layout().unwrap().type_text()).collect();
    assert_eq!(layouts, ["[u8; 2]", "Account"]);

    // A transaction commits what is written to its values by whatever handle.
    let dynamic = arena.open_dyn("account").unwrap();
    let failed: Result<(), Error> = arena.transaction(|transaction| {
        let _guard = transaction.lock(&account)?;
        dynamic.set("balance", 100_u8)?;
        let mut guard = dynamic.lock()?;
        guard.set("deposits", 101_u8)?;
        assert!(panic::catch_unwind(AssertUnwindSafe(|| guard.commit())).is_err());
        assert!(panic::catch_unwind(AssertUnwindSafe(|| guard.rollback())).is_err());
        assert_eq!((account.balance(), account.deposits()), (100, 101));
        Err(Error::WouldBlock)
    });
    assert!(failed.is_err());
    assert_eq!((account.balance(), account.deposits()), (5, 1));

    // Its directory is no value of a user.
    let name = SegmentName::new("arena");
    let _arena = Arena::create(&name, 1 << 20).unwrap();
    for opened in [DynValue::open(&name), DynValue::open_read_only(&name)] {
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("an arena is opened by `Arena::open`"), "{error}");
    }
}

/// Without this, a value whose bits are invalid could not be looked into, nor mended.
#[test]
fn invalid_bits_are_named_and_can_be_overwritten() {
    let name = SegmentName::new("bits");
    let shared = Synchronized::create(&name, Assorted::of(1)).unwrap();
    let value = DynValue::open(&name).unwrap();
    let part = value.layout().part("spans[1].mode").unwrap();
    SegmentFile::open(name.path()).cell(size_of::<Assorted>()).overwrite(part.offset(), &[9]);
    let expected = "`spans[1].mode` holds invalid bits: expected Idle = 0 or Busy = 7 (Mode), found 0x09";
    assert_eq!(shared.load().unwrap_err().to_string(), expected);
    for path in ["", "spans", "spans[1]", "spans[1].mode"] {
        assert_eq!(value.get(path).unwrap_err().to_string(), expected);
    }
    assert_eq!(value.to_string(), format!("<{expected}>"));
    assert!(value.get("spans[0]").is_ok());
    value.set("spans[1].mode", "Busy").unwrap();
    assert_eq!(shared.load().unwrap(), Assorted::of(1));
}

/// Without a check of the schema against the cell, a schema that somebody has changed would lead out of the memory.
#[test]
fn a_schema_of_another_value_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    for (schema, expected) in [
        ("[u64; 9]\n[u64; 9]: 72 bytes, align 8\n", "size: expected 72, as the schema says, found 64"),
        ("[u64; 7]\n[u64; 7]: 56 bytes, align 8\n", "size: expected 56, as the schema says, found 64"),
        ("S\na: atomic u64 @0\nS: 64 bytes, align 8\n", "cell length: expected 200, found 192"),
        ("[u64; 8]\n[u64; 8]: 72 bytes, align 8\n", "schema: expected `[u64; 8]: 64 bytes, align 8`"),
        ("[u8]\n[u8]: 1 bytes each, align 1\n", ""),
        (
            "[[u8; 24]]\n[[u8; 24]]: 24 bytes each, align 1\n",
            "size: expected a multiple of 24, as the schema says, found 64",
        ),
    ] {
        let shared = Synchronized::create_file(&path, [1_u64; 8]).unwrap();
        drop(shared);
        let file = SegmentFile::open(&path);
        set_schema(&file, &format!("{schema}{}", order()));
        for opened in [DynValue::open_file(&path), DynValue::open_file_read_only(&path)] {
            match opened {
                Ok(value) => {
                    assert!(expected.is_empty(), "{value}");
                    assert!(matches!(value.layout().kind(), DynKind::Array { length: 64, .. }));
                    assert_eq!(value.get("[8]").unwrap(), DynData::Unsigned(u64::from(1_u64.to_ne_bytes()[0])));
                    assert!(value.get("[64]").is_err());
                }
                Err(error) => assert!(!expected.is_empty() && error.to_string().contains(expected), "{error}"),
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}

/// Without this, some damage to a segment would make a tool that reads it panic, or worse.
#[test]
fn damaged_segments_are_refused_or_read_as_what_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    drop(Synchronized::create_file(&path, Assorted::of(1)).unwrap());
    let file = SegmentFile::open(&path);
    let schema = file.schema();
    let prefix = file.bytes(0, 128 + schema.len());
    let all = file.bytes(0, usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap());
    let mut opened = 0;
    for (index, byte) in prefix.iter().enumerate() {
        file.overwrite(index as u64, &[byte ^ 1 << (index % 8)]);
        if index >= 128 {
            // Otherwise the fingerprint would give it away.
            let schema = String::from_utf8(file.bytes(128, schema.len()));
            file.overwrite(64 + 16, &schema.map_or(0, |schema| hash(&schema)).to_ne_bytes());
        }
        for value in [DynValue::open_file(&path), DynValue::open_file_read_only(&path)].into_iter().flatten() {
            opened += 1;
            let _ = value.load();
            for part in value.fields() {
                if let Ok(data) = value.get(part.path()) {
                    let _ = value.set(part.path(), data);
                }
            }
        }
        file.overwrite(0, &all);
    }
    assert!(opened > 0, "names and types of the same size may be others");
    assert_eq!(Synchronized::<Assorted>::open_file(&path).unwrap().load().unwrap(), Assorted::of(1));
}

/// Without this, a schema of a few bytes could take all memory there is.
#[test]
fn large_values_are_read_in_parts() {
    const LENGTH: usize = 80 << 20;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    drop(Synchronized::create_file(&path, Assorted::of(1)).unwrap());
    let file = SegmentFile::open(&path);
    // A file with a hole.
    let set_length = |length: u64| {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        file.overwrite(32, &length.to_ne_bytes());
    };
    set_length(LENGTH as u64 * 4);
    let schema = format!("[u8; {LENGTH}]\n[u8; {LENGTH}]: {LENGTH} bytes, align 1\n{}", order());
    set_schema(&file, &schema);
    file.overwrite(64 + 8, &(LENGTH as u64 * 3).to_ne_bytes());
    let error = DynValue::open_file(&path).unwrap_err().to_string();
    assert!(error.contains("size: expected 83886080"), "{error}");
    file.overwrite(64 + 40, &(LENGTH as u64).to_ne_bytes());
    let error = DynValue::open_file(&path).unwrap_err().to_string();
    let (_, cell) = error.split_once("cell length: expected ").unwrap();
    let cell: u64 = cell.split(',').next().unwrap().parse().unwrap();
    file.overwrite(64 + 8, &cell.to_ne_bytes());
    let start = u64::from_ne_bytes(file.bytes(64, 8).try_into().unwrap());
    set_length(start + cell);
    let value = DynValue::open_file(&path).unwrap();
    assert!(matches!(value.load(), Err(Error::Unsupported { .. })));
    value.set(&format!("[{}]", LENGTH - 1), 7_u8).unwrap();
    assert_eq!(value.get(&format!("[{}]", LENGTH - 1)).unwrap(), DynData::Unsigned(7));
}

fn order() -> &'static str {
    if cfg!(target_endian = "little") { "little-endian\n" } else { "big-endian\n" }
}

/// Puts another schema of at most the same number of lines of 64 bytes into a segment.
fn set_schema(file: &SegmentFile, schema: &str) {
    let cell = u64::from_ne_bytes(file.bytes(64, 8).try_into().unwrap());
    assert!(128 + schema.len() as u64 <= cell, "there is no room for it");
    file.overwrite(128, schema.as_bytes());
    file.overwrite(64 + 16, &hash(schema).to_ne_bytes());
    file.overwrite(64 + 32, &(schema.len() as u64).to_ne_bytes());
}

/// 64-bit FNV-1a, as its authors publish it.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
