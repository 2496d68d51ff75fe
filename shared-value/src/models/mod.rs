//! Models of the protocols. loom runs each one through all interleavings, and through all reorderings that the memory
//! orderings allow.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p shared-value --lib --release`

mod claims;
mod event;
mod futex;
mod lanes;
mod lock_word;
mod slots;

/// Runs a model with a bounded number of preemptions: each further preemption finds fewer bugs and costs much more.
fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(run);
}
