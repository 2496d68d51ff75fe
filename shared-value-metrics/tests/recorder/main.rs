//! The recorder, as the macros of `metrics` use it, in one process and in many.

mod deaths;
mod effort;
mod exposition;
mod installed;
mod processes;
mod refusals;

use shared_value::Arena;
use shared_value_metrics::{Format, Recorder};

fn arena() -> Arena {
    Arena::new(16 << 20).unwrap()
}

/// Returns a recorder for which every error is a failure of the test.
fn recorder(arena: Arena) -> Recorder {
    Recorder::builder().on_error(|error| panic!("{error}")).build(arena)
}

/// Returns the values of the samples that begin with this text, in the order of the output.
fn samples(recorder: &Recorder, start: &str) -> Vec<f64> {
    let text = recorder.render(Format::Prometheus);
    let values = text.lines().filter_map(|line| line.strip_prefix(start)?.rsplit_once(' '));
    values.map(|(_, value)| value.parse().unwrap()).collect()
}
