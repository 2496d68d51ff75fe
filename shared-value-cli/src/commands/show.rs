//! `show` and `get`: values as they are.

use clap::Args;
use serde::Serialize;
use shared_value::{Arena, Dyn, DynData, DynKind, ReadOnly};

use crate::failure::{Failure, Result};
use crate::output::{Cell, Ink, Output, escaped};
use crate::progress::Progress;
use crate::target::{
    Brackets, Readable, Selected, Selection, Step, Target, parse_path, parts, resolve, select, shown, split, unwrapped,
};
use crate::value::{Limits, bare, inline, size_of, tree, type_text};

/// Show values as trees, with the type of each part
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// What to show: `account`, `account.limits[2]`, `bank[alice].balance`, `metrics[http.*]`, `./file`
    #[arg(required = true)]
    targets: Vec<String>,
    /// Print JSON: a list with an object for each value or part
    #[arg(long)]
    json: bool,
    /// Show all elements of long arrays
    #[arg(long)]
    all: bool,
}

/// Print one part as bare text, for scripts
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The value: `account`, `bank[alice]`, or with the path in one: `account.balance`
    name: String,
    /// The part: `balance`, `limits[2]`; for an arena, `[alice].balance`
    path: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print texts as they are, with their control characters, and without a line feed at the end
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// A part of a value, for JSON.
#[derive(Serialize)]
struct Part<'a> {
    target: String,
    #[serde(rename = "type")]
    type_name: String,
    size: usize,
    /// `null` for a live value, which has no versions.
    version: Option<u64>,
    value: &'a DynData,
}

/// An arena, for JSON.
#[derive(Serialize)]
struct Whole {
    target: String,
    #[serde(rename = "type")]
    type_name: &'static str,
    values: usize,
    used: usize,
    capacity: usize,
    entries: Vec<Row>,
}

/// A value of an arena, for JSON.
#[derive(Serialize)]
struct Row {
    key: Option<String>,
    id: u64,
    #[serde(rename = "type")]
    type_name: String,
    size: usize,
    live: bool,
}

pub(crate) fn show(Show { targets, json, all }: &Show, output: &mut Output) -> Result<()> {
    let limits = Limits { elements: if *all { usize::MAX } else { 32 } };
    let mut objects = Vec::new();
    for target in targets.iter().map(|target| resolve(target)).collect::<Result<Vec<_>>>()?.iter().flatten() {
        match select(target)? {
            Selection::Arena(arena) if *json => objects.push(serde_json::to_value(whole(target, &arena))?),
            Selection::Arena(arena) => show_arena(target, &arena, output)?,
            Selection::Values(values) => {
                for selected in &values {
                    show_value(selected, limits, if *json { Some(&mut objects) } else { None }, output)?;
                }
            }
        }
    }
    if *json { output.json(&objects) } else { Ok(()) }
}

fn show_value(
    selected: &Selected,
    limits: Limits,
    objects: Option<&mut Vec<serde_json::Value>>,
    output: &mut Output,
) -> Result<()> {
    let value = &selected.value;
    let mut objects = objects;
    for path in parts(value, &selected.steps)? {
        let label = selected.label_of(&path);
        let layout = value.layout().part(&path)?.layout();
        let first = match unwrapped(layout).kind() {
            // A long array is read as far as it is shown: it may be too large to be read as a whole.
            DynKind::Array { length, .. } if objects.is_none() && *length > limits.elements => Some(limits.elements),
            _ => None,
        };
        let (version, data) = read(value, &path, first).map_err(|failure| failure.of(&label))?;
        let size = size_of(layout, &data);
        if let Some(objects) = &mut objects {
            let type_name = type_text(layout);
            objects.push(serde_json::to_value(Part { target: label, type_name, size, version, value: &data })?);
            continue;
        }
        tree(output, &label, layout, &data, limits)?;
        if selected.steps.is_empty() {
            let facts = match version {
                None => "live: no versions, so parts may be of different moments".to_owned(),
                Some(0) => "never changed".to_owned(),
                Some(version) => format!("version {version}"),
            };
            let facts = output.ink(Ink::Faint, &format!("{facts}, {size} bytes"));
            output.line(&format!("  {facts}"))?;
        }
    }
    Ok(())
}

fn show_arena(target: &Target, arena: &Arena<ReadOnly>, output: &mut Output) -> Result<()> {
    let name = output.ink(Ink::Name, &target.place.to_string());
    let facts = format!("{} values, {} of {} bytes taken", arena.len(), arena.used(), arena.capacity());
    let facts = output.ink(Ink::Faint, &facts);
    output.line(&format!("{name}: Arena, {facts}"))?;
    let mut rows = vec![[
        Cell::new("KEY"),
        Cell::new("TYPE"),
        Cell::new("SIZE").right(),
        Cell::new("VERSION").right(),
        Cell::new("VALUE"),
    ]];
    let mut entries: Vec<_> = arena.iter().collect();
    entries.reverse(); // Lists begin with the newest value.
    let mut progress = Progress::of_steps("reading values", entries.len());
    for entry in entries {
        progress.step();
        let key = entry
            .key()
            .map_or_else(|| Brackets::Id(entry.id::<Dyn>().to_bits().get()), |key| Brackets::Key(key.to_owned()));
        // It may be removed meanwhile.
        let value = Readable::find(arena, entry.id().into()).ok().flatten();
        let text = |value: &Readable| match value.load() {
            Ok(data) => inline(&data, 60),
            Err(error) => format!("<{error}>"),
        };
        rows.push([
            Cell::new(shown(&key)).ink(Ink::Name),
            Cell::new(entry.type_name().split('(').next().unwrap_or_default()),
            Cell::new(entry.size().to_string()).right(),
            Cell::new(value.as_ref().map_or_else(String::new, version)).right(),
            Cell::new(value.as_ref().map_or_else(|| "(removed)".to_owned(), text)),
        ]);
    }
    drop(progress);
    output.table(&rows)
}

/// Returns the version in words.
fn version(value: &Readable) -> String {
    value.version().map_or_else(|| "live".to_owned(), |version| version.to_string())
}

fn whole(target: &Target, arena: &Arena<ReadOnly>) -> Whole {
    let row = |entry: shared_value::Entry| Row {
        key: entry.key().map(str::to_owned),
        id: entry.id::<Dyn>().to_bits().get(),
        type_name: entry.type_name().to_owned(),
        size: entry.size(),
        live: entry.is_live(),
    };
    let mut entries: Vec<_> = arena.iter().map(row).collect();
    entries.reverse();
    Whole {
        target: target.place.to_string(),
        type_name: "Arena",
        values: arena.len(),
        used: arena.used(),
        capacity: arena.capacity(),
        entries,
    }
}

/// Returns a part, or the first elements of one, and the version that it belongs to.
fn read(value: &Readable, path: &str, first: Option<usize>) -> Result<(Option<u64>, DynData)> {
    const TRIES: usize = 100;
    let get = || match first {
        None => value.get(path),
        Some(first) => {
            let elements: Result<_, _> = (0..first).map(|one| value.get(&format!("{path}[{one}]"))).collect();
            Ok(DynData::Array(elements?))
        }
    };
    let mut version = value.version();
    let mut data = get()?;
    // Beside a writer that commits all the time, the version may be a little too old.
    for _ in 0..TRIES {
        let now = value.version();
        if now == version {
            break;
        }
        version = now;
        data = get()?;
    }
    Ok((version, data))
}

pub(crate) fn get(Get { name, path, json, raw }: &Get, output: &mut Output) -> Result<()> {
    let mut target = split(name)?;
    target.steps.extend(path.as_deref().map(parse_path).transpose()?.unwrap_or_default());
    let Selection::Values(values) = select(&target)? else {
        return Err(Failure::usage(format!("`{name}` is an arena: name one of its values, as in `[key].field`")));
    };
    let is_pattern = target.steps.iter().any(Step::is_pattern);
    for selected in &values {
        for path in parts(&selected.value, &selected.steps)? {
            let label = selected.label_of(&path);
            let data = selected.value.get(&path).map_err(|error| Failure::from(error).of(&label))?;
            match () {
                () if *json => output.json_line(&data)?,
                () if *raw => output.raw(bare(&data).as_bytes())?,
                () if is_pattern => output.line(&format!("{}\t{}", escaped(&label), escaped(&bare(&data))))?,
                () => output.line(&escaped(&bare(&data)))?,
            }
        }
    }
    Ok(())
}
