//! The types that tests and workers share.

mod account;
mod assorted;
mod labelled;
mod padded;
mod tally;
mod twins;

pub use account::{Account, AccountGuard, SynchronizedAccount};
pub use assorted::{
    Assorted, AssortedGuard, City, Color, Level, Limits, Meters, Mode, Pair, Rgb, Shade, Span, SynchronizedAssorted,
    SynchronizedLevel, SynchronizedMeters, SynchronizedPair,
};
pub use labelled::{Labelled, LabelledGuard, SynchronizedLabelled};
pub use padded::{Grain, Padded, PaddedGuard, SynchronizedPadded};
pub use tally::{LANES, SynchronizedTally, Tally, TallyGuard};
pub use twins::{LARGE, LINE, LargeTwins, LineTwins, PAGE, PageTwins, PairTwins, SynchronizedTwins, Twins, TwinsGuard};
