//! Kills at changes of shared words and at system calls. This is quick, because a victim runs from one to the next without
//! a stop.

use anyhow::{Context, Result, ensure};

use super::report::Report;
use super::scenario::Scenario;
use super::sweep::{complete, in_order, wait};
use super::tracee::{Stop, Tracee, Waited};

/// At one stop of this many, victims are also killed some instructions behind it.
const SPARSE: usize = 4;

/// How many victims are killed behind such a stop.
const BEHIND: usize = 2;

/// The largest number of instructions behind a stop.
const MOST_FURTHER: u32 = 12;

/// How many victims to start for each stop. Some do not get there: it depends on interrupts whether one write of many words, such
/// as `rep movsq`, is one stop or two, and how far the victim is when it stops.
const TRIES: usize = 60;

/// The furthest states that were left, for each number of instructions behind a stop.
///
/// A victim some instructions behind a stop may be further than one at the next stop. But it is not further than one at least
/// as many instructions behind the next stop.
struct Furthest(Vec<Vec<usize>>);

impl Furthest {
    fn new(states: usize) -> Self {
        Self(vec![vec![0; states]; MOST_FURTHER as usize + 1])
    }

    /// Returns the states that a victim this many instructions behind a stop must have reached, to be raised by what it left.
    fn until(&mut self, further: u32) -> &mut [usize] {
        let further = further as usize;
        for less in 0..further {
            for state in 0..self.0[further].len() {
                self.0[further][state] = self.0[further][state].max(self.0[less][state]);
            }
        }
        &mut self.0[further]
    }
}

/// Kills a victim at every stop, or at about `most` of each set, and some behind stops that are chosen at random.
pub(super) fn sweep(
    name: &str,
    scenario: &mut dyn Scenario,
    most: usize,
    seed: u64,
    most_harms: usize,
) -> Result<Report> {
    let mut report = Report::new(name, 0);
    let mut random = fastrand::Rng::with_seed(seed);
    for watched in scenario.watched() {
        sweep_set(&watched, scenario, most, &mut random, &mut report, most_harms).context(name.to_owned())?;
    }
    Ok(report)
}

/// Kills a victim at changes of these words and at system calls, and some behind those that are chosen at random.
fn sweep_set(
    watched: &[u64],
    scenario: &mut dyn Scenario,
    most: usize,
    random: &mut fastrand::Rng,
    report: &mut Report,
    most_harms: usize,
) -> Result<()> {
    let mut stops = list(start(watched, scenario)?, scenario).context("counting failed")?;
    let mut furthest = Furthest::new(scenario.last_states().len());
    let mut number = 0;
    while number <= stops.len() && report.harms() < most_harms {
        let is_end = number == 0 || number == stops.len();
        if !is_end && random.usize(..stops.len()) >= most {
            number += 1;
            continue;
        }
        let at_mark = stops[..number].last() == Some(&Stop::Mark);
        let behind = if !at_mark && random.usize(..SPARSE) == 0 { BEHIND } else { 0 };
        let mut further: Vec<_> = (0..behind).map(|_| random.u32(1..=MOST_FURTHER)).chain([0]).collect();
        further.sort_unstable();
        report.add_points(further.len());
        let mut tries = 0;
        while let Some(next) = further.first() {
            let tracee = start(watched, scenario)?;
            let Some(strayed) = break_at(tracee, &stops[..number], *next, scenario, report, &mut furthest)? else {
                further.remove(0);
                continue;
            };
            tries += 1;
            ensure!(
                tries < TRIES,
                "no victim gets to change or call number {number}: expected the stops {:x?}, and the last victim found {:x?} \
                 instead of number {}",
                &stops[..number],
                strayed.found,
                strayed.number
            );
            if tries.is_multiple_of(3) {
                stops = list(start(watched, scenario)?, scenario)?;
                // The stops before this one may have changed.
                furthest = Furthest::new(scenario.last_states().len());
                // Victims are killed at the end in any case.
                number = number.min(stops.len());
            }
        }
        number += 1;
    }
    Ok(())
}

/// A victim stopped elsewhere.
struct Strayed {
    /// The number of the stop that was expected, counted from 1.
    number: usize,
    found: Stop,
}

/// Kills a victim after these stops and `further` instructions. Returns where it stopped instead if it did not get there.
fn break_at(
    mut tracee: Tracee,
    stops: &[Stop],
    further: u32,
    scenario: &mut dyn Scenario,
    report: &mut Report,
    furthest: &mut Furthest,
) -> Result<Option<Strayed>> {
    let mut strayed = None;
    for (number, stop) in (1..).zip(stops) {
        tracee.let_run_to_call()?;
        let found = wait(&mut tracee, scenario)?;
        if found != *stop {
            strayed = Some(Strayed { number, found });
            break;
        }
    }
    if strayed.is_none() && !matches!(stops.last(), Some(Stop::Call | Stop::Mark)) {
        go_on(&mut tracee, further)?;
    }
    let found = tracee.kill_in(scenario)?;
    report.add_stray(strayed.is_some());
    // A victim at another place has died in the operation too, and harm that it did counts.
    let is_harm = found.is_err();
    if strayed.is_none() || is_harm {
        let found = found.and_then(|found| in_order(found, furthest.until(further)));
        let is_complete = strayed.is_none() && stops.last() == Some(&Stop::Mark);
        let found = found.and_then(|found| if is_complete { complete(found, scenario) } else { Ok(found) });
        report.record(found, &format!("killed after {} changes and calls, and {further} instructions", stops.len()));
    }
    Ok(strayed.filter(|_| !is_harm))
}

/// Starts a victim that stops at changes of these words. `sweep_set` calls this itself: all victims must have their stacks at the
/// same place.
#[inline(never)]
fn start(watched: &[u64], scenario: &mut dyn Scenario) -> Result<Tracee> {
    let mut tracee = Tracee::of(scenario)?;
    tracee.set_watchpoints(watched)?;
    Ok(tracee)
}

/// Lists the stops of a victim on its way through the whole operation. The last one is the mark behind it.
fn list(mut tracee: Tracee, scenario: &mut dyn Scenario) -> Result<Vec<Stop>> {
    let mut stops = Vec::new();
    loop {
        tracee.let_run_to_call()?;
        stops.push(wait(&mut tracee, scenario)?);
        if stops.last() == Some(&Stop::Mark) {
            break;
        }
    }
    // The rehearsal has checked the complete operation.
    let _ = tracee.kill_in(scenario)?;
    Ok(stops)
}

/// Lets a victim execute some instructions, but not a system call, and nothing behind the end of the operation.
fn go_on(tracee: &mut Tracee, instructions: u32) -> Result<()> {
    tracee.set_watchpoints(&[])?;
    for _ in 0..instructions {
        if tracee.is_at_call(tracee.address()?)? {
            break;
        }
        tracee.let_step()?;
        if !matches!(tracee.wait()?, Waited::Stopped(Stop::At(_))) {
            break;
        }
    }
    Ok(())
}
