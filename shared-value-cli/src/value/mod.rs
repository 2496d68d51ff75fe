//! Values as text: trees for people, bare text for scripts, and data from the command line.

mod input;
mod text;
mod tree;

pub(crate) use input::{parse_assignment, parse_data};
pub(crate) use text::{bare, inline};
pub(crate) use tree::{Limits, tree, type_text};
