//! Every kind of field, through every accessor, from one process to another.

use std::num::{NonZeroI16, NonZeroU64};

use shared_value::{FixedStr, FixedStrError, Kind, Layout, Pod, SharedValue, Synchronized};
use shared_value_tests::values::{
    Assorted, City, Labelled, Level, Meters, Mode, Padded, Pair, Span, SynchronizedAssorted, SynchronizedLabelled,
    SynchronizedLevel, SynchronizedMeters, SynchronizedPadded, SynchronizedPair,
};
use shared_value_tests::{SegmentName, in_time};

use crate::worker;

/// Reads every field by itself, through a handle or a guard.
macro_rules! read_fields {
    ($shared:expr) => {
        Assorted {
            tiny: $shared.tiny(),
            short: $shared.short(),
            middle: $shared.middle(),
            long: $shared.long(),
            index: $shared.index(),
            ratio: $shared.ratio(),
            exact: $shared.exact(),
            is_on: $shared.is_on(),
            letter: $shared.letter(),
            city: $shared.city(),
            mode: $shared.mode(),
            level: $shared.level(),
            serial: $shared.serial(),
            change: $shared.change(),
            height: $shared.height(),
            pair: $shared.pair(),
            spans: [$shared.in_spans().at(0), $shared.in_spans().at(1)],
            grid: [$shared.in_grid().at(0), $shared.in_grid().at(1)],
            limits: $shared.limits(),
            tint: $shared.tint(),
            r#type: $shared.r#type(),
            last: $shared.last(),
            shade: $shared.shade(),
        }
    };
}

/// An accessor with a wrong offset or width would read or write the field beside it.
#[test]
fn every_field_arrives_in_every_way() {
    in_time(|| {
        let name = SegmentName::new("assorted");
        let shared = SynchronizedAssorted::create(&name, Assorted::of(0)).unwrap();
        assert_eq!(shared.load().unwrap(), Assorted::of(0));
        let ways = [
            ("store", 1),
            ("update", 1),
            ("setters", 23 + 2),
            ("update-fields", 23),
            ("parts", 23 + 5 + 1 + 3),
            ("guard-store", 1),
            ("guard-update", 1),
            ("guard-setters", 1),
            ("guard-update-fields", 1),
            ("guard-parts", 1),
        ];
        let mut version = 0;
        for (seed, (way, commits)) in (1..).zip(ways) {
            worker("accessors", [&*name, &u8::to_string(&seed), way]).finish();
            let expected = Assorted::of(seed);
            assert_eq!(shared.load().unwrap(), expected, "by {way}");
            assert_eq!(shared.get(), expected, "by {way}");
            assert_eq!(read_fields!(shared), expected, "by {way}");
            assert_eq!((shared.spans(), shared.grid()), (expected.spans, expected.grid), "by {way}");
            let guard = shared.lock().unwrap();
            assert_eq!(guard.load().unwrap(), expected, "by {way}");
            assert_eq!(read_fields!(guard), expected, "by {way}");
            drop(guard);
            version += commits;
            assert_eq!(shared.version(), version, "by {way}");
        }
    });
}

/// A write beyond the end of a field would change the field behind it.
#[test]
fn a_setter_changes_its_field_only() {
    in_time(|| {
        let shared = SynchronizedAssorted::new(Assorted::of(1)).unwrap();
        let other = Assorted::of(2);
        let mut expected = Assorted::of(1);
        /// Sets one field after the other, and compares the whole value each time.
        macro_rules! set {
            ($($field:ident by $setter:ident),*) => {$(
                shared.$setter(other.$field).unwrap();
                expected.$field = other.$field;
                assert_eq!(shared.load().unwrap(), expected, "after {}", stringify!($setter));
            )*};
        }
        set!(
            tiny by set_tiny, letter by set_letter, mode by set_mode, short by set_short, change by set_change,
            is_on by set_is_on, ratio by set_ratio, pair by set_pair, city by set_city, level by set_level,
            tint by set_tint, grid by set_grid, limits by set_limits, index by set_index, last by set_last
        );
        shared.in_spans().set_at(1, other.spans[1]).unwrap();
        expected.spans[1] = other.spans[1];
        shared.update_grid(|grid| grid[1][2] = 77).unwrap();
        expected.grid[1][2] = 77;
        assert_eq!(shared.load().unwrap(), expected);
    });
}

/// An index that is not checked would reach into the next field.
#[test]
fn an_index_out_of_range_panics() {
    in_time(|| {
        let shared = SynchronizedAssorted::new(Assorted::of(1)).unwrap();
        let whole = Synchronized::new([1_u8, 2, 3]).unwrap();
        let accesses: [&dyn Fn(); 7] = [
            &|| _ = shared.in_spans().at(2),
            &|| _ = shared.in_spans().set_at(2, Assorted::of(2).spans[0]),
            &|| _ = shared.in_grid().at(usize::MAX),
            &|| _ = shared.lock().unwrap().in_spans().at(2),
            &|| _ = shared.lock().unwrap().in_grid().set_at(2, [0; 3]),
            &|| _ = whole.at(3),
            &|| _ = whole.set_at(usize::MAX, 0),
        ];
        for access in accesses {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(access)).unwrap_err();
            let message = panicked.downcast_ref::<String>().expect("a message");
            assert!(message.contains("the index is") && message.contains("elements"), "{message}");
        }
        assert_eq!((shared.load().unwrap(), whole.get()), (Assorted::of(1), [1, 2, 3]));
        assert_eq!(shared.version(), 0);
    });
}

/// Writes values, and opens them again as another process would.
#[track_caller]
fn arrive<T: SharedValue + PartialEq + std::fmt::Debug>(values: &[T]) {
    let name = SegmentName::new("arrive");
    let created = Synchronized::create(&name, values[0]).unwrap();
    drop(created);
    let opened = Synchronized::<T>::open(&name).unwrap();
    assert_eq!(opened.get(), values[0]);
    for value in values {
        opened.set(*value).unwrap();
        assert_eq!(opened.load().unwrap(), *value);
        opened.update(|shared| assert_eq!(shared, value)).unwrap();
    }
}

/// A type whose bits change on the way would come back as another value.
#[test]
fn a_value_of_every_type_arrives() {
    in_time(|| {
        arrive(&[i8::MIN, -1, i8::MAX]);
        arrive(&[u8::MAX, 0]);
        arrive(&[i16::MIN, -1]);
        arrive(&[u16::MAX]);
        arrive(&[i32::MIN, -1]);
        arrive(&[u32::MAX]);
        arrive(&[i64::MIN, -1]);
        arrive(&[u64::MAX]);
        arrive(&[isize::MIN]);
        arrive(&[usize::MAX]);
        arrive(&[f32::MIN_POSITIVE, f32::INFINITY, -0.0]);
        arrive(&[f64::MAX, f64::EPSILON]);
        arrive(&[true, false]);
        arrive(&['\0', 'ß', '\u{d7ff}', '\u{e000}', char::MAX]);
        arrive(&[NonZeroU64::MAX, NonZeroU64::MIN]);
        arrive(&[None, NonZeroI16::new(-3), Some(NonZeroI16::MAX)]);
        arrive(&[Mode::Idle, Mode::Busy]);
        arrive(&[Level::Frost, Level::Cold, Level::Warm]);
        arrive(&[Meters(1.5)]);
        arrive(&[Pair(1, -2)]);
        arrive(&[Pod([1.0_f32, 2.0, 3.0])]);
        arrive(&[City::new("Zürich").unwrap(), City::default(), City::new("123456789012").unwrap()]);
        arrive(&[[[1_u16; 5]; 3], [[0; 5]; 3], [[u16::MAX; 5]; 3]]);
        arrive(&[[true; 7], [false; 7]]);
        arrive(&[[1_u8; 1], [0; 1]]);
        arrive(&[[5_u8; 4097]]);
        arrive(&[[Padded::of(3), Padded::of(5)]]);
        assert!(f64::from_bits(0x7ff8_0000_dead_beef).is_nan());
        let nan = Synchronized::new(f64::from_bits(0x7ff8_0000_dead_beef)).unwrap();
        assert_eq!(nan.get().to_bits(), 0x7ff8_0000_dead_beef, "no bit of a NaN is lost");
    });
}

/// A generic struct must use the offsets of the type that it was made for.
#[test]
fn a_generic_value_arrives() {
    in_time(|| {
        let name = SegmentName::new("generic");
        let spans = Assorted::of(1).spans;
        let value = Labelled { label: FixedStr::<5>::new("span").unwrap(), value: spans[0], history: [spans[1]; 3] };
        let shared = SynchronizedLabelled::create(&name, value).unwrap();
        let opened = SynchronizedLabelled::<Span, 5>::open(&name).unwrap();
        assert_eq!(opened.load().unwrap(), value);
        opened.in_history().set_at(2, spans[0]).unwrap();
        opened.update_value(|span| span.start = 9).unwrap();
        opened.set_label(FixedStr::new("other").unwrap()).unwrap();
        assert_eq!((shared.in_history().at(1), shared.in_history().at(2)), (spans[1], spans[0]));
        assert_eq!((shared.value(), &*shared.label()), (Span { start: 9, ..spans[0] }, "other"));
        let narrow = Labelled { label: FixedStr::<1>::new("n").unwrap(), value: 1_u8, history: [2, 3, 4] };
        let narrow = SynchronizedLabelled::new(narrow).unwrap();
        narrow.in_history().set_at(0, 9).unwrap();
        assert_eq!((narrow.value(), narrow.history(), &*narrow.label()), (1, [9, 3, 4], "n"));
        assert!(SynchronizedLabelled::<u64, 5>::open(&name).is_err());
    });
}

/// Newtypes, tuple structs and enums have handles too.
#[test]
fn newtypes_tuples_and_enums_have_handles() {
    in_time(|| {
        let meters = SynchronizedMeters::new(Meters(1.0)).unwrap();
        meters.set_field_0(2.0).unwrap();
        meters.update_field_0(|meters| *meters *= 2.0).unwrap();
        assert_eq!(meters.get(), Meters(4.0));
        let pair = SynchronizedPair::new(Pair(1, 2)).unwrap();
        pair.update_field_1(|number| *number = -7).unwrap();
        pair.lock().unwrap().set_field_0(9).unwrap();
        assert_eq!((pair.field_0(), pair.field_1(), pair.get()), (9, -7, Pair(9, -7)));
        let level = SynchronizedLevel::new(Level::Cold).unwrap();
        level.update(|level| *level = Level::Frost).unwrap();
        assert_eq!(level.get(), Level::Frost);
    });
}

/// A text that is cut, or that holds a NUL, would come back as another text.
#[test]
fn text_that_does_not_fit_is_refused() {
    in_time(|| {
        assert_eq!(City::new("1234567890123"), Err(FixedStrError::TooLong { length: 13, capacity: 12 }));
        assert_eq!(City::new("a\0b"), Err(FixedStrError::Nul { position: 1 }));
        let longer = City::new("abcdefgh").unwrap();
        let shared = Synchronized::new(longer).unwrap();
        shared.set(City::new("xy").unwrap()).unwrap();
        assert_eq!(&*shared.get(), "xy", "the longer text is gone");
    });
}

/// `Debug` prints by the layout: a wrong offset would mislead its reader.
#[test]
fn debug_prints_the_value() {
    in_time(|| {
        let shared = SynchronizedPadded::new(Padded::of(1)).unwrap();
        let text = format!("{shared:?}");
        for part in ["Synchronized", "(anonymous)", "head: 1", "half: 257", "is_set: true", "version: 0", "Free"] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        let assorted = SynchronizedAssorted::new(Assorted::of(1)).unwrap();
        let guard = assorted.lock().unwrap();
        for text in [format!("{assorted:?}"), format!("{guard:?}")] {
            for part in
                ["tiny: -1", "letter: '\u{1f601}'", "city: \"Zürich\"", "mode: Busy", "level: Frost", "Meters(1.5)"]
            {
                assert!(text.contains(part), "`{part}` is not in {text}");
            }
        }
    });
}

/// A guard prints the value as its thread sees it, and the current value of atomic fields.
#[test]
fn debug_of_a_guard_prints_current_atomic_fields() {
    in_time(|| {
        use shared_value_tests::values::{Account, SynchronizedAccount};

        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        account.requests().fetch_add(42);
        let guard = account.lock().unwrap();
        guard.set_balance(77).unwrap();
        for text in [format!("{account:?}"), format!("{guard:?}")] {
            assert!(text.contains("requests: 42") && text.contains("balance: 77"), "{text}");
        }
    });
}

/// Tools read fields by the layout: a wrong offset would give them other bytes.
#[test]
fn layouts_tell_the_truth() {
    in_time(|| {
        let Kind::Struct { fields } = Assorted::LAYOUT.kind() else { panic!("it is a struct") };
        let offset = |name: &str| fields.iter().find(|field| field.name() == name).expect("it has that field").offset();
        assert_eq!(offset("letter"), std::mem::offset_of!(Assorted, letter));
        assert_eq!(offset("type"), std::mem::offset_of!(Assorted, r#type));
        assert_eq!(offset("last"), std::mem::offset_of!(Assorted, last));
        assert_eq!(
            (Assorted::LAYOUT.size(), Assorted::LAYOUT.align()),
            (size_of::<Assorted>(), align_of::<Assorted>())
        );
        let real: usize = fields.iter().map(|field| field.layout().size() - field.layout().padding()).sum();
        assert_eq!(Assorted::LAYOUT.padding(), size_of::<Assorted>() - real);
        assert_eq!(Padded::LAYOUT.padding(), 3 + 2 + 23 * 5 + 3);
        assert!(Assorted::LAYOUT.is_checked() && !Pair::LAYOUT.is_checked());
        let name: fn(&Layout) -> &str = Layout::name;
        assert_eq!(name(Labelled::<u8, 1>::LAYOUT), "Labelled");
    });
}
