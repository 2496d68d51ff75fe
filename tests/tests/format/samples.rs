//! A schema of every kind that the library writes, as it stands in the file of a segment.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64,
    NonZeroUsize,
};

use shared_value::{
    Arena, Capacity, Dyn, FixedStr, Id, Lock, Pod, RLock, Reserved, SharedArray, SharedBytes, SharedDuration,
    SharedOption, SharedString, SharedValue, SharedVec, Synchronized, Timestamp,
};
use shared_value_tests::values::{Account, Assorted, City, Labelled, Level, Meters, Padded, Rgb, Span, Tally};
use shared_value_tests::{SegmentFile, SegmentName};

/// Foreign types without a typecode, and with typecodes of every form.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Foreign {
    #[shared(pod)]
    pub(crate) plain: Rgb,
    #[shared(pod, typecode = "(3)<H")]
    pub(crate) shape: Rgb,
    #[shared(pod, typecode = "T{<H:red:<H:green:<H:@ 2:}")]
    pub(crate) named: Rgb,
    #[shared(pod, typecode = "(2,2)T{<f:x:T{B:größe:3x}:in:}")]
    pub(crate) nested: [[Nested; 2]; 2],
    #[shared(pod, typecode = "6s")]
    pub(crate) text: Rgb,
}

#[derive(bytemuck::Pod, bytemuck::Zeroable, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Nested {
    pub(crate) x: f32,
    pub(crate) inner: [u8; 4],
}

/// Numbers at the ends of their ranges, in both directions.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(i64)]
pub(crate) enum Edge {
    Least = i64::MIN,
    Zero = 0,
    Most = i64::MAX,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u64)]
pub(crate) enum Far {
    Here = 0,
    There = u64::MAX,
}

/// Names that are keywords, of other scripts, or those of scalars.
#[allow(non_camel_case_types, non_snake_case)]
pub(crate) mod names {
    use super::SharedValue;

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct u64 {
        pub(crate) u64: u8,
        pub(crate) r#fn: [u16; 2],
    }

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct Größe {
        pub(crate) r#type: u64,
        pub(crate) 高さ: f64,
        pub(crate) नाम: i32,
        pub(crate) atomic: bool,
        pub(crate) Größe: u64,
    }

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(i8)]
    pub(crate) enum Ж {
        Да = -1,
        Нет = 1,
    }
}

/// Atomic fields in a struct that is a value, and in one that is not.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Hits {
    pub(crate) name: FixedStr<3>,
    #[shared(atomic)]
    pub(crate) total: u64,
    #[shared(atomic)]
    pub(crate) balance: i64,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Pages {
    pub(crate) pages: [[Hits; 2]; 1],
    #[shared(atomic)]
    pub(crate) all: u64,
}

/// Every type that an atomic field can have.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Gauges {
    pub(crate) label: u8,
    #[shared(atomic)]
    pub(crate) is_on: bool,
    #[shared(atomic)]
    pub(crate) are_on: [bool; 3],
    #[shared(atomic)]
    pub(crate) count: u64,
    #[shared(atomic)]
    pub(crate) counts: [u64; 2],
    pub(crate) plain: u16,
    #[shared(atomic)]
    pub(crate) balance: i64,
    #[shared(atomic)]
    pub(crate) balances: [i64; 1],
    #[shared(atomic)]
    pub(crate) mean: f64,
    #[shared(atomic)]
    pub(crate) means: [f64; 4],
}

/// The types of this library that are made of others.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Job {
    pub(crate) started: Timestamp,
    pub(crate) timeout: SharedDuration,
    pub(crate) ended: SharedOption<Timestamp>,
    pub(crate) level: SharedOption<Level>,
    pub(crate) hits: SharedOption<SharedOption<Hits>>,
    pub(crate) next: Option<Id<Job>>,
    pub(crate) owner: Id<[u8]>,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub(crate) struct Wrapped(pub(crate) Hits);

/// An array in a newtype in an array.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub(crate) struct Row(pub(crate) [Level; 3]);

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(32))]
pub(crate) struct Table {
    pub(crate) rows: [Row; 2],
    pub(crate) is_set: bool,
}

/// A struct that evolves, with another one in an array.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[shared(evolves)]
pub(crate) struct Version {
    pub(crate) number: u16,
    pub(crate) more: [Reserved<3>; 2],
    pub(crate) limits: [Limit; 2],
    pub(crate) spare: Reserved<5>,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[shared(evolves)]
pub(crate) struct Limit {
    pub(crate) cents: u32,
    pub(crate) spare: Reserved<4>,
}

impl Version {
    pub(crate) fn of(number: u16) -> Self {
        let limit = Limit { cents: number.into(), spare: Reserved::new() };
        Self { number, more: [Reserved::new(); 2], limits: [limit; 2], spare: Reserved::new() }
    }
}

impl Hits {
    pub(crate) fn of(total: u64) -> Self {
        Self { name: FixedStr::new("é").unwrap(), total, balance: -total.cast_signed() }
    }
}

impl Gauges {
    pub(crate) fn new() -> Self {
        Self {
            label: 1,
            is_on: true,
            are_on: [true, false, true],
            count: 2,
            counts: [3, 4],
            plain: 5,
            balance: -6,
            balances: [-7],
            mean: 0.5,
            means: [1.5, -2.5, 3.5, 4.5],
        }
    }
}

impl Job {
    pub(crate) fn new() -> Self {
        Self {
            started: Timestamp::from_nanos(1_000_000_000_500_000_000),
            timeout: SharedDuration::from_nanos(-5),
            ended: SharedOption::none(),
            level: SharedOption::none(),
            hits: SharedOption::some(SharedOption::some(Hits::of(1))),
            next: None,
            owner: Id::from_bits(NonZeroU64::MAX),
        }
    }
}

impl Foreign {
    pub(crate) fn new() -> Self {
        let rgb = Rgb { red: 1, green: 2, blue: 3 };
        let nested = Nested { x: 0.5, inner: [1, 2, 3, 4] };
        Self { plain: rgb, shape: rgb, named: rgb, nested: [[nested; 2]; 2], text: rgb }
    }
}

impl names::Größe {
    pub(crate) fn new() -> Self {
        let number = || names::u64 { u64: 1, r#fn: [2, 3] };
        Self { r#type: number(), 高さ: 1.5, नाम: -4, atomic: true, Größe: number() }
    }
}

/// Every sample.
pub(crate) fn schemas() -> Vec<String> {
    let mut schemas = Vec::new();
    macro_rules! values {
        ($($value:expr),* $(,)?) => {$(
            let name = SegmentName::new("schemas");
            let _value = Synchronized::create(&name, $value).unwrap();
            schemas.push(SegmentFile::open(name.path()).schema());
        )*};
    }
    macro_rules! arrays {
        ($($values:expr),* $(,)?) => {$(
            let name = SegmentName::new("schemas");
            let _array = SharedArray::create(&name, $values.to_vec()).unwrap();
            schemas.push(SegmentFile::open(name.path()).schema());
        )*};
    }
    macro_rules! numbers {
        ($($number:ty),* $(,)?) => { values![$(<$number>::default()),*]; };
    }
    macro_rules! nonzero {
        ($($number:ty),* $(,)?) => { values![$(<$number>::MIN, Some(<$number>::MIN), None::<$number>),*]; };
    }
    numbers![i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64, bool, char];
    nonzero![
        NonZeroI8,
        NonZeroI16,
        NonZeroI32,
        NonZeroI64,
        NonZeroIsize,
        NonZeroU8,
        NonZeroU16,
        NonZeroU32,
        NonZeroU64,
        NonZeroUsize,
    ];
    values![
        [1_u32, 2, 3],
        [[1.5_f32; 3]; 2],
        City::default(),
        [City::default(); 2],
        Level::Cold,
        Edge::Least,
        Far::There,
        names::Ж::Да,
        Meters(1.5),
        Row([Level::Cold; 3]),
        Pod(Rgb { red: 1, green: 2, blue: 3 }),
        [Pod(1_u64); 2],
        Account::after(1),
        Assorted::of(1),
        Padded::of(1),
        Tally::default(),
        Labelled { label: FixedStr::<5>::default(), value: Meters(1.0), history: [Meters(2.0); 3] },
        Labelled { label: FixedStr::<1>::default(), value: [true; 2], history: [[true; 2]; 3] },
        Foreign::new(),
        [Foreign::new(); 2],
        names::Größe::new(),
        Hits::of(1),
        Pages { pages: [[Hits::of(1), Hits::of(2)]], all: 3 },
        Wrapped(Hits::of(1)),
        [Wrapped(Hits::of(1)); 2],
        Gauges::new(),
        [Gauges::new(); 2],
        Job::new(),
        SharedOption::some(1_u32),
        SharedOption::<[bool; 3]>::none(),
        [SharedOption::some(NonZeroI8::MIN); 2],
        SharedDuration::ZERO,
        [Timestamp::UNIX_EPOCH; 2],
        Id::<u8>::from_bits(NonZeroU64::MIN),
        None::<Id<Dyn>>,
        Table { rows: [Row([Level::Cold; 3]); 2], is_set: true },
        Version::of(1),
        [Version::of(1)],
    ];
    arrays![
        [1_u64; 3],
        [[1_u8; 3]; 2],
        [Level::Frost],
        [Assorted::of(1); 2],
        [Foreign::new()],
        [Wrapped(Hits::of(1))],
        [names::Größe::new()],
        [Pod([1.5_f32; 2]); 2],
        [None::<NonZeroI16>],
        [City::default()],
        [Gauges::new()],
        [Job::new()],
        [SharedOption::some(1_u16)],
        [Timestamp::UNIX_EPOCH],
        [None::<Id<u8>>],
        [Version::of(1).limits[0]],
    ];
    let locks = [SegmentName::new("schemas"), SegmentName::new("schemas")];
    let _locks = (RLock::create(&locks[0]).unwrap(), Lock::create(&locks[1]).unwrap());
    schemas.extend(locks.iter().map(|name| SegmentFile::open(name.path()).schema()));
    schemas.extend(in_an_arena());
    schemas.extend(of_vectors());
    schemas
}

/// The schemas of values whose length changes.
fn of_vectors() -> Vec<String> {
    let names = [(); 4].map(|()| SegmentName::new("schemas"));
    let _numbers = SharedVec::<u64>::create(&names[0], Capacity(3)).unwrap();
    let _structs = SharedVec::<Assorted>::create(&names[1], Capacity(3)).unwrap();
    let _text = SharedString::create(&names[2], Capacity(3)).unwrap();
    let _bytes = SharedBytes::create(&names[3], Capacity(3)).unwrap();
    names.iter().map(|name| SegmentFile::open(name.path()).schema()).collect()
}

/// The schema of an arena, and those of the values in it, from its type entries.
fn in_an_arena() -> Vec<String> {
    let name = SegmentName::new("schemas");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    arena.insert("assorted", Assorted::of(1)).unwrap();
    arena.insert("foreign", Foreign::new()).unwrap();
    arena.insert("spans", vec![Span { mode: Assorted::of(1).mode, start: 1, end: Meters(2.0) }]).unwrap();
    let id = arena.alloc(Wrapped(Hits::of(1))).unwrap();
    arena.insert("the other", id).unwrap();
    let schemas = crate::arena::Walk::of(&name).schemas();
    assert_eq!(schemas.len(), 5);
    [SegmentFile::open(name.path()).schema()].into_iter().chain(schemas).collect()
}
