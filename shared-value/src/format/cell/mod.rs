//! What a cell consists of: where the slots, the marks, the atomic fields, the lanes and the elements of its value lie.

pub(crate) mod contents;
pub(crate) mod growth;
pub(crate) mod lanes;
mod one_slot;
pub(crate) mod room;

pub(crate) use one_slot::OneSlot;
