//! The command `shared-value`, run as users run it.

mod change;
mod list;
mod run;
mod show;
mod values;
