//! The reader in Python that the page shows.

use std::num::{NonZeroI16, NonZeroU8, NonZeroU64};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{FixedStr, Id, SharedArray, SharedDuration, SharedOption, SharedValue, Synchronized, Timestamp};
use shared_value_tests::values::{Assorted, Level, Meters, Padded, PageTwins};
use shared_value_tests::{DEADLINE, SegmentFile, SegmentName, python_with};

use crate::page;
use crate::samples::{Edge, Far, Foreign, Gauges, Hits, Job, Pages, Row, Table, Version, Wrapped, names};

/// Large enough for marks, which lie before the atomic area.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Large {
    name: FixedStr<4>,
    #[shared(atomic)]
    hits: u64,
    numbers: [u16; 301],
    #[shared(atomic)]
    balance: i64,
}

/// A version whose reserved bytes are plain bytes for numpy.
fn version() -> String {
    let void = |length: usize| format!("b'{}'", r"\x00".repeat(length));
    let limit = format!("{{'cents': 7, 'spare': {}}}", void(4));
    format!("{{'number': 7, 'more': [{0}, {0}], 'limits': [{limit}, {limit}], 'spare': {1}}}", void(3), void(5))
}

/// Runs the reader of the page with `reader.py` behind it.
fn run(python: &str, arguments: impl IntoIterator<Item = PathBuf>) -> Output {
    let program = format!("{}\n{}", page::block("python"), include_str!("reader.py"));
    let mut command = Command::new(python);
    command.args(["-W", "error", "-c", &program]).args(arguments).env("PYTHONIOENCODING", "utf-8").output().unwrap()
}

/// The reader must stay short enough to be read as a part of the page.
#[test]
fn the_reader_has_thirty_lines() {
    let lines = page::block("python").lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 30, "{lines} lines");
}

/// If the reader or the page were wrong about the bytes, numpy would see other values than the program wrote.
#[test]
fn python_reads_what_was_committed() {
    let Some(python) = python_with("numpy") else { return };
    let mut names = Vec::new();
    let mut expected = Vec::new();
    // Each value in its first version and in its second, which lie in different slots.
    macro_rules! values {
        ($($value:expr => $expected:expr;)*) => {$(
            for commits in 0..2 {
                let name = SegmentName::new("reader");
                let value = Synchronized::create(&name, $value).unwrap();
                (0..commits).for_each(|_| value.set($value).unwrap());
                names.push(name);
                expected.push(String::from($expected));
            }
        )*};
    }
    macro_rules! arrays {
        ($($type:ty, $values:expr => $expected:expr;)*) => {$(
            for commits in 0..2 {
                let name = SegmentName::new("reader");
                let array = SharedArray::<$type>::create(&name, $values.to_vec()).unwrap();
                (0..commits).for_each(|_| array.write_slice(0, &$values[..]).unwrap());
                names.push(name);
                expected.push(String::from($expected));
            }
        )*};
    }
    let rgb = r"b'\x01\x00\x02\x00\x03\x00'";
    values! {
        -5_i8 => "-5"; 7_u16 => "7"; i64::MIN => i64::MIN.to_string(); u64::MAX => u64::MAX.to_string();
        -1_isize => "-1"; 3_usize => "3"; 1.5_f32 => "1.5"; -0.1_f64 => "-0.1";
        true => "True"; false => "False"; 'é' => "é"; '\u{1f600}' => "\u{1f600}";
        NonZeroU8::MAX => "255"; NonZeroI16::new(-2) => "-2"; None::<NonZeroI16> => "0";
        Edge::Least => i64::MIN.to_string(); Far::There => u64::MAX.to_string(); Level::Frost => "-300";
        Meters(2.5) => "2.5";
        FixedStr::<12>::new("Zürich").unwrap() => r"b'Z\xc3\xbcrich'";
        [[1_u8, 2, 3], [4, 5, 6]] => "[[1, 2, 3], [4, 5, 6]]";
        [7_u32] => "[7]";
        Row([Level::Cold, Level::Warm, Level::Frost]) => "[-1, 300, -300]";
        Table { rows: [Row([Level::Cold; 3]), Row([Level::Warm; 3])], is_set: true } =>
            "{'rows': [[-1, -1, -1], [300, 300, 300]], 'is_set': True}";
        Wrapped(Hits::of(3)) => hits(3);
        [Wrapped(Hits::of(4)), Wrapped(Hits::of(5))] => format!("[{}, {}]", hits(4), hits(5));
        names::Größe::new() =>
            "{'type': {'u64': 1, 'fn': [2, 3]}, '高さ': 1.5, 'नाम': -4, 'atomic': True, 'Größe': {'u64': 1, 'fn': [2, 3]}}";
        names::Ж::Да => "-1";
        Version::of(7) => version();
        Job::new() => JOB.replace('\n', "");
        [SharedOption::some(3_u32), SharedOption::none()] =>
            "[{'is_some': True, 'value': 3}, {'is_some': False, 'value': 0}]";
        Timestamp::from_nanos(-1) => "-1";
        SharedDuration::MAX => i64::MAX.to_string();
        Id::<u8>::from_bits(NonZeroU64::MAX) => u64::MAX.to_string();
        None::<Id<u8>> => "0";
        Foreign::new() => format!(
            "{{'plain': {rgb}, 'shape': {rgb}, 'named': {rgb}, 'nested': {}, 'text': {rgb}}}",
            format!("b'{}'", r"\x00\x00\x00?\x01\x02\x03\x04".repeat(4)),
        );
    }
    arrays! {
        u16, [1, 2, 3] => "[1, 2, 3]";
        [u8; 2], [[1, 2], [3, 4], [5, 6]] => "[[1, 2], [3, 4], [5, 6]]";
        Wrapped, [Wrapped(Hits::of(6)), Wrapped(Hits::of(7))] => format!("[{}, {}]", hits(6), hits(7));
        names::Ж, [names::Ж::Да, names::Ж::Нет] => "[-1, 1]";
        u64, [0; 0] => "[]";
    }
    assert_reads(&python, &names, &expected);
}

/// If the reader took a draft for the value, or the slots for atomic words, numpy would see other values than other programs.
#[test]
fn python_reads_later_versions_and_atomic_words() {
    let Some(python) = python_with("numpy") else { return };
    let mut names = Vec::new();
    let mut expected = Vec::new();
    let mut add = |name: SegmentName, value: String| {
        names.push(name);
        expected.push(value);
    };

    // A later version, with a draft in the other slot.
    let name = SegmentName::new("reader");
    let shared = Synchronized::create(&name, Assorted::of(2)).unwrap();
    shared.set(Assorted::of(1)).unwrap();
    let assorted = shared.lock().unwrap();
    assorted.set(Assorted::of(4)).unwrap();
    add(name, ASSORTED.replace('\n', ""));

    let name = SegmentName::new("reader");
    let unlocked = Synchronized::options().unlocked().create(&name, 1_u64).unwrap();
    unlocked.set(2).unwrap();
    add(name, "2".to_owned());

    let name = SegmentName::new("reader");
    let padded = Synchronized::create(&name, Padded::of(1)).unwrap();
    padded.set(Padded::of(3)).unwrap();
    add(name, padded_text(&Padded::of(3)));

    // Atomic fields behind small slots and behind marks, and fields of inner structs, which have no words of their own.
    let name = SegmentName::new("reader");
    let counted = Synchronized::create(&name, Hits::of(1)).unwrap();
    counted.total().fetch_add(8);
    counted.balance().fetch_add(-8);
    add(name, hits(9));

    let name = SegmentName::new("reader");
    let gauges = Synchronized::create(&name, Gauges::new()).unwrap();
    gauges.set_plain(6).unwrap();
    gauges.is_on().store(false);
    gauges.are_on().element(1).store(true);
    gauges.count().store(u64::MAX);
    gauges.counts().element(1).fetch_add(5);
    gauges.balance().fetch_add(-10);
    gauges.balances().element(0).store(i64::MIN);
    gauges.mean().store(0.25);
    gauges.means().element(3).fetch_add(1.0);
    add(name, GAUGES.replace('\n', ""));

    let name = SegmentName::new("reader");
    let pages = Synchronized::create(&name, Pages { pages: [[Hits::of(1), Hits::of(2)]], all: 3 }).unwrap();
    pages.all().fetch_add(1);
    add(name, format!("{{'pages': [[{}, {}]], 'all': 4}}", hits(1), hits(2)));

    let name = SegmentName::new("reader");
    let text = FixedStr::new("four").unwrap();
    let large = Synchronized::create(&name, Large { name: text, hits: 1, numbers: [9; 301], balance: -1 }).unwrap();
    large.in_numbers().set_at(300, 10).unwrap();
    large.hits().fetch_add(1);
    large.balance().fetch_add(-1);
    add(name, format!("{{'name': b'four', 'hits': 2, 'numbers': [{}10], 'balance': -2}}", "9, ".repeat(300)));

    assert_reads(&python, &names, &expected);
    drop(assorted);
}

/// Runs the reader on all segments, and compares the values that it prints.
#[track_caller]
fn assert_reads(python: &str, names: &[SegmentName], expected: &[String]) {
    let paths = names.iter().map(SegmentName::path);
    let output = run(python, [PathBuf::from("values")].into_iter().chain(paths));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
}

/// `Hits` of this total.
fn hits(total: i64) -> String {
    format!("{{'name': b'\\xc3\\xa9', 'total': {total}, 'balance': {}}}", -total)
}

/// `Assorted::of(1)`.
const ASSORTED: &str = r"{'tiny': -1, 'short': 259, 'middle': -65536, 'long': 18446744073709551614,
 'index': 1099511627776, 'ratio': 0.5, 'exact': -0.3333333333333333, 'is_on': True, 'letter': '😁',
 'city': b'Z\xc3\xbcrich', 'mode': 7, 'level': -300, 'serial': 2, 'change': -1, 'height': 1.5,
 'pair': {'0': 1, '1': -9223372036854775807},
 'spans': [{'mode': 7, 'start': 1048576, 'end': 1.0}, {'mode': 7, 'start': 1048576, 'end': 2.0}],
 'grid': [[1, 2, 3], [4, 5, 6]],
 'limits': {'is_set': False, 'span': {'mode': 7, 'start': 1048576, 'end': 3.0}},
 'tint': b'\x01\x00\x00\x01\xfe\xff', 'type': 254, 'last': 1000001, 'shade': 2147483648}";

/// `Gauges::new()`, and what the test has changed in it.
const GAUGES: &str = r"{'label': 1, 'is_on': False, 'are_on': [True, True, True], 'count': 18446744073709551615,
 'counts': [3, 9], 'plain': 6, 'balance': -16, 'balances': [-9223372036854775808], 'mean': 0.25,
 'means': [1.5, -2.5, 3.5, 5.5]}";

/// `Job::new()`.
const JOB: &str = r"{'started': 1000000000500000000, 'timeout': -5, 'ended': {'is_some': False, 'value': 0},
 'level': {'is_some': False, 'value': -300},
 'hits': {'is_some': True, 'value': {'is_some': True, 'value': {'name': b'\xc3\xa9', 'total': 1, 'balance': -1}}},
 'next': 0, 'owner': 18446744073709551615}";

fn padded_text(padded: &Padded) -> String {
    let python = |is_set| if is_set { "True" } else { "False" };
    let grains: Vec<_> = padded
        .grains
        .iter()
        .map(|grain| {
            format!("{{'is_set': {}, 'weight': {}, 'size': {}}}", python(grain.is_set), grain.weight, grain.size)
        })
        .collect();
    format!(
        "{{'head': {}, 'number': {}, 'half': {}, 'grains': [{}], 'tail': {:?}}}",
        padded.head,
        padded.number,
        padded.half,
        grains.join(", "),
        padded.tail
    )
}

/// If the reader did not look at the version again, it would return halves of two versions.
#[test]
fn python_reads_whole_versions_while_they_change() {
    const READS: &str = "3000";
    let Some(python) = python_with("numpy") else { return };
    let name = SegmentName::new("reader-twins");
    let twins = Synchronized::create(&name, PageTwins::of(0)).unwrap();
    let is_over = AtomicBool::new(false);
    let (output, commits) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (start, mut number) = (Instant::now(), 0);
            // The deadline ends this if the reader never does.
            while !is_over.load(Relaxed) && start.elapsed() < DEADLINE {
                // Several at once, because two commits may overtake a reader; then a pause, because a reader in Python would
                // never be faster than commits without pauses.
                for _ in 0..4 {
                    number += 1;
                    twins.set(PageTwins::of(number)).unwrap();
                }
                let pause = Instant::now();
                while pause.elapsed() < Duration::from_micros(number % 32) {}
            }
            number
        });
        let output = run(&python, ["twins".into(), name.path(), READS.into()]);
        is_over.store(true, Relaxed);
        (output, writer.join().unwrap())
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert!(seen > 1 && seen <= commits + 1, "{seen} different values, {commits} commits");
}

/// Without these checks, the reader would take a file of another format for a value.
#[test]
fn python_refuses_what_is_no_segment_of_the_format() {
    let Some(python) = python_with("numpy") else { return };
    for (offset, byte) in [(0, 0x88), (8, 1), (12, 1), (16, 4)] {
        let name = SegmentName::new("reader-refuses");
        let _value = Synchronized::create(&name, 1_u64).unwrap();
        SegmentFile::open(name.path()).overwrite(offset, &[byte]);
        let output = run(&python, ["values".into(), name.path()]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains("ValueError"), "byte {offset}: {error}");
    }
}
