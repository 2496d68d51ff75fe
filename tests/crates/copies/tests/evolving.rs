//! Versions of a struct that evolves, in programs that run at once.

use std::io::{BufRead as _, BufReader};
use std::panic;
use std::process::{self, Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use shared_value::{Arena, SharedArray, Synchronized};
use shared_value_copies::evolving::misfits::{MISFITS, Misfit};
use shared_value_copies::evolving::versions::{Counted, MODULUS, Version as _, large, small};
use shared_value_copies::evolving::writer::KEY;

const VERSIONS: [&str; 8] = ["first", "limited", "levelled", "rated", "nested", "flagged", "logged", "full"];

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_evolving"));
    program.env_remove("RUST_BACKTRACE");
    program
}

/// The name of a segment. Dropping this unlinks it.
struct Name(String);

impl Name {
    fn new(label: &str) -> Self {
        Self(format!("shared-value-evolving-{}-{label}", process::id()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = shared_value::unlink(self.0.as_str());
    }
}

fn run(arguments: [&str; 4]) -> Output {
    program().args(arguments).output().expect("the program starts")
}

/// Runs a program that must end well.
#[track_caller]
fn succeed(arguments: [&str; 4]) {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Runs a program that must be refused, and returns its error.
#[track_caller]
fn refused(arguments: [&str; 4]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?} has opened the segment");
    String::from_utf8(output.stderr).expect("errors are text")
}

/// If a pair like these opened, a program would read the bytes of one field as another, or zeros that are not a value.
#[test]
fn versions_that_do_not_fit_are_refused_with_the_field_and_the_reason() {
    assert!(MISFITS.len() >= 40, "{}", MISFITS.len());
    let mut wrong = Vec::new();
    for Misfit { name: pair, reason, field, .. } in MISFITS {
        let name = Name::new(pair);
        succeed([pair, "old", "create", &name.0]);
        let message = refused([pair, "new", "open", &name.0]);
        let expected = format!("Error: `{}` holds another layout: {reason}", name.0);
        if !message.starts_with(&expected) || reason.is_empty() {
            wrong.push(format!("{pair}: {message}"));
        }
        succeed([pair, "old", "open", &name.0]);
        drop(name);

        let name = Name::new(pair);
        succeed([pair, "new", "create", &name.0]);
        let message = refused([pair, "old", "open", &name.0]);
        if !message.contains(" holds another layout: ") || !message.contains(field) {
            wrong.push(format!("{pair}, the other way round, without `{field}`: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join(""));
}

/// The pin and the check at run time have the same rules. If they differed, a struct would compile that does not open.
#[test]
fn a_pin_refuses_what_does_not_open() {
    panic::set_hook(Box::new(|_| {}));
    let held: Vec<_> =
        MISFITS.iter().filter(|misfit| panic::catch_unwind(misfit.pin).is_ok()).map(|misfit| misfit.name).collect();
    let _ = panic::take_hook();
    assert!(held.is_empty(), "these pins hold: {held:?}");
}

/// Reads the counters of a segment.
type Look = Box<dyn Fn() -> Vec<Counted>>;

/// A kind of segment, and how its counters are read.
struct Kind {
    name: &'static str,
    size: &'static str,
    read: fn(&str) -> Look,
}

macro_rules! kinds {
    ($($size:ident)*) => {
        [$(
            Kind { name: "value", size: stringify!($size), read: |name| {
                let value = Synchronized::<$size::full::Account>::open(name).unwrap();
                Box::new(move || vec![$size::counted(&value.load().unwrap())])
            } },
            Kind { name: "array", size: stringify!($size), read: |name| {
                let array = SharedArray::<$size::full::Account>::open(name).unwrap();
                Box::new(move || array.to_vec().unwrap().iter().map($size::counted).collect())
            } },
            Kind { name: "arena", size: stringify!($size), read: |name| {
                let arena = Arena::open(name).unwrap();
                let value = arena.get::<$size::full::Account>(KEY).unwrap().unwrap();
                Box::new(move || vec![$size::counted(&value.load().unwrap())])
            } },
        )*]
    };
}

fn known(version: &str) -> u8 {
    macro_rules! known {
        ($($version:ident)*) => {
            match version {
                $(stringify!($version) => small::$version::Account::KNOWN,)*
                other => panic!("there is no version {other}"),
            }
        };
    }
    known!(first limited levelled rated nested flagged logged full)
}

/// The steps of two versions, as far as the counters tell them, and those of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steps {
    own: [Option<u64>; 2],
    common: u64,
}

/// Checks that each version has counted its steps in all its counters, and in no other.
fn steps(counted: &Counted, versions: [&str; 2]) -> Steps {
    let common = counted.common[0];
    assert!(counted.common.iter().all(|count| *count == common), "{versions:?}: {counted:?}");
    let mut own = [None; 2];
    for (bit, counts) in counted.others.iter().enumerate() {
        let count = counts[0];
        assert!(counts.iter().all(|part| *part == count), "{versions:?}: a part of counter {bit}: {counted:?}");
        match versions.map(|version| known(version) >> bit & 1 == 1) {
            [true, true] => assert_eq!(count, common, "{versions:?}: counter {bit} of both: {counted:?}"),
            [false, false] => assert_eq!(count, 0, "{versions:?}: counter {bit} of neither: {counted:?}"),
            [is_first, _] => {
                let steps = &mut own[usize::from(!is_first)];
                assert_eq!(*steps.get_or_insert(count), count, "{versions:?}: counter {bit} of one: {counted:?}");
            }
        }
    }
    if let [Some(one), Some(other)] = own {
        assert_eq!((one + other) % MODULUS, common, "{versions:?}: {counted:?}");
    }
    Steps { own, common }
}

/// A process that steps until it is killed.
struct Writer(Child);

impl Writer {
    fn start(version: &str, kind: &Kind, name: &str) -> Self {
        let version = format!("{}-{version}", kind.size);
        let child = program().args([&version, "write", kind.name, name]).stdout(Stdio::piped()).spawn();
        let mut writer = Self(child.expect("the program starts"));
        let mut line = String::new();
        BufReader::new(writer.0.stdout.take().expect("it is piped")).read_line(&mut line).expect("it can be read");
        assert_eq!(line, "ready\n", "{version} does not open a {} of another version", kind.name);
        writer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let ended = self.0.try_wait().expect("it is a child");
        let _ = self.0.kill();
        let _ = self.0.wait();
        if !thread::panicking() {
            assert!(ended.is_none(), "it ended before it was killed: {ended:?}");
        }
    }
}

/// Two versions write one value at once, while one after the other is killed.
fn live_together(kind: &Kind, versions: [&str; 2], random: &mut fastrand::Rng) {
    let name = Name::new(&format!("{}-{}-{}-{}", kind.size, kind.name, versions[0], versions[1]));
    let Name(segment) = &name;
    succeed([&format!("{}-{}", kind.size, versions[0]), "create", kind.name, segment]);
    let read = (kind.read)(segment);
    let look = || read().iter().map(|counted| steps(counted, versions)).collect::<Vec<_>>();
    let mut writers = versions.map(|version| Some(Writer::start(version, kind, segment)));
    for _ in 0..2 {
        // Until both have made a step, as far as that can be seen.
        let before = look();
        let is_moved = |now: &[Steps]| {
            now.iter().zip(&before).all(|(now, before)| {
                let own = now.own.iter().zip(before.own).all(|(now, before)| now.is_none() || *now != before);
                own && now.common != before.common
            })
        };
        let start = std::time::Instant::now();
        while !is_moved(&look()) {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{} {} {versions:?}: no step is made",
                kind.size,
                kind.name
            );
            thread::yield_now();
        }
        thread::sleep(Duration::from_micros(random.u64(0..1000)));
        let killed = random.usize(0..2);
        writers[killed] = None;
        look();
        writers[killed] = Some(Writer::start(versions[killed], kind, segment));
    }
    drop(writers);
    look();
}

/// If a version wrote bytes that are not its own, counters of the other version would go back, or lose steps.
#[test]
fn versions_that_fit_live_together() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut pairs = 0;
    for kind in &kinds!(small large) {
        for first in VERSIONS {
            for second in VERSIONS {
                live_together(kind, [first, second], &mut random);
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 6 * 64);
}
