//! The values that are compared: of this library, and behind other locks.

mod atomic;
mod counting;
mod handover;
mod locked;
mod own;
mod parking;
mod payload;
mod pthread;
mod raw;
mod region;
mod standard;
mod subject;

use locked::Behind;

pub use atomic::Atomic;
pub use counting::Counting;
pub use handover::Handover;
pub use own::{Native, Own, Pthread, UnderRLock};
pub use payload::{Payload, Record, Record1M, Record4K, Record64, Record512, SynchronizedTally, Tally};
pub use pthread::{Normal, Recursive, Robust, Watched};
pub use region::Region;
pub use subject::Subject;

/// A value behind the standard library's mutex.
pub type Standard<T> = Behind<standard::Lock<T>>;
/// A value behind `parking_lot`'s mutex.
pub type Parking<T> = Behind<parking::Lock<T>>;
/// A value behind a mutex of the C library, of a given kind.
pub type Mutex<K> = Behind<pthread::Lock<K>>;
/// A value behind `raw_sync`'s mutex.
pub type Raw = Behind<raw::Lock>;
