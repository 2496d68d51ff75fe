//! A process that is killed at points all over the registration of a series, and all over an observation.
//!
//! `SHARED_VALUE_KILL_POINTS` is the number of points of each. A debug build takes two million instructions for a registration,
//! and a minute or two for this test: prefer a release build. The test needs `ptrace`, and a program without other threads, so it
//! has a `main` of its own.

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
    for (name, scenario) in
        [("register", &mut Registration::new() as &mut dyn Scenario), ("observe", &mut Observation::new())]
    {
        let report = Sweep::new(Points::AtMost { count, seed: 7 }).run(name, scenario)?;
        println!("{report}");
        ensure!(report.is_unharmed(), "a death did harm");
    }
    Ok(())
}

/// A recorder that counts jobs, and has at most one histogram.
struct Subject {
    recorder: Recorder,
}

impl Subject {
    fn new() -> Self {
        let recorder = Recorder::new(Arena::new(1 << 20).expect("there is memory"));
        recorder.counter(&Key::from_name("jobs")).expect("there is room").increment(1);
        Self { recorder }
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

    /// Returns the place of the count and the sum in a list of states.
    fn state_in(&self, states: &[Option<(u64, f64)>]) -> Result<usize, Harm> {
        let observed = self.observed();
        let place = states.iter().position(|state| *state == observed);
        place.ok_or_else(|| Harm::Torn(format!("count and sum are {observed:?}")))
    }

    fn expect(&self, observed: Option<(u64, f64)>) -> Result<(), Harm> {
        let text = self.recorder.render(Format::Prometheus);
        if !text.contains("jobs_total 1\n") || self.observed() != observed {
            return Err(Harm::Lost(format!("expected {observed:?}, found {text}")));
        }
        Ok(())
    }
}

fn found(death: &Death, state: usize) -> Found {
    Found { took: Instant::now().duration_since(death.at), died_holding: false, states: vec![state] }
}

/// Registers a series whose metric, bounds and labels are new.
struct Registration(Subject);

impl Registration {
    fn new() -> Self {
        Self(Subject::new())
    }
}

impl Scenario for Registration {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn victim(&self) {
        marked(|| {
            drop(Subject::register(&self.0.recorder).expect("there is room"));
            // This changes nothing, and takes many instructions: so the points behind the registration are tried too.
            drop(Subject::register(&self.0.recorder).expect("it is there"));
        });
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        // Nothing of a series that was not registered is shown, and its metric may still become another one.
        let state = self.0.state_in(&[None, Some((0, 0.0))])?;
        let recorder = self.0.recorder.clone();
        in_time(move || {
            if state == 0 {
                recorder.gauge(&Key::from_name("delay_sum")).expect("the name is free").set(1.0);
                assert!(Subject::register(&recorder).is_err(), "the name is taken");
            } else {
                Subject::register(&recorder).expect("it is there").record(0.5);
            }
        });
        self.0.expect((state == 1).then_some((1, 0.5)))?;
        Ok(found(death, state))
    }

    fn last_states(&self) -> Vec<usize> {
        vec![1]
    }

    fn shared(&self) -> Vec<u8> {
        [self.0.recorder.arena().used(), self.0.recorder.arena().len()].map(usize::to_ne_bytes).concat()
    }
}

/// Observes a value in a series that is there.
struct Observation {
    subject: Subject,
    histogram: Histogram,
}

impl Observation {
    fn new() -> Self {
        let subject = Subject::new();
        let histogram = Subject::register(&subject.recorder).expect("there is room");
        Self { subject, histogram }
    }
}

impl Scenario for Observation {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn victim(&self) {
        // The first observation of a thread takes a lane, which is many instructions.
        self.histogram.record(0.25);
        marked(|| self.histogram.record(0.5));
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        // An observation is counted before it is in the sum.
        let state = self.subject.state_in(&[Some((1, 0.25)), Some((2, 0.25)), Some((2, 0.75))])?;
        let histogram = self.histogram.clone();
        in_time(move || histogram.record(0.5));
        self.subject.expect([Some((2, 0.75)), Some((3, 0.75)), Some((3, 1.25))][state])?;
        Ok(found(death, state))
    }

    fn last_states(&self) -> Vec<usize> {
        vec![2]
    }

    fn shared(&self) -> Vec<u8> {
        // A look at the series would take a hundred times as long as a step. Points at random are enough for a short operation.
        Vec::new()
    }
}
