//! A process that is killed at points all over the registration of a series, and of its first observation.
//!
//! `SHARED_VALUE_KILL_POINTS` is the number of points. A debug build takes two million instructions for a registration, and a minute or
//! two for this test: prefer a release build. The test needs `ptrace`, and a program without other threads, so it has a `main` of its own.

use std::env;
use std::time::Instant;

use anyhow::{Result, ensure};
use metrics::{Histogram, Key, Label};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::Arena;
use shared_value_metrics::{Format, Recorder};
use shared_value_tests::in_time;
use shared_value_tests::stepper::{Death, Found, Harm, Points, Scenario, Sweep, VictimAllocator, marked};

#[global_allocator]
static ALLOCATOR: VictimAllocator = VictimAllocator::new();

fn main() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let count = env::var("SHARED_VALUE_KILL_POINTS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let report = Sweep::new(Points::AtMost { count, seed: 7 }).run("register", &mut Registration::new())?;
    println!("{report}");
    ensure!(report.is_unharmed(), "a death did harm");
    Ok(())
}

/// Registers a series whose metric, bounds and labels are new.
struct Registration {
    recorder: Recorder,
}

impl Registration {
    fn new() -> Self {
        Self { recorder: Recorder::new(Arena::new(1 << 20).expect("there is memory")) }
    }

    fn register(recorder: &Recorder) -> Result<Histogram, shared_value_metrics::Error> {
        // The labels are longer than a key of an arena, and lie beside the series.
        let labels = vec![Label::new("path", "/long".repeat(60))];
        recorder.histogram(&Key::from_parts("delay", labels))
    }

    /// Returns the count and the sum of the observations, if there is the series.
    fn observed(&self) -> Option<(u64, f64)> {
        let text = self.recorder.render(Format::Prometheus);
        let value =
            |start: &str| text.lines().find(|line| line.starts_with(start))?.rsplit_once(' ').map(|(_, value)| value);
        Some((value("delay_count")?.parse().ok()?, value("delay_sum")?.parse().ok()?))
    }
}

impl Scenario for Registration {
    fn reset(&mut self) {
        *self = Self::new();
        self.recorder.counter(&Key::from_name("jobs")).expect("there is room").increment(1);
    }

    fn victim(&self) {
        marked(|| {
            Self::register(&self.recorder).expect("there is room").record(0.5);
            // This changes nothing, and takes many instructions: so the points behind the observation are tried too.
            drop(Self::register(&self.recorder).expect("it is there"));
        });
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        // Nothing of a series that was not registered is shown, and its metric may still become another one.
        let state = match self.observed() {
            None => 0,
            Some((0, 0.0)) => 1,
            Some((1, 0.0)) => 2,
            Some((1, 0.5)) => 3,
            other => return Err(Harm::Torn(format!("count and sum are {other:?}"))),
        };
        let recorder = self.recorder.clone();
        in_time(move || {
            if state == 0 {
                recorder.gauge(&Key::from_name("delay_sum")).expect("the name is free").set(1.0);
                assert!(Self::register(&recorder).is_err(), "the name is taken");
            } else {
                Self::register(&recorder).expect("it is there").record(0.5);
            }
        });
        let text = self.recorder.render(Format::Prometheus);
        if !text.contains("jobs_total 1\n") {
            return Err(Harm::Lost(text));
        }
        let counted = self.observed().map_or(0, |(count, _)| count);
        let expected = [0, 1, 2, 2][state];
        if counted != expected {
            return Err(Harm::Lost(format!("{counted} observations, and not {expected}")));
        }
        Ok(Found { took: Instant::now().duration_since(death.at), died_holding: false, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![3]
    }

    fn shared(&self) -> Vec<u8> {
        [self.recorder.arena().used(), self.recorder.arena().len()].map(usize::to_ne_bytes).concat()
    }
}
