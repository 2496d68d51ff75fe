//! The protocols by which processes share memory: state machines over atomic words. They use neither pointers nor system
//! calls, so loom can run them.

pub(crate) mod atomics;
pub(crate) mod claims;
pub(crate) mod event;
pub(crate) mod fault;
pub(crate) mod lanes;
pub(crate) mod lock_word;
pub(crate) mod marks;
pub(crate) mod retired;
pub(crate) mod slots;
pub(crate) mod unvouched;
