//! Other processes of this program, which do a part of a contestant's work, and the cores that processes run on.

pub mod child;
pub mod clock;
pub mod cores;
mod signals;
pub mod spawned;
pub mod task;
pub mod team;

pub use child::{Findings, tell};
pub use task::Task;
pub use team::Team;
