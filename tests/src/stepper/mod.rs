//! Killing a process at every instruction of an operation.
//!
//! A [`Scenario`] says how a victim gets to the operation, and what its survivors must find after its death. A
//! [`Sweep`] forks a victim and counts: it takes it through the operation one instruction at a time, under `ptrace`.
//! Then, for every one of these points, it forks another victim, lets it run exactly as far, and kills it with SIGKILL
//! while it is stopped there.
//!
//! ```text
//! struct Deposit { account: Subject<Account> }
//!
//! impl Scenario for Deposit {
//!     fn reset(&mut self) { self.account.restore(); }
//!     fn victim(&self) { marked(|| self.account.value().update(|account| account.balance += 10)); }
//!     fn inspect(&mut self, _death: &Death) -> Result<Found, Harm> { self.account.survey(&[OLD, NEW], touch) }
//!     ..
//! }
//!
//! let report = Sweep::new(Points::Every).run("deposit", &mut Deposit { .. })?;
//! assert!(report.is_unharmed(), "{report}");
//! ```
//!
//! Victims are forked, not started anew, so that what they share with the survivor is mapped already, and that all of
//! them are copies of one process: they run through the same instructions.

mod arena;
mod changes;
mod mark;
mod points;
mod report;
mod robust;
mod route;
mod scenario;
mod subject;
mod sweep;
mod tracee;

pub use arena::Arena;
pub use mark::marked;
pub use points::Points;
pub use report::Report;
pub use robust::robust_list;
pub use scenario::{Death, Found, Harm, Scenario};
pub use subject::Subject;
pub use sweep::Sweep;
pub use tracee::is_asleep;
