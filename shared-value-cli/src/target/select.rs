//! Selects the values of a target, opened for reading.

use shared_value::{Arena, Dyn, Id, ReadOnly};

use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::target::pattern::{Brackets, Step, shown};
use crate::target::place::{Place, Target};
use crate::target::readable::Readable;

/// A value that is opened for reading.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    /// The name or path, and for a value of an arena its key in brackets.
    pub(crate) label: String,
    pub(crate) value: Readable,
    /// The path of the wanted part; it may be a pattern.
    pub(crate) steps: Vec<Step>,
}

impl Selected {
    /// Returns the label of a part at this path.
    pub(crate) fn label_of(&self, path: &str) -> String {
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        format!("{}{dot}{path}", self.label)
    }
}

/// What a target names.
#[derive(Debug)]
pub(crate) enum Selection {
    Values(Vec<Selected>),
    /// An arena as a whole.
    Arena(Arena<ReadOnly>),
}

/// Opens what a target names for reading.
pub(crate) fn select(target: &Target) -> Result<Selection> {
    let Target { place, steps } = target;
    if !is_arena(place)? {
        let value = Readable::open(&place.source())?;
        let selected = Selected { label: place.to_string(), value, steps: steps.clone() };
        return Ok(Selection::Values(vec![selected]));
    }
    let arena = Arena::open_read_only(place.source())?;
    let Some((first, steps)) = steps.split_first() else { return Ok(Selection::Arena(arena)) };
    let Step::Brackets(brackets) = first else {
        let message = format!("`{place}` is an arena: name one of its values by its key, as in `{place}[key]`");
        return Err(Failure::usage(message));
    };
    let mut values = Vec::new();
    let entries = entries(&arena, first, brackets)?;
    let mut progress = Progress::of_steps("opening values", entries.len());
    for entry in entries {
        progress.step();
        let Some(value) = get(&arena, &entry)? else {
            if first.is_pattern() {
                continue; // It was removed since it was listed.
            }
            let message = format!("no value `{place}[{}]`: `shared-value show {place}` lists the keys", shown(&entry));
            return Err(Failure::not_found(message));
        };
        let label = format!("{place}[{}]", shown(&entry));
        values.push(Selected { label, value, steps: steps.to_vec() });
    }
    Ok(Selection::Values(values))
}

/// Returns whether a segment is an arena.
pub(crate) fn is_arena(place: &Place) -> Result<bool> {
    if let Place::Token(_) = place {
        // Only opening it tells.
        return Ok(Arena::open_read_only(place.source()).is_ok());
    }
    let report = place.inspect()?;
    match report.fault() {
        Some(fault) => Err(Failure::unfit(fault)),
        None => Ok(report.is_arena()),
    }
}

/// Returns the keys and ids that brackets match.
fn entries(arena: &Arena<ReadOnly>, step: &Step, brackets: &Brackets) -> Result<Vec<Brackets>> {
    let (Some(glob), Brackets::Plain(text)) = (step.pattern()?, brackets) else { return Ok(vec![brackets.clone()]) };
    let mut found = Vec::new();
    for entry in arena.iter() {
        match entry.key() {
            Some(key) if glob.is_match(key) => found.push(Brackets::Key(key.to_owned())),
            None if text == "*" => found.push(Brackets::Id(entry.id::<Dyn>().to_bits().get())),
            _ => {}
        }
    }
    found.reverse(); // Lists begin with the newest value.
    if found.is_empty() {
        return Err(Failure::not_found(format!("no key of `{}` matches `{text}`", arena.segment_name())));
    }
    Ok(found)
}

/// Returns a value of an arena.
pub(crate) fn get(arena: &Arena<ReadOnly>, entry: &Brackets) -> Result<Option<Readable>> {
    Ok(match entry {
        Brackets::Plain(key) | Brackets::Key(key) => Readable::find(arena, key.into())?,
        Brackets::Id(bits) => match std::num::NonZeroU64::new(*bits) {
            Some(bits) => Readable::find(arena, Id::from_bits(bits).into())?,
            None => None,
        },
    })
}
