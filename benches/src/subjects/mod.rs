//! Those who are compared.

mod atomic;
mod own;
mod parking;
mod pthread;
mod raw;
mod standard;

use crate::subject::Behind;

pub use atomic::Atomic;
pub use own::{Native, Own, Pthread, UnderRLock};
pub use pthread::{Normal, Recursive, Robust};

/// A value behind the standard library's mutex.
pub type Standard<T> = Behind<standard::Lock<T>>;
/// A value behind `parking_lot`'s mutex.
pub type Parking<T> = Behind<parking::Lock<T>>;
/// A value behind a mutex of the C library, of some kind.
pub type Mutex<K> = Behind<pthread::Lock<K>>;
/// A value behind `raw_sync`'s mutex.
pub type Raw = Behind<raw::Lock>;
