//! `SharedDuration`: a length of time, as a number of nanoseconds.
#![allow(unsafe_code)]

use core::fmt;
use core::time::Duration;

use crate::layout::metadata::Form;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};

/// A length of time in nanoseconds, which may be negative, from about -292 to 292 years.
///
/// It is an `i64` in shared memory: numpy views it as `m8[ns]`, and the schema names it `SharedDuration(i64)`.
/// [`Duration`] itself has no fixed layout.
///
/// ```
/// use std::time::Duration;
/// use shared_value::{SharedDuration, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Limits { timeout: SharedDuration }
///
/// let limits = SynchronizedLimits::new(Limits { timeout: Duration::from_millis(1500).try_into()? })?;
/// assert_eq!(limits.timeout().to_string(), "1.5s");
/// assert_eq!(Duration::try_from(limits.timeout())?, Duration::from_millis(1500));
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct SharedDuration {
    nanoseconds: i64,
}

/// Why a time or a duration cannot be converted from or to a type of the standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The duration is longer than the longest [`SharedDuration`].
    #[error(
        "a duration of {duration:?} does not fit into a `SharedDuration`, which holds at most {:?}",
        SharedDuration::MAX
    )]
    TooLong {
        /// The duration.
        duration: Duration,
    },
    /// The duration is less than zero, which a [`Duration`] cannot be.
    #[error("a duration of {duration:?} is negative, but a `std::time::Duration` never is")]
    Negative {
        /// The duration.
        duration: SharedDuration,
    },
    /// The time lies before the first or after the last [`Timestamp`](crate::Timestamp).
    #[error(
        "a time of {seconds} s from 1970-01-01 does not fit into a `Timestamp`, which holds the years from 1677 to 2262"
    )]
    OutOfRange {
        /// The whole seconds between 1970-01-01T00:00:00Z and the time; less than zero for earlier times.
        seconds: i128,
    },
}

impl SharedDuration {
    /// The longest duration: 2^63 - 1 nanoseconds.
    pub const MAX: Self = Self::from_nanos(i64::MAX);

    /// The most negative duration: -2^63 nanoseconds, which numpy takes for `NaT`, "not a time".
    pub const MIN: Self = Self::from_nanos(i64::MIN);

    /// No time at all.
    pub const ZERO: Self = Self::from_nanos(0);

    /// Makes a duration of a number of nanoseconds.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// Returns the number of nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.nanoseconds
    }

    /// Converts a duration. Returns [`MAX`](Self::MAX) if the duration is longer than that.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::SharedDuration;
    ///
    /// assert_eq!(SharedDuration::saturating_from(Duration::from_secs(1)).as_nanos(), 1_000_000_000);
    /// assert_eq!(SharedDuration::saturating_from(Duration::MAX), SharedDuration::MAX);
    /// ```
    pub fn saturating_from(duration: Duration) -> Self {
        Self::try_from(duration).unwrap_or(Self::MAX)
    }

    /// Returns the length without its sign.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::SharedDuration;
    ///
    /// assert_eq!(SharedDuration::from_nanos(-5).unsigned_abs(), Duration::from_nanos(5));
    /// ```
    pub const fn unsigned_abs(self) -> Duration {
        Duration::from_nanos(self.nanoseconds.unsigned_abs())
    }

    /// Returns whether the duration is less than zero.
    pub const fn is_negative(self) -> bool {
        self.nanoseconds < 0
    }
}

// SAFETY: the newtype is one integer, which the layout describes. Every integer is a duration.
unsafe impl SharedValue for SharedDuration {
    const FIELDS: &'static [Field] = &[Field::new::<i64>("0", 0)];
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("SharedDuration", Self::FIELDS).printed_as(Form::Duration);

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<i64>(0);
    }
}

impl TryFrom<Duration> for SharedDuration {
    type Error = TimeError;

    /// # Errors
    /// `TooLong` if the duration is longer than [`SharedDuration::MAX`], about 292 years.
    fn try_from(duration: Duration) -> Result<Self, TimeError> {
        i64::try_from(duration.as_nanos()).map(Self::from_nanos).map_err(|_| TimeError::TooLong { duration })
    }
}

impl TryFrom<SharedDuration> for Duration {
    type Error = TimeError;

    /// # Errors
    /// `Negative` if the duration is less than zero.
    fn try_from(duration: SharedDuration) -> Result<Self, TimeError> {
        if duration.is_negative() { Err(TimeError::Negative { duration }) } else { Ok(duration.unsigned_abs()) }
    }
}

/// Prints as [`Duration`]'s `Debug` does, with a sign if it is negative: `1.5s`, `-20ms`.
impl fmt::Display for SharedDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative() {
            formatter.write_str("-")?;
        }
        fmt::Debug::fmt(&self.unsigned_abs(), formatter)
    }
}

/// Prints as `Display` does.
impl fmt::Debug for SharedDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
