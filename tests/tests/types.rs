//! The ready-made types: texts, options, durations, timestamps, and pods that print as their typecodes say.

use std::mem::offset_of;
use std::num::NonZeroU16;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glam::{Mat2, Vec2, Vec3};
use shared_value::{
    Arena, DynData, DynValue, Error, FixedStr, FixedStrError, SharedDuration, SharedOption, SharedValue, Synchronized,
    TimeError, Timestamp,
};
use shared_value_tests::{SegmentFile, SegmentName};

/// None of its numbers is zero.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i16)]
enum Level {
    Low = -2,
    High = 300,
}

/// A struct with padding, parts of which have no zero.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Job {
    urgent: bool,
    levels: [Level; 2],
    serial: NonZeroU16,
    owner: FixedStr<6>,
    cost: f64,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Worker {
    job: SharedOption<Job>,
    levels: [SharedOption<Level>; 3],
    limit: SharedDuration,
    started: SharedOption<Timestamp>,
}

fn job() -> Job {
    Job {
        urgent: true,
        levels: [Level::High, Level::Low],
        serial: NonZeroU16::new(7).unwrap(),
        owner: FixedStr::new("Ada").unwrap(),
        cost: 1.5,
    }
}

fn worker() -> Worker {
    Worker {
        job: SharedOption::none(),
        levels: [Some(Level::High), None, Some(Level::Low)].map(SharedOption::from),
        limit: SharedDuration::from_nanos(-1_500_000),
        started: SharedOption::some(Timestamp::UNIX_EPOCH),
    }
}

/// Without this, an option without a value would hold bits that are not a `T`, and the value could not be read.
#[test]
fn an_option_is_valid_with_and_without_a_value() {
    let shared = SynchronizedWorker::new(worker()).unwrap();
    assert_eq!(shared.load().unwrap(), worker());
    assert!(shared.job().is_none());
    shared.set_job(Some(job()).into()).unwrap();
    assert_eq!(shared.job().get(), Some(job()));
    let taken = shared.update_job(SharedOption::take).unwrap();
    assert_eq!((taken, shared.job()), (Some(job()), SharedOption::none()));
    shared.in_levels().set_at(0, SharedOption::none()).unwrap();
    assert_eq!(shared.levels().map(|level| level.get()), [None, None, Some(Level::Low)]);

    let own = Synchronized::new(SharedOption::<NonZeroU16>::none()).unwrap();
    assert_eq!(own.load().unwrap(), None);
    own.set(NonZeroU16::new(3).into()).unwrap();
    assert_eq!(own.get(), NonZeroU16::new(3));

    let arena = Arena::new(1 << 20).unwrap();
    let held = arena.insert("job", SharedOption::some(job())).unwrap();
    assert_eq!(held.get(), SharedOption::some(job()));
}

/// Without this, equal options would have unequal bytes, or bytes of an old value would stay where none is.
#[test]
fn the_bytes_of_an_option_without_a_value_are_always_the_same() {
    type Option = SharedOption<Job>;
    let name = SegmentName::new("none");
    let shared = Synchronized::create(&name, Option::some(job())).unwrap();
    shared.set(Option::none()).unwrap();
    let segment = SegmentFile::open(name.path());
    let cell = segment.cell(size_of::<Option>());
    let bytes = cell.slots()[usize::try_from(cell.version() & 1).unwrap()].clone();
    let mut expected = vec![0; size_of::<Option>()];
    let value = size_of::<Option>() - size_of::<Job>();
    for (offset, number) in
        [(offset_of!(Job, levels), -2), (offset_of!(Job, levels) + 2, -2), (offset_of!(Job, serial), 1)]
    {
        expected[value + offset..][..2].copy_from_slice(&i16::to_ne_bytes(number));
    }
    assert_eq!(bytes, expected);
}

/// Without this, an option that another process damaged would be undefined behaviour.
#[test]
fn invalid_options_are_refused() {
    let name = SegmentName::new("option");
    let shared = Synchronized::create(&name, SharedOption::some(Level::Low)).unwrap();
    let segment = SegmentFile::open(name.path());
    let cell = segment.cell(size_of::<SharedOption<Level>>());
    let refusal = |message: &str| {
        let error = shared.load().unwrap_err();
        assert!(matches!(error, Error::InvalidBits { .. }), "{error:?}");
        assert_eq!(error.to_string(), message);
    };
    cell.overwrite(0, &[2]);
    refusal("`is_some` holds invalid bits: expected 0 or 1 (bool), found 0x02");
    assert!(format!("{shared:?}").contains("<invalid bool>(Low)"), "{shared:?}");
    cell.overwrite(0, &[0]);
    cell.overwrite(2, &[0, 0]);
    refusal("`value` holds invalid bits: expected Low = -2 or High = 300 (Level), found 0x0000");
}

/// Without this, other languages, and programs without the type, would not see what an option holds.
#[test]
fn an_option_is_a_struct_to_other_readers() {
    assert_eq!(SharedOption::<f64>::TYPECODE, "T{<?:is_some:7x<d:value:}");
    assert_eq!(SharedOption::<[u8; 3]>::TYPECODE, "T{<?:is_some:(3)B:value:}");
    let name = SegmentName::new("readers");
    let _shared = SynchronizedWorker::create(&name, worker()).unwrap();
    let value = DynValue::open(&name).unwrap();
    assert_eq!(value.get("levels[1].is_some").unwrap(), DynData::from(false));
    assert_eq!(value.get("levels[2].value").unwrap().to_string(), "Low");
    assert_eq!(value.get("limit").unwrap().to_string(), "SharedDuration(-1500000)");
    assert_eq!(value.get("job.value.serial").unwrap(), DynData::from(1_u16));
    let schema = SegmentFile::open(name.path()).schema();
    for line in ["levels[].is_some: bool @32", "limit: SharedDuration(i64) @48", "started.value: Timestamp(i64) @64"] {
        assert!(schema.lines().any(|found| found == line), "`{line}` is not in\n{schema}");
    }
}

/// Without this, a `SharedOption` would not compare and print like an `Option`.
#[test]
fn an_option_behaves_like_an_option() {
    let (none, some) = (SharedOption::<u32>::none(), SharedOption::some(0));
    assert_eq!(none, SharedOption::default());
    assert_ne!(none, some);
    assert!(none < some && some < SharedOption::some(1));
    assert_eq!((some, none), (SharedOption::from(Some(0)), SharedOption::from(None)));
    assert_eq!((Option::from(some), none.get()), (Some(0), None));
    assert_eq!(format!("{some:?} {none:?}"), "Some(0) None");
    let mut changed = some;
    *changed.as_mut().unwrap() += 5;
    assert_eq!((changed.take(), changed.as_ref()), (Some(5), None));

    let shared = SynchronizedWorker::new(worker()).unwrap();
    let printed = format!("{shared:?}");
    let expected = "Worker { job: None, levels: [Some(High), None, Some(Low)], limit: -1.5ms, \
                    started: Some(1970-01-01T00:00:00Z) }";
    assert!(printed.contains(expected), "{printed}");
    assert_eq!(format!("{:?}", worker()), expected);
}

/// Without this, a text would be cut in the middle of a character, or keep something behind its NUL.
#[test]
fn texts_are_cut_between_characters() {
    const CITY: FixedStr<6> = FixedStr::truncated("Bern");
    assert_eq!(FixedStr::<4>::truncated("Zürich"), "Zür");
    assert_eq!(FixedStr::<2>::truncated("Zürich"), "Z");
    assert_eq!(FixedStr::<3>::truncated("🦀"), "");
    assert_eq!(FixedStr::<4>::truncated("🦀"), "🦀");
    assert_eq!(FixedStr::<0>::truncated("a"), "");
    assert_eq!(FixedStr::<8>::truncated("ab\0cd"), FixedStr::new("ab").unwrap());
    assert_eq!((CITY.len(), CITY.as_ref()), (4, "Bern"));
}

/// Without this, a text that does not fit would be refused without a reason, or taken.
#[test]
fn texts_are_parsed_and_their_errors_are_errors_of_the_crate() {
    fn parsed(text: &str) -> Result<FixedStr<4>, Error> {
        Ok(text.parse()?)
    }
    assert_eq!(parsed("Bern").unwrap(), "Bern");
    assert!(matches!(parsed("Aarau"), Err(Error::Text(FixedStrError::TooLong { length: 5, capacity: 4 }))));
    assert!(matches!(parsed("a\0"), Err(Error::Text(FixedStrError::Nul { position: 1 }))));
    assert_eq!(parsed("Aarau").unwrap_err().to_string(), "a text of 5 bytes does not fit into a `FixedStr<4>`");
    assert_eq!(FixedStr::<4>::try_from("Bern".to_owned()).map(String::from), Ok("Bern".to_owned()));
}

/// Without this, values would be serialized in an unexpected form, or read back as other values.
#[test]
fn serde_forms() {
    type Text = FixedStr<4>;
    let text = Text::new("Bern").unwrap();
    assert_eq!(serde_json::to_string(&text).unwrap(), "\"Bern\"");
    assert_eq!(serde_json::from_str::<Text>("\"Bern\"").unwrap(), text);
    for (json, message) in [
        ("\"Aarau\"", "a text of 5 bytes does not fit into a `FixedStr<4>` at line 1 column 7"),
        ("\"a\\u0000\"", "a `FixedStr` cannot hold a NUL, found one at byte 1 at line 1 column 9"),
        ("7", "invalid type: integer `7`, expected a text of at most 4 bytes without a NUL at line 1 column 1"),
    ] {
        assert_eq!(serde_json::from_str::<Text>(json).unwrap_err().to_string(), message);
    }
    let options = [SharedOption::some(7_u32), SharedOption::none()];
    assert_eq!(serde_json::to_string(&options).unwrap(), "[7,null]");
    assert_eq!(serde_json::from_str::<[SharedOption<u32>; 2]>("[7,null]").unwrap(), options);
    let times = (SharedDuration::from_nanos(-5), Timestamp::from_nanos(7));
    assert_eq!(serde_json::to_string(&times).unwrap(), "[-5,7]");
    assert_eq!(serde_json::from_str::<(SharedDuration, Timestamp)>("[-5,7]").unwrap(), times);
}

/// Without this, a conversion from or to `Duration` would change the duration.
#[test]
fn durations() {
    fn converted(duration: Duration) -> Result<SharedDuration, Error> {
        Ok(duration.try_into()?)
    }
    let longest = Duration::from_nanos(i64::MAX.unsigned_abs());
    for duration in [Duration::ZERO, Duration::from_millis(1500), longest] {
        assert_eq!(Duration::try_from(converted(duration).unwrap()), Ok(duration));
    }
    let too_long = longest + Duration::from_nanos(1);
    assert!(matches!(converted(too_long), Err(Error::Time(TimeError::TooLong { duration })) if duration == too_long));
    assert_eq!(
        converted(Duration::MAX).unwrap_err().to_string(),
        "a duration of 18446744073709551615.999999999s does not fit into a `SharedDuration`, which holds at most \
         9223372036.854775807s"
    );
    let negative = SharedDuration::from_nanos(-1_000);
    assert_eq!(Duration::try_from(negative), Err(TimeError::Negative { duration: negative }));
    assert_eq!(
        Duration::try_from(negative).unwrap_err().to_string(),
        "a duration of -1µs is negative, but a `std::time::Duration` never is"
    );
    assert_eq!(SharedDuration::MIN.unsigned_abs(), longest + Duration::from_nanos(1));
    assert!(negative < SharedDuration::ZERO && negative.is_negative());
    assert_eq!((SharedDuration::TYPECODE, SharedDuration::LAYOUT.name()), ("<q", "SharedDuration"));
}

/// Without this, a conversion from or to `SystemTime` would change the moment.
#[test]
fn timestamps() {
    let before = SystemTime::now();
    let now = Timestamp::now();
    let after = SystemTime::now();
    assert!((before..=after).contains(&SystemTime::from(now)), "{before:?} {now} {after:?}");
    for nanoseconds in [0, 1, -1, i64::MIN, i64::MAX] {
        let time = Timestamp::from_nanos(nanoseconds);
        assert_eq!(Timestamp::try_from(SystemTime::from(time)), Ok(time));
    }
    let far = UNIX_EPOCH + Duration::from_secs(10_000_000_000);
    assert_eq!(Timestamp::try_from(far), Err(TimeError::OutOfRange { seconds: 10_000_000_000 }));
    let long_ago = UNIX_EPOCH - Duration::from_secs(10_000_000_000);
    assert_eq!(
        Timestamp::try_from(long_ago).unwrap_err().to_string(),
        "a time of -10000000000 s from 1970-01-01 does not fit into a `Timestamp`, which holds the years from 1677 to 2262"
    );
    assert_eq!(
        (Timestamp::saturating_from(far), Timestamp::saturating_from(long_ago)),
        (Timestamp::MAX, Timestamp::MIN)
    );
    assert_eq!(Timestamp::MAX.since(Timestamp::MIN), SharedDuration::MAX);
    assert_eq!(Timestamp::MIN.saturating_add(SharedDuration::MIN), Timestamp::MIN);
    assert!(!now.elapsed().is_negative() && now > Timestamp::UNIX_EPOCH);
    assert_eq!((Timestamp::TYPECODE, Timestamp::LAYOUT.name()), ("<q", "Timestamp"));
}

#[derive(bytemuck::Pod, bytemuck::Zeroable, Clone, Copy)]
#[repr(C)]
struct Foreign {
    id: i16,
    mass: u16,
    tag: [u8; 4],
    letter: u32,
    flag: u8,
    unused: [u8; 3],
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body {
    #[shared(pod)]
    raw: [u8; 2],
    #[shared(pod, typecode = "T{<f:x:<f:y:<f:z:}")]
    speed: Vec3,
    #[shared(pod, typecode = "(1,4)<f")]
    turn: Mat2,
    #[shared(pod, typecode = "(2)T{<f:x:<f}")]
    corners: [Vec2; 2],
    #[shared(pod, typecode = "<2f")]
    size: Vec2,
    #[shared(pod, typecode = "T{<h:id:<e:mass:4s:tag:w:letter:?:flag:3x}")]
    foreign: Foreign,
}

/// Without this, people who look at a value would see the bytes of a vector and not its numbers.
#[test]
fn pods_print_as_their_typecodes_say() {
    let foreign = Foreign { id: -7, mass: 0x3e00, tag: *b"ab\0\0", letter: 'ß'.into(), flag: 1, unused: [0; 3] };
    let body = Body {
        raw: [1, 2],
        speed: Vec3::new(1.0, -0.5, 0.0),
        turn: Mat2::IDENTITY,
        corners: [Vec2::X, Vec2::Y],
        size: Vec2::ONE,
        foreign,
    };
    let shared = SynchronizedBody::new(body).unwrap();
    let printed = format!("{shared:?}");
    let expected = "Body { raw: [1, 2], speed: {x: 1.0, y: -0.5, z: 0.0}, turn: [[1.0, 0.0, 0.0, 1.0]], \
                    corners: [{x: 1.0, 1: 0.0}, {x: 0.0, 1: 1.0}], size: [1.0, 1.0], \
                    foreign: {id: -7, mass: 1.5, tag: \"ab\", letter: 'ß', flag: true} }";
    assert!(printed.contains(expected), "{printed}");
    assert!(format!("{shared:#?}").contains("y: -0.5,\n"), "{shared:#?}");
}
