//! Values as text: trees for people, bare text for scripts, and data from the command line.

mod difference;
mod expression;
mod input;
mod parts;
mod text;
mod tree;

pub(crate) use difference::differences;
pub(crate) use expression::parse as parse_condition;
pub(crate) use input::{parse_assignment, parse_data};
pub(crate) use parts::load_parts;
pub(crate) use text::{bare, inline, part_text, size_of};
pub(crate) use tree::{Limits, tree, type_text};
