//! `Sweep`: kills a scenario's victims, one at each point.

use anyhow::{Context, Result, bail, ensure};

use super::changes;
use super::points::{self, Point, Points};
use super::report::Report;
use super::route::Route;
use super::scenario::{Death, Found, Harm, Scenario};
use super::tracee::{Stop, Tracee, Waited};

/// More instructions than any operation should have.
const LONGEST: usize = 4_000_000;

/// How many points stand for those at which words change that nobody can watch.
const UNWATCHED: usize = 60;

/// How often to try to get a victim to a point. Which instructions it executes may depend on when a sleeper wakes up.
const TRIES: usize = 10;

/// Kills a scenario's victims, one at each point.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    points: Points,
    most_harms: usize,
    breakpoints: bool,
}

/// A victim was not where the route says.
#[derive(Debug)]
struct Strayed;

impl Sweep {
    /// A sweep over these points.
    pub fn new(points: Points) -> Self {
        Self { points, most_harms: usize::MAX, breakpoints: cfg!(target_arch = "x86_64") }
    }

    /// Gives up after so many deaths that did harm.
    #[must_use]
    pub fn give_up_after(mut self, harms: usize) -> Self {
        self.most_harms = harms;
        self
    }

    /// Kills a victim at every point.
    ///
    /// # Errors
    /// If a victim cannot be killed where it should be; harm is no error here, but in the report.
    pub fn run(mut self, name: &str, scenario: &mut dyn Scenario) -> Result<Report> {
        // What the survivor does for the first time, it does differently: victims are copies of it.
        let mut rehearsal = Report::new(name, 0);
        rehearse(scenario, &mut rehearsal).context("the rehearsal failed")?;
        if !rehearsal.is_unharmed() {
            return Ok(rehearsal);
        }
        let report = match self.points {
            Points::Every => self.break_at_all(name, scenario, usize::MAX, 0),
            Points::AtMost { count, seed } => self.break_at_all(name, scenario, count, seed),
            Points::Changes { seed } if scenario.watched().is_empty() => {
                self.break_at_all(name, scenario, UNWATCHED, seed)
            }
            Points::Changes { seed } => changes::sweep(name, scenario, seed, self.most_harms),
        }?;
        // Or else the deaths were not where they should have been.
        let last = scenario.last_states();
        for states in [vec![0; last.len()], last] {
            let left = report.has_left(&states) || !report.is_unharmed();
            ensure!(left, "no victim of {name} left states {states:?}: {report}");
        }
        Ok(report)
    }

    fn break_at_all(&mut self, name: &str, scenario: &mut dyn Scenario, count: usize, seed: u64) -> Result<Report> {
        let mut route = Self::count(scenario).context("counting failed")?;
        let all = points::all(&route, scenario.starts_asleep());
        let mut report = Report::new(name, all.len());
        let mut furthest = vec![0; scenario.last_states().len()];
        let mut strayed = 0;
        for point in points::choose(&route, all, count, seed) {
            let found =
                self.break_at(point, &mut route, scenario, &mut report).with_context(|| format!("{name}, {point}"))?;
            if report.strayed() != strayed {
                // Perhaps on another route, of which other points come before this one.
                strayed = report.strayed();
                furthest.fill(0);
            }
            let Some(found) = found else {
                report.drop_point();
                continue;
            };
            let found = found.and_then(|found| in_order(found, &mut furthest));
            report.record(found, &format!("killed {point}"));
            if report.harms() >= self.most_harms {
                break;
            }
        }
        Ok(report)
    }

    /// Takes a victim through the whole operation.
    fn count(scenario: &mut dyn Scenario) -> Result<Route> {
        scenario.reset();
        let mut tracee = Tracee::start(|| scenario.victim())?;
        scenario.started();
        let mut address = tracee.address()?;
        let mut route = Route::new(address);
        let mut shared = scenario.shared();
        loop {
            let calls = tracee.is_at_call(address)?;
            let stop = if calls {
                tracee.let_step()?;
                match tracee.wait()? {
                    Waited::Stopped(stop) => stop,
                    Waited::Asleep => {
                        route.sleep();
                        scenario.asleep();
                        wait(&mut tracee, scenario)?
                    }
                }
            } else {
                tracee.step()?
            };
            let Stop::At(next) = stop else { break };
            if next == address {
                // A string instruction repeats itself, which is one instruction.
                continue;
            }
            let now = scenario.shared();
            route.step(next, now != shared, calls);
            (address, shared) = (next, now);
            ensure!(route.places().len() < LONGEST, "the operation does not end within {LONGEST} instructions");
        }
        let victim = tracee.id();
        scenario.stopped(victim);
        let at = tracee.kill()?;
        // The rehearsal has judged it.
        let _ = scenario.inspect(&Death { victim, at });
        Ok(route)
    }

    /// Kills a victim at a point. `None` if there is no such point any more, because the operation, counted again, has
    /// become shorter, or sleeps elsewhere.
    fn break_at(
        &mut self,
        point: Point,
        route: &mut Route,
        scenario: &mut dyn Scenario,
        report: &mut Report,
    ) -> Result<Option<Result<Found, Harm>>> {
        for attempt in 1..=TRIES {
            let is_there = route.places().get(point.steps).is_some_and(|place| place.sleeps || !point.asleep);
            if !is_there {
                return Ok(None);
            }
            scenario.reset();
            let mut tracee = Tracee::start(|| scenario.victim())?;
            scenario.started();
            let arrived = self.arrive(&mut tracee, route, point, scenario)?;
            let victim = tracee.id();
            scenario.stopped(victim);
            let at = tracee.kill()?;
            let found = scenario.inspect(&Death { victim, at });
            report.add_stray(arrived.is_err());
            match arrived {
                Ok(()) => {
                    return Ok(Some(found.and_then(|found| {
                        let is_last = point.steps + 1 == route.places().len() && !point.asleep;
                        // One instruction is left then: the mark.
                        if is_last { complete(found, scenario) } else { Ok(found) }
                    })));
                }
                // It died at some point all the same, so harm is harm.
                Err(Strayed) if found.is_err() => return Ok(Some(found)),
                Err(Strayed) if attempt % 3 == 0 => *route = Self::count(scenario)?,
                Err(Strayed) => {}
            }
        }
        bail!("the victim did not get there in {TRIES} tries")
    }

    /// Lets a victim run to a point, and makes sure that it is there.
    fn arrive(
        &mut self,
        tracee: &mut Tracee,
        route: &Route,
        point: Point,
        scenario: &mut dyn Scenario,
    ) -> Result<Result<(), Strayed>> {
        let legs = if self.breakpoints { route.quick(point.steps) } else { Route::slow(point.steps) };
        for leg in legs {
            let address = route.places()[leg.to].address;
            let sleeps = route.sleeps_on(leg);
            if leg.visits.is_some() {
                tracee.set_breakpoint(Some(address))?;
            }
            let from = route.places()[leg.from].address;
            let mut left = leg.visits.unwrap_or(1);
            while left > 0 {
                if leg.visits.is_some() {
                    tracee.let_run()?;
                } else {
                    tracee.let_step()?;
                }
                let stop = if sleeps { wait(tracee, scenario)? } else { tracee.stop()? };
                if stop == Stop::At(address) {
                    left -= 1;
                } else if leg.visits.is_some() || stop != Stop::At(from) {
                    return Ok(Err(Strayed));
                }
            }
            if leg.visits.is_some() {
                tracee.set_breakpoint(None)?;
            }
        }
        if point.asleep {
            tracee.let_step()?;
            if tracee.wait()? != Waited::Asleep {
                return Ok(Err(Strayed));
            }
        }
        Ok(Ok(()))
    }
}

/// Lets a victim run through the whole operation without stopping it.
fn rehearse(scenario: &mut dyn Scenario, report: &mut Report) -> Result<()> {
    scenario.reset();
    let mut tracee = Tracee::start(|| scenario.victim())?;
    scenario.started();
    tracee.let_run()?;
    let stop = wait(&mut tracee, scenario)?;
    ensure!(stop == Stop::Mark, "the victim stopped without reason: {stop:?}");
    let victim = tracee.id();
    scenario.stopped(victim);
    let at = tracee.kill()?;
    let found = scenario.inspect(&Death { victim, at }).and_then(|found| complete(found, scenario));
    report.record(found, "killed at the end of the rehearsal");
    Ok(())
}

/// Waits until the victim has stopped, however often it sleeps before.
pub(super) fn wait(tracee: &mut Tracee, scenario: &mut dyn Scenario) -> Result<Stop> {
    let mut told = false;
    for _ in 0..100_000 {
        match tracee.wait()? {
            Waited::Stopped(stop) => return Ok(stop),
            Waited::Asleep if !told => {
                told = true;
                scenario.asleep();
            }
            Waited::Asleep => {}
        }
    }
    bail!("the victim sleeps for ever")
}

/// States only ever move on from one point to the next.
pub(super) fn in_order(found: Found, furthest: &mut [usize]) -> Result<Found, Harm> {
    for (state, furthest) in found.states.iter().zip(furthest) {
        if state < furthest {
            return Err(Harm::Lost(format!("state {state} is left, but was {furthest} at an earlier point")));
        }
        *furthest = *state;
    }
    Ok(found)
}

/// What is complete has left the last states.
fn complete(found: Found, scenario: &dyn Scenario) -> Result<Found, Harm> {
    let last = scenario.last_states();
    if found.states == last {
        Ok(found)
    } else {
        Err(Harm::Lost(format!("the operation was complete, but states {:?} are left and not {last:?}", found.states)))
    }
}
