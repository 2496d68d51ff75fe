//! The command `shared-value`, run as users run it.

mod change;
mod doctor;
mod follow;
mod generate;
mod hostile;
mod layout;
mod list;
mod live;
mod run;
mod show;
mod terminal;
mod top;
mod values;
