//! The parts of a value that a path matches.

use shared_value::{DynAccessors, DynKind, DynLayout, DynValue, Error};

use crate::failure::{Failure, Result};
use crate::target::open::Writable;
use crate::target::pattern::{Brackets, Step};
use crate::target::readable::Readable;

/// A value whose parts are named by a path.
pub(crate) trait Whole {
    fn layout(&self) -> &DynLayout;
    /// Returns the number of elements, if that changes.
    fn length(&self) -> Result<usize, Error>;
}

impl Whole for Readable {
    fn layout(&self) -> &DynLayout {
        self.layout()
    }

    fn length(&self) -> Result<usize, Error> {
        match self {
            Self::Versioned(value) => DynAccessors::length(value),
            Self::Live(value) => value.parts().length(),
        }
    }
}

impl Whole for Writable {
    fn layout(&self) -> &DynLayout {
        self.layout()
    }

    fn length(&self) -> Result<usize, Error> {
        match self {
            Self::Locked(value) => DynAccessors::length(value),
            Self::Unlocked(value) => DynAccessors::length(value),
        }
    }
}

impl Whole for DynValue {
    fn layout(&self) -> &DynLayout {
        DynAccessors::layout(self)
    }

    fn length(&self) -> Result<usize, Error> {
        DynAccessors::length(self)
    }
}

/// Returns the paths of the parts that steps match, as the library takes them. Of a value whose length changes, these are the
/// elements that it has at this moment.
pub(crate) fn parts(whole: &impl Whole, steps: &[Step]) -> Result<Vec<String>> {
    let mut found = vec![String::new()];
    for step in steps {
        let mut next = Vec::new();
        for path in &found {
            extend(whole, path, step, &mut next)?;
        }
        if next.is_empty() {
            return Err(Failure::not_found("no part of the value matches the path"));
        }
        found = next;
    }
    Ok(found)
}

/// Adds the paths of the parts that one step matches.
fn extend(whole: &impl Whole, path: &str, step: &Step, found: &mut Vec<String>) -> Result<()> {
    let layout = whole.layout();
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
        (Step::Brackets(_), DynKind::Array { length, .. }) => elements(*length, path, step, found)?,
        (Step::Brackets(_), DynKind::Vector { .. }) => elements(whole.length()?, path, step, found)?,
        _ => {}
    }
    Ok(())
}

/// Adds the paths of the elements that one step matches.
fn elements(length: usize, path: &str, step: &Step, found: &mut Vec<String>) -> Result<()> {
    const MOST: usize = 100_000;
    let (start, end) = step.range().unwrap_or((0, usize::MAX));
    let end = end.min(length);
    if end.saturating_sub(start) > MOST {
        return Err(Failure::usage(format!("more than {MOST} elements: give a range such as `[0..100]`")));
    }
    let glob = step.pattern()?;
    let matching = (start..end).filter(|one| glob.as_ref().is_none_or(|glob| glob.is_match(one.to_string())));
    found.extend(matching.map(|one| format!("{path}[{one}]")));
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
