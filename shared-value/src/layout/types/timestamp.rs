//! `Timestamp`: a moment, as a number of nanoseconds since 1970.
#![allow(unsafe_code)]

use core::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::layout::metadata::Form;
use crate::layout::{Field, FieldVisitor, Layout, SharedDuration, SharedValue, TimeError};

/// A moment in nanoseconds since 1970-01-01T00:00:00 UTC, without leap seconds, in the years from 1677 to 2262.
///
/// It is an `i64` in shared memory: numpy views it as `M8[ns]`, and the schema names it `Timestamp(i64)`. [`SystemTime`]
/// itself has no fixed layout. Like a `SystemTime`, a timestamp is read from the machine's clock, which may be set back: a
/// later reading may be smaller.
///
/// ```
/// use std::time::SystemTime;
/// use shared_value::{SharedOption, SharedValue, Timestamp};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Job { started: Timestamp, ended: SharedOption<Timestamp> }
///
/// let job = SynchronizedJob::new(Job { started: Timestamp::now(), ended: SharedOption::none() })?;
/// job.set_ended(SharedOption::some(SystemTime::now().try_into()?))?;
/// assert_eq!(Timestamp::from_nanos(1_000_000_000_500_000_000).to_string(), "2001-09-09T01:46:40.500Z");
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Timestamp {
    nanoseconds: i64,
}

const SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The last moment: 2262-04-11T23:47:16.854775807Z.
    pub const MAX: Self = Self::from_nanos(i64::MAX);

    /// The first moment: 1677-09-21T00:12:43.145224192Z, which numpy takes for `NaT`, "not a time".
    pub const MIN: Self = Self::from_nanos(i64::MIN);

    /// 1970-01-01T00:00:00Z, which is also the default.
    pub const UNIX_EPOCH: Self = Self::from_nanos(0);

    /// Returns the present moment, as the machine's clock shows it.
    ///
    /// If the clock is set to a time after [`MAX`](Self::MAX), returns `MAX`.
    pub fn now() -> Self {
        Self::saturating_from(SystemTime::now())
    }

    /// Makes a timestamp of a number of nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// Returns the number of nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn as_nanos(self) -> i64 {
        self.nanoseconds
    }

    /// Converts a time. Returns [`MIN`](Self::MIN) or [`MAX`](Self::MAX) if the time lies before or after them.
    pub fn saturating_from(time: SystemTime) -> Self {
        Self::try_from(time).unwrap_or(if time < UNIX_EPOCH { Self::MIN } else { Self::MAX })
    }

    /// Returns the duration from `earlier` to this moment; it is negative if this moment comes first.
    ///
    /// A difference of more than 292 years saturates, so that no value that another process wrote makes this panic.
    ///
    /// ```
    /// use shared_value::{SharedDuration, Timestamp};
    ///
    /// let (start, end) = (Timestamp::from_nanos(100), Timestamp::from_nanos(130));
    /// assert_eq!(end.since(start), SharedDuration::from_nanos(30));
    /// assert_eq!(start.since(end), SharedDuration::from_nanos(-30));
    /// ```
    pub const fn since(self, earlier: Self) -> SharedDuration {
        SharedDuration::from_nanos(self.nanoseconds.saturating_sub(earlier.nanoseconds))
    }

    /// Returns the time since this moment; it is negative if the moment lies in the future.
    pub fn elapsed(self) -> SharedDuration {
        Self::now().since(self)
    }

    /// Returns the moment that is later by `duration`. Returns [`MIN`](Self::MIN) or [`MAX`](Self::MAX) if that moment lies
    /// before or after them.
    ///
    /// ```
    /// use shared_value::{SharedDuration, Timestamp};
    ///
    /// let deadline = Timestamp::from_nanos(100).saturating_add(SharedDuration::from_nanos(30));
    /// assert_eq!(deadline, Timestamp::from_nanos(130));
    /// ```
    #[must_use = "the sum is a new timestamp"]
    pub const fn saturating_add(self, duration: SharedDuration) -> Self {
        Self::from_nanos(self.nanoseconds.saturating_add(duration.as_nanos()))
    }
}

// SAFETY: the newtype is one integer, which the layout describes. Every integer is a timestamp.
unsafe impl SharedValue for Timestamp {
    const FIELDS: &'static [Field] = &[Field::new::<i64>("0", 0)];
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("Timestamp", Self::FIELDS).printed_as(Form::Timestamp);

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<i64>(0);
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = TimeError;

    /// # Errors
    /// `OutOfRange` if the time lies before [`Timestamp::MIN`] or after [`Timestamp::MAX`].
    fn try_from(time: SystemTime) -> Result<Self, TimeError> {
        let nanoseconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()),
            Err(before) => i128::try_from(before.duration().as_nanos()).map(|nanoseconds| -nanoseconds),
        };
        let nanoseconds = nanoseconds.expect("a `Duration` has less than 2^127 nanoseconds");
        let out_of_range = |_| TimeError::OutOfRange { seconds: nanoseconds / i128::from(SECOND) };
        i64::try_from(nanoseconds).map(Self::from_nanos).map_err(out_of_range)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_nanos(time.nanoseconds.unsigned_abs());
        if time.nanoseconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    }
}

/// Prints the date and the time in UTC, in the format of RFC 3339. It prints 0, 3, 6 or 9 digits of the second's fraction,
/// as few as are exact: `2001-09-09T01:46:40.500Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, fraction) = (self.nanoseconds.div_euclid(SECOND), self.nanoseconds.rem_euclid(SECOND));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match fraction {
            0 => {}
            _ if fraction % 1_000_000 == 0 => write!(formatter, ".{:03}", fraction / 1_000_000)?,
            _ if fraction % 1000 == 0 => write!(formatter, ".{:06}", fraction / 1000)?,
            _ => write!(formatter, ".{fraction:09}")?,
        }
        formatter.write_str("Z")
    }
}

/// Prints as `Display` does.
impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Returns the year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
///
/// The calendar repeats after 400 years. Here, years are counted from the 1st of March, so that a leap day is the last day
/// of a year: see "chrono-Compatible Low-Level Date Algorithms" by Howard Hinnant.
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    // Subtracts the leap days: one every 4 years, none every 100, one every 400.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, the lengths of the months repeat: 31, 30, 31, 30, 31 days, 153 in five months.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, is_next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + is_next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, date};

    /// Without this, a timestamp would print as another day.
    #[test]
    fn dates() {
        let days_of = |year: i64, month: i64| match month {
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1600, 1, 1);
        // From 1600-01-01, which is 370 years of 365 days and 90 leap days before 1970, over more than 800 years.
        for days in -(370 * 365 + 90)..200_000 {
            assert_eq!(date(days), (year, month, day), "{days}");
            day += 1;
            if day > days_of(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    /// Without this, a timestamp would print as another time.
    #[test]
    fn texts() {
        for (nanoseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (1_000_000_000_500_000_000, "2001-09-09T01:46:40.500Z"),
            (1_709_210_096_000_007_000, "2024-02-29T12:34:56.000007Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(Timestamp::from_nanos(nanoseconds).to_string(), text);
        }
    }
}
