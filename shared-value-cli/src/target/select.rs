//! Selects the values of a target, opened for reading, and the parts of each.

use shared_value::{Arena, Dyn, DynKind, DynLayout, Id, ReadOnly, inspect};

use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::target::pattern::{Brackets, Step, quoted_key};
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
    let report = inspect(place.location()?)?;
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

/// Returns a key or an id as it is written between brackets.
pub(crate) fn shown(entry: &Brackets) -> String {
    match entry {
        Brackets::Plain(key) | Brackets::Key(key) => quoted_key(key),
        Brackets::Id(bits) => format!("#{bits}"),
    }
}

/// Returns the paths of the parts that steps match, as the library takes them.
pub(crate) fn parts(layout: &DynLayout, steps: &[Step]) -> Result<Vec<String>> {
    let mut found = vec![String::new()];
    for step in steps {
        let mut next = Vec::new();
        for path in &found {
            extend(layout, path, step, &mut next)?;
        }
        if next.is_empty() {
            return Err(Failure::not_found("no part of the value matches the path"));
        }
        found = next;
    }
    Ok(found)
}

/// Adds the paths of the parts that one step matches.
fn extend(layout: &DynLayout, path: &str, step: &Step, found: &mut Vec<String>) -> Result<()> {
    const MOST: usize = 100_000;
    let field = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if !step.is_pattern() {
        found.push(match step {
            Step::Name(name) => field(name),
            Step::Brackets(Brackets::Plain(text)) => format!("{path}[{text}]"),
            Step::Brackets(_) => return Err(Failure::usage("only a value of an arena is named by a key or an id")),
        });
        // Names the part that is missing.
        layout.part(found.last().map_or("", String::as_str))?;
        return Ok(());
    }
    let part = layout.part(path)?;
    match (step, unwrapped(part.layout()).kind()) {
        (Step::Name(_), DynKind::Struct { fields }) => {
            let glob = step.pattern()?;
            let named = fields.iter().filter(|one| !one.layout().is_reserved());
            let matching = named.filter(|one| glob.as_ref().is_some_and(|glob| glob.is_match(one.name())));
            found.extend(matching.map(|one| field(one.name())));
        }
        (Step::Brackets(_), DynKind::Array { length, .. }) => {
            let (start, end) = step.range().unwrap_or((0, usize::MAX));
            let end = end.min(*length);
            if end.saturating_sub(start) > MOST {
                return Err(Failure::usage(format!("more than {MOST} elements: give a range such as `[0..100]`")));
            }
            let glob = step.pattern()?;
            let matching = (start..end).filter(|one| glob.as_ref().is_none_or(|glob| glob.is_match(one.to_string())));
            found.extend(matching.map(|one| format!("{path}[{one}]")));
        }
        _ => {}
    }
    Ok(())
}

/// Returns the layout under all newtypes.
pub(crate) fn unwrapped(layout: &DynLayout) -> &DynLayout {
    let mut layout = layout;
    while let DynKind::Newtype { inner } = layout.kind() {
        layout = inner;
    }
    layout
}
