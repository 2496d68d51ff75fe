//! `doctor`: the facts of a segment, the faults that were found, and what to do.

mod finding;
mod lock;
mod patient;
mod print;
mod segment;

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use shared_value::DynLayout;

use crate::commands::change::seconds;
use crate::commands::create::parse_layout;
use crate::commands::doctor::finding::{Finding, Findings, Severity};
use crate::commands::doctor::lock::Watched;
use crate::commands::doctor::patient::{OpenValue, Patient};
use crate::commands::doctor::print::path_of;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::process::Users;
use crate::survey::Entry;
use crate::target::Place;

/// Say what is wrong with a value, and what to do
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The name of a value, an arena or a lock, a value of an arena: `bank[alice]`, a path with `/`, or a token
    name: String,
    /// The type that a program expects: a type, a typecode, a schema, `@FILE`, `-` or `like:NAME`, as for `create`
    #[arg(long, value_name = "TYPE")]
    expect: Option<String>,
    /// How long to watch the lock
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    watch: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The facts and the findings about one segment.
struct Diagnosis {
    /// The path of the file, or words if it has none.
    file: String,
    entry: Entry,
    identity: Option<u128>,
    schema: String,
    watched: Option<Watched>,
    findings: Findings,
}

/// The whole answer, for JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    identity: Option<String>,
    schema: &'a str,
    watched: &'a Option<Watched>,
    hidden_processes: usize,
    findings: &'a [Finding],
}

pub(crate) fn run(Doctor { name, expect, watch, json }: &Doctor, output: &mut Output) -> Result<()> {
    let users = Users::look();
    let expected = expect.as_deref().map(parse_layout).transpose()?;
    let mut diagnosis = match Patient::find(name)? {
        Patient::Segment(place) => examine_segment(&place, &users, expected.as_ref(), *watch)?,
        Patient::Value(value) => examine_value(&value, &users, expected.as_ref(), *watch)?,
    };
    diagnosis.findings.hidden(users.hidden);
    let Diagnosis { file, entry, identity, schema, watched, findings: Findings(findings) } = diagnosis;
    let identity = identity.map(|identity| format!("{identity:032x}"));
    if *json {
        let hidden_processes = users.hidden;
        output.json(&Answer {
            entry: &entry,
            identity,
            schema: &schema,
            watched: &watched,
            hidden_processes,
            findings: &findings,
        })?;
    } else {
        print::print(&file, &entry, identity.as_deref(), watched.as_ref(), &findings, output)?;
    }
    let is_fine = findings.iter().all(|finding| finding.severity == Severity::Note);
    if is_fine { Ok(()) } else { output.flush().and(Err(Failure::no())) }
}

fn examine_segment(place: &Place, users: &Users, expected: Option<&DynLayout>, time: Duration) -> Result<Diagnosis> {
    let report = place.inspect()?;
    let entry = Entry::of(place, &report, users);
    let mut findings = Findings::default();
    let watched = if report.fault().is_none() {
        findings.value(place, &entry, &report);
        if let (Some(expected), Ok(found)) = (expected, DynLayout::parse(report.schema())) {
            findings.layout(expected, &found);
        }
        findings.lock(place, &entry, time)?
    } else {
        findings.fault(place, &report);
        None
    };
    findings.users(place, &entry, &report);
    let (file, identity, schema) = (path_of(place), report.identity(), report.schema().to_owned());
    Ok(Diagnosis { file, entry, identity, schema, watched, findings })
}

/// Examines a value of an arena, or one that a token leads to.
fn examine_value(
    patient: &OpenValue,
    users: &Users,
    expected: Option<&DynLayout>,
    time: Duration,
) -> Result<Diagnosis> {
    let OpenValue { value, place, .. } = patient;
    let report = place.as_ref().map(Place::inspect).transpose()?;
    let entry = patient.entry(report.as_ref(), users);
    let mut findings = Findings::default();
    findings.bits(value);
    if let Some(expected) = expected {
        findings.layout(expected, value.layout());
    }
    let watched = findings.lock_of_value(value, &entry, time)?;
    let file = place.as_ref().map_or_else(|| "no name".to_owned(), path_of);
    let identity = report.as_ref().and_then(shared_value::Report::identity);
    Ok(Diagnosis { file, entry, identity, schema: value.layout().to_string(), watched, findings })
}
