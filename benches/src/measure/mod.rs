//! Cases, their contestants, and the measurement of one contestant.

pub mod case;
pub mod contestant;
pub mod local;
pub mod place;
pub mod reading;
pub mod stopwatch;
pub mod summary;
pub mod temporary;

pub use case::{Case, Unit};
pub use contestant::{Absence, Contestant, Entry};
pub use local::Local;
pub use place::Placed;
pub use reading::Reading;
pub use summary::Summary;
pub use temporary::Temporary;
