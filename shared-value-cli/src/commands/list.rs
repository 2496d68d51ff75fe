//! `list`: the names of this machine.

use clap::Args;
use serde::Serialize;

use crate::failure::Result;
use crate::output::{Cell, Ink, Output, remark};
use crate::process::Users;
use crate::progress::Progress;
use crate::survey::{Entry, Kind, survey};
use crate::target::{Place, glob};

/// List the values, arenas and locks of this machine
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Names, which may contain `*` and `?`, or paths of files. Without any, all names
    names: Vec<String>,
    /// Print JSON: an object with the list `values`
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing<'a> {
    values: &'a [Entry],
    /// The number of files in `/dev/shm` that may not be read.
    unreadable: usize,
    /// The number of processes that may not be looked into: `users` lacks them.
    hidden_processes: usize,
}

pub(crate) fn run(List { names, json }: &List, output: &mut Output) -> Result<()> {
    let users = Users::look();
    let (files, patterns): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.contains('/'));
    let mut entries = Vec::new();
    for file in files {
        entries.push(Entry::at(&Place::of(file), &users)?);
    }
    let mut unreadable = 0;
    let is_all = names.is_empty();
    if is_all || patterns.iter().any(|pattern| glob(pattern).is_ok_and(|glob| glob.is_some())) {
        let globs = patterns.iter().map(|pattern| glob(pattern)).collect::<Result<Vec<_>>>()?;
        let is_wanted = |name: &str| is_all || globs.iter().flatten().any(|glob| glob.is_match(name));
        let survey = survey(&users, is_wanted, &mut Progress::of_steps("looking at names", 0))?;
        entries.extend(survey.entries);
        unreadable = survey.unreadable;
    }
    for name in patterns {
        if glob(name)?.is_none() {
            entries.push(Entry::at(&Place::of(name), &users)?);
        }
    }
    if *json {
        return output.json(&Listing { values: &entries, unreadable, hidden_processes: users.hidden });
    }
    table(&entries, output)?;
    output.flush()?;
    if unreadable > 0 {
        remark(&format!("{unreadable} more files in /dev/shm may not be read by this user"));
    }
    Ok(())
}

fn table(entries: &[Entry], output: &mut Output) -> Result<()> {
    let mut rows = vec![[
        Cell::new("NAME"),
        Cell::new("TYPE"),
        Cell::new("SIZE").right(),
        Cell::new("VERSION").right(),
        Cell::new("LOCK"),
        Cell::new("OPEN IN"),
        Cell::new("STATE"),
    ]];
    rows.extend(entries.iter().map(row));
    output.table(&rows)
}

fn row(entry: &Entry) -> [Cell; 7] {
    let number =
        |number: Option<u64>| Cell::new(number.map_or_else(|| "-".to_owned(), |number| number.to_string())).right();
    let kind = match (entry.kind, entry.values) {
        (Kind::Arena, Some(1)) => "Arena of 1 value".to_owned(),
        (Kind::Arena, Some(count)) => format!("Arena of {count} values"),
        (Kind::Unusable, _) => "-".to_owned(),
        _ => entry.type_name.split('(').next().unwrap_or_default().to_owned(),
    };
    let size = if entry.kind == Kind::Arena { Some(entry.length) } else { entry.size.map(|size| size as u64) };
    let lock = entry.lock.as_ref().map_or("-", |lock| if lock.kind == "itself" { "native" } else { lock.kind });
    let state = entry.state();
    let ink = match () {
        () if entry.fault.is_some() || entry.retired => Ink::Bad,
        () if state.starts_with("held") || state.starts_with("owner") => Ink::Warning,
        () if entry.in_use => Ink::Good,
        () => Ink::Faint,
    };
    [
        Cell::new(&entry.name).ink(Ink::Name),
        Cell::new(kind),
        number(size),
        number(entry.version),
        Cell::new(lock),
        Cell::new(users(entry)),
        Cell::new(state).ink(ink),
    ]
}

/// Lists the first processes that have the segment open.
fn users(entry: &Entry) -> String {
    const SHOWN: usize = 2;
    let mut users: Vec<_> =
        entry.users.iter().take(SHOWN).map(|user| format!("{} ({})", user.process, user.command)).collect();
    if entry.users.len() > SHOWN {
        users.push(format!("{} more", entry.users.len() - SHOWN));
    }
    if users.is_empty() { "-".to_owned() } else { users.join(", ") }
}
