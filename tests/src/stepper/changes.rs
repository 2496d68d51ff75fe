//! Killing where shared words change, and at system calls: quick, because victims run there without stopping.

use anyhow::{Context, Result, ensure};

use super::report::Report;
use super::scenario::{Death, Scenario};
use super::sweep::{in_order, wait};
use super::tracee::{Stop, Tracee, Waited};

/// How often to kill at each stop: at once, and after some more instructions.
const ROUNDS: usize = 3;

/// The most of these.
const MOST_FURTHER: u32 = 12;

/// How often to try to get a victim to a stop.
const TRIES: usize = 10;

/// Kills victims at every stop, and some instructions behind it.
pub(super) fn sweep(name: &str, scenario: &mut dyn Scenario, seed: u64, most_harms: usize) -> Result<Report> {
    let mut report = Report::new(name, 0);
    let mut random = fastrand::Rng::with_seed(seed);
    for watched in scenario.watched() {
        sweep_set(&watched, scenario, &mut random, &mut report, most_harms).context(name.to_owned())?;
    }
    Ok(report)
}

/// The same, with stops at the changes of some words.
fn sweep_set(
    watched: &[u64],
    scenario: &mut dyn Scenario,
    random: &mut fastrand::Rng,
    report: &mut Report,
    most_harms: usize,
) -> Result<()> {
    let mut stops = list(watched, scenario).context("counting failed")?;
    report.add_points((stops.len() + 1) * ROUNDS);
    let mut furthest = vec![0; scenario.last_states().len()];
    let mut number = 0;
    while number <= stops.len() && report.harms() < most_harms {
        let mut further: Vec<_> = (1..ROUNDS).map(|_| random.u32(1..=MOST_FURTHER)).chain([0]).collect();
        further.sort_unstable();
        let mut tries = 0;
        while let Some(next) = further.first() {
            if break_at(watched, &stops[..number], *next, scenario, report, &mut furthest)? {
                further.remove(0);
                continue;
            }
            tries += 1;
            ensure!(tries < TRIES, "no victim gets to change or call number {number}");
            if tries.is_multiple_of(3) {
                stops = list(watched, scenario)?;
                // Other stops come before this one now.
                furthest.fill(0);
                if number > stops.len() {
                    break;
                }
            }
        }
        number += 1;
    }
    Ok(())
}

/// Kills a victim after these stops and so many instructions; `false` if it was not there.
fn break_at(
    watched: &[u64],
    stops: &[Stop],
    further: u32,
    scenario: &mut dyn Scenario,
    report: &mut Report,
    furthest: &mut [usize],
) -> Result<bool> {
    scenario.reset();
    let mut tracee = start(watched, scenario)?;
    let mut arrived = true;
    for stop in stops {
        tracee.let_run_to_call()?;
        arrived = wait(&mut tracee, scenario)? == *stop;
        if !arrived {
            break;
        }
    }
    if arrived && stops.last() != Some(&Stop::Call) {
        go_on(&mut tracee, further)?;
    }
    let victim = tracee.id();
    scenario.stopped(victim);
    let at = tracee.kill()?;
    let found = scenario.inspect(&Death { victim, at });
    report.add_stray(!arrived);
    // If it was not where it should be, it died at some point all the same, so harm is harm.
    let counts = arrived || found.is_err();
    if counts {
        let found = found.and_then(|found| in_order(found, furthest));
        report.record(found, &format!("killed after {} changes and calls, and {further} instructions", stops.len()));
    }
    Ok(counts)
}

fn start(watched: &[u64], scenario: &mut dyn Scenario) -> Result<Tracee> {
    let mut tracee = Tracee::start(|| scenario.victim())?;
    scenario.started();
    tracee.set_watchpoints(watched)?;
    Ok(tracee)
}

/// Where a victim stops on its way through the whole operation.
fn list(watched: &[u64], scenario: &mut dyn Scenario) -> Result<Vec<Stop>> {
    scenario.reset();
    let mut tracee = start(watched, scenario)?;
    let mut stops = Vec::new();
    loop {
        tracee.let_run_to_call()?;
        match wait(&mut tracee, scenario)? {
            Stop::Mark => break,
            stop => stops.push(stop),
        }
    }
    let victim = tracee.id();
    scenario.stopped(victim);
    let at = tracee.kill()?;
    // The rehearsal has judged it.
    let _ = scenario.inspect(&Death { victim, at });
    Ok(stops)
}

/// Goes on for some instructions, but not into a system call or over the end.
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
