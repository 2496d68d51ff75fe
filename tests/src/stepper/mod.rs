//! Kills a process at every instruction of an operation.
//!
//! A [`Scenario`] prepares an operation, runs it in a victim, and checks the shared values after the victim's death. A
//! [`Sweep`] first forks a victim and takes it through the operation under `ptrace`, one instruction at a time, to count the
//! points. Then it forks another victim for each point, lets it run exactly to that point, and kills it with SIGKILL while
//! it is stopped there.
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
//! Victims are forks of the survivor, for two reasons: the shared memory is mapped already, and all victims are copies of
//! one process, which run through the same instructions. A read of the clock counts as one instruction (`vdso.rs`).

mod allocator;
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
mod vdso;

pub use allocator::VictimAllocator;
pub use mark::marked;
pub use points::Points;
pub use report::Report;
pub use robust::robust_list;
pub use scenario::{Death, Found, Harm, Scenario};
pub use subject::Subject;
pub use sweep::{Sweep, instructions};
pub use tracee::is_asleep;
