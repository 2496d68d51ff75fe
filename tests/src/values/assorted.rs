//! `Assorted`: one field of every kind.

use std::num::{NonZeroI16, NonZeroU32};

use shared_value::{FixedStr, SharedValue};

/// One field of every kind that may be shared.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Assorted {
    /// Signed, one byte.
    pub tiny: i8,
    /// Unsigned, two bytes.
    pub short: u16,
    /// Signed, four bytes.
    pub middle: i32,
    /// Unsigned, eight bytes.
    pub long: u64,
    /// Unsigned, the size of a pointer.
    pub index: usize,
    /// Floating point, four bytes.
    pub ratio: f32,
    /// Floating point, eight bytes.
    pub exact: f64,
    /// One bit in a byte.
    pub is_on: bool,
    /// A character.
    pub letter: char,
    /// Text.
    pub city: City,
    /// An enum.
    pub mode: Mode,
    /// An enum with negative numbers.
    pub level: Level,
    /// Never zero.
    pub serial: NonZeroU32,
    /// Zero means `None`.
    pub change: Option<NonZeroI16>,
    /// A newtype.
    pub height: Meters,
    /// A tuple struct.
    pub pair: Pair,
    /// Structs in an array.
    pub spans: [Span; 2],
    /// An array of arrays.
    pub grid: [[u8; 3]; 2],
    /// A struct in a struct.
    pub limits: Limits,
    /// A type of another crate, which does not implement `SharedValue`.
    #[shared(pod)]
    pub tint: Rgb,
    /// A field with a keyword as its name.
    pub r#type: u8,
    /// Unsigned, four bytes.
    pub last: u32,
    /// A newtype of an enum.
    pub shade: Shade,
}

/// Text of at most 12 bytes.
pub type City = FixedStr<12>;

/// An activity.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Mode {
    /// Idle.
    Idle = 0,
    /// Busy.
    Busy = 7,
}

/// A temperature; some discriminants are negative.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(i16)]
pub enum Level {
    /// Far below zero.
    Frost = -300,
    /// Just below zero.
    Cold = -1,
    /// Above zero.
    Warm = 300,
}

/// A length in meters.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Meters(
    /// The number of meters.
    pub f64,
);

/// Two numbers without names.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Pair(
    /// The first.
    pub u8,
    /// The second.
    pub i64,
);

/// A range with an activity.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Span {
    /// The activity.
    pub mode: Mode,
    /// The start of the range.
    pub start: u32,
    /// The end of the range.
    pub end: Meters,
}

/// A struct in a struct in a struct.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Limits {
    /// Whether the limits apply.
    pub is_set: bool,
    /// The range of the limits.
    pub span: Span,
}

/// A color of a crate that does not use this library.
#[derive(bytemuck::Pod, bytemuck::Zeroable, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Rgb {
    /// Red.
    pub red: u16,
    /// Green.
    pub green: u16,
    /// Blue.
    pub blue: u16,
}

/// A color with a name.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub enum Color {
    /// Blue.
    Blue = 3,
    /// Green.
    Green = 0x8000_0000,
}

/// A newtype of an enum.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Shade {
    /// The color.
    pub color: Color,
}

impl Assorted {
    /// Makes a value each field of which differs between neighboring small seeds.
    pub fn of(seed: u8) -> Self {
        let is_odd = seed % 2 == 1;
        let mode = if is_odd { Mode::Busy } else { Mode::Idle };
        let span = |add: u8| Span { mode, start: u32::from(seed) << 20, end: Meters(f64::from(seed) + f64::from(add)) };
        Self {
            tiny: -seed.cast_signed(),
            short: u16::from(seed) << 8 | 3,
            middle: -i32::from(seed) << 16,
            long: u64::MAX - u64::from(seed),
            index: usize::from(seed) << 40,
            ratio: f32::from(seed) / 2.0,
            exact: -f64::from(seed) / 3.0,
            is_on: is_odd,
            letter: char::from_u32(0x1_f600 + u32::from(seed)).unwrap_or_default(),
            city: City::new(if is_odd { "Zürich" } else { "" }).unwrap_or_default(),
            mode,
            level: if is_odd { Level::Frost } else { Level::Warm },
            serial: NonZeroU32::MIN.saturating_add(seed.into()),
            change: NonZeroI16::new(if is_odd { -i16::from(seed) } else { 0 }),
            height: Meters(f64::from(seed) * 1.5),
            pair: Pair(seed, i64::MIN + i64::from(seed)),
            spans: [span(0), span(1)],
            grid: [[seed, seed + 1, seed + 2], [seed + 3, seed + 4, seed + 5]],
            limits: Limits { is_set: !is_odd, span: span(2) },
            tint: Rgb { red: seed.into(), green: u16::from(seed) << 8, blue: !u16::from(seed) },
            r#type: seed ^ 0xff,
            last: u32::from(seed) + 1_000_000,
            shade: Shade { color: if is_odd { Color::Green } else { Color::Blue } },
        }
    }
}
