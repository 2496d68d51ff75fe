//! `Sweep`: kills the victims of a scenario, one at each point.

use anyhow::{Context, Result, bail, ensure};

use super::changes;
use super::points::{self, Point, Points};
use super::report::Report;
use super::route::Route;
use super::scenario::{Found, Harm, Scenario};
use super::tracee::{Stop, Tracee, Waited};
use super::vdso;

/// More instructions than any operation has.
const LONGEST: usize = 4_000_000;

/// The number of random points of a scenario that names no words to watch.
const UNWATCHED: usize = 60;

/// How many victims to start for each point. The instructions that a victim executes may depend on the moment when a sleeper
/// wakes up.
const TRIES: usize = 10;

/// The tries from this one on are by single steps alone.
const CAREFUL: usize = 7;

/// One point of this many may be out of reach: about once in forty sweeps no victim gets to one of them, and the cause is not known.
const OUT_OF_REACH: usize = 20;

/// Kills the victims of a scenario, one at each point.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    points: Points,
    most_harms: usize,
}

/// The victim left the route.
#[derive(Debug)]
struct Strayed;

impl Sweep {
    /// Makes a sweep over these points.
    pub fn new(points: Points) -> Self {
        Self { points, most_harms: usize::MAX }
    }

    /// Stops the sweep when this many deaths have done harm.
    #[must_use]
    pub fn give_up_after(mut self, harms: usize) -> Self {
        self.most_harms = harms;
        self
    }

    /// Kills a victim at each point.
    ///
    /// # Errors
    /// If no victim can be killed at a point. Harm is not an error: it is in the report.
    pub fn run(self, name: &str, scenario: &mut dyn Scenario) -> Result<Report> {
        // Victims are copies of the survivor, and its first run differs from later ones: caches fill, and memory is mapped.
        let mut rehearsal = Report::new(name, 0);
        rehearse(scenario, &mut rehearsal).context("the rehearsal failed")?;
        if !rehearsal.is_unharmed() {
            return Ok(rehearsal);
        }
        let report = match self.points {
            Points::Every => self.break_at_all(name, scenario, usize::MAX, 0),
            Points::AtMost { count, seed } => self.break_at_all(name, scenario, count, seed),
            Points::Changes { most, seed } if scenario.watched().is_empty() => {
                self.break_at_all(name, scenario, most.min(UNWATCHED), seed)
            }
            Points::Changes { most, seed } => changes::sweep(name, scenario, most, seed, self.most_harms),
        }?;
        // Otherwise the deaths were not spread over the operation.
        let last = scenario.last_states();
        for states in [vec![0; last.len()], last] {
            let left = report.has_left(&states) || !report.is_unharmed();
            ensure!(left, "no victim of {name} left states {states:?}: {report}");
        }
        Ok(report)
    }

    fn break_at_all(self, name: &str, scenario: &mut dyn Scenario, most: usize, seed: u64) -> Result<Report> {
        let mut route = count(Tracee::of(scenario)?, scenario).context("counting failed")?;
        let all = points::all(&route, scenario.starts_asleep());
        let mut report = Report::new(name, all.len());
        let mut furthest = vec![0; scenario.last_states().len()];
        let points = points::choose(&route, all, most, seed);
        let mut missed = 0;
        let most_missed = points.len().div_ceil(OUT_OF_REACH);
        for point in points {
            let mut attempt = 0;
            // A route that was counted again may no longer have the point: the operation is shorter, or sleeps elsewhere.
            let found = loop {
                if !point.is_on(&route) {
                    break None;
                }
                if attempt == TRIES {
                    missed += 1;
                    break None;
                }
                attempt += 1;
                let tracee = Tracee::of(scenario)?;
                let found = break_at(point, tracee, &route, attempt < CAREFUL, scenario, &mut report)
                    .with_context(|| format!("{name}, {point}"))?;
                if found.is_some() {
                    break found;
                }
                // The route may change, and with it the points before this one.
                furthest.fill(0);
                if attempt % 3 == 0 {
                    route = count(Tracee::of(scenario)?, scenario).with_context(|| format!("{name}, {point}"))?;
                }
            };
            ensure!(
                missed <= most_missed,
                "{name}, {point}: the {missed}th point that no victim gets to in {TRIES} tries"
            );
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
}

/// Single-steps a victim through the whole operation, and returns its route.
fn count(mut tracee: Tracee, scenario: &mut dyn Scenario) -> Result<Route> {
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
            // A string instruction stops after each repetition.
            continue;
        }
        if vdso::contains(next) {
            address = next;
            continue;
        }
        let now = scenario.shared();
        route.step(next, now != shared, calls);
        (address, shared) = (next, now);
        ensure!(route.places().len() < LONGEST, "the operation does not end within {LONGEST} instructions");
    }
    // The rehearsal has checked the complete operation.
    let _ = tracee.kill_in(scenario)?;
    Ok(route)
}

/// Kills a victim at a point, and returns what it left. Returns `None` if it left the route and did no harm.
fn break_at(
    point: Point,
    mut tracee: Tracee,
    route: &Route,
    by_breakpoints: bool,
    scenario: &mut dyn Scenario,
    report: &mut Report,
) -> Result<Option<Result<Found, Harm>>> {
    let arrived = arrive(&mut tracee, route, point, by_breakpoints, scenario)?;
    let found = tracee.kill_in(scenario)?;
    report.add_stray(arrived.is_err());
    Ok(match arrived {
        // Only the mark is left to execute.
        Ok(()) if point.ends(route) => Some(found.and_then(|found| complete(found, scenario))),
        Ok(()) => Some(found),
        // It died at another point of the operation, and harm that it did counts.
        Err(Strayed) => found.is_err().then_some(found),
    })
}

/// Lets a victim run to a point, and checks that it is there.
fn arrive(
    tracee: &mut Tracee,
    route: &Route,
    point: Point,
    by_breakpoints: bool,
    scenario: &mut dyn Scenario,
) -> Result<Result<(), Strayed>> {
    let legs = if by_breakpoints { route.quick(point.steps) } else { Route::slow(point.steps) };
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
            } else if leg.visits.is_some() || !is_on_the_way(stop, from) {
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

/// Returns whether a victim that was single-stepped from a place has not come to the next one yet.
fn is_on_the_way(stop: Stop, from: u64) -> bool {
    matches!(stop, Stop::At(address) if address == from || vdso::contains(address))
}

/// Counts the instructions that a process executes between the [marks](super::marked) of the closure.
///
/// # Errors
/// If the process sleeps, or cannot be traced.
pub fn instructions(victim: impl FnOnce()) -> Result<usize> {
    let mut tracee = Tracee::start(victim)?;
    for count in 0..LONGEST {
        tracee.let_step()?;
        match tracee.wait()? {
            Waited::Stopped(Stop::Mark) => return Ok(count),
            Waited::Stopped(_) => {}
            Waited::Asleep => bail!("the process sleeps after {count} instructions"),
        }
    }
    bail!("the operation does not end within {LONGEST} instructions")
}

/// Lets a victim run through the whole operation without a stop.
fn rehearse(scenario: &mut dyn Scenario, report: &mut Report) -> Result<()> {
    let mut tracee = Tracee::of(scenario)?;
    tracee.let_run()?;
    let stop = wait(&mut tracee, scenario)?;
    ensure!(stop == Stop::Mark, "the victim stopped before its mark: {stop:?}");
    let found = tracee.kill_in(scenario)?.and_then(|found| complete(found, scenario));
    report.record(found, "killed at the end of the rehearsal");
    Ok(())
}

/// Waits until the victim has stopped. It may sleep any number of times before.
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
    bail!("the victim does not stop: it sleeps again and again")
}

/// Checks that no state is earlier than at an earlier point.
pub(super) fn in_order(found: Found, furthest: &mut [usize]) -> Result<Found, Harm> {
    for (state, furthest) in found.states.iter().zip(furthest) {
        if state < furthest {
            return Err(Harm::Lost(format!("state {state} is left, but was {furthest} at an earlier point")));
        }
        *furthest = *state;
    }
    Ok(found)
}

/// Checks that a complete operation has left the last states.
pub(super) fn complete(found: Found, scenario: &dyn Scenario) -> Result<Found, Harm> {
    let last = scenario.last_states();
    if found.states == last {
        Ok(found)
    } else {
        Err(Harm::Lost(format!("the operation was complete, but states {:?} are left and not {last:?}", found.states)))
    }
}
