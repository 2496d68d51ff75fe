//! The comparison of all contestants of all cases, and the budgets.

pub mod budget;
pub mod effort;
pub mod instructions;
mod peers;
pub mod places;
mod progress;
pub mod results;
pub mod run;

pub use effort::Effort;
pub use results::{CaseResult, Results, Row};
pub use run::run;
