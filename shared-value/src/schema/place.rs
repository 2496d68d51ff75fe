//! The paths of parts: `limits[2]`, `corners[1].x`, and the empty path for the whole value.
//!
//! ```text
//! path  = [ name | index, { ".", name | index } ]
//! index = "[", number, "]"
//! ```

use std::fmt::{self, Display, Formatter, Write as _};

use crate::error::Error;
use crate::format::growth::Growth;
use crate::schema::{DynField, DynKind, DynLayout};

/// One step into a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'p> {
    Field(&'p str),
    Element(usize),
}

/// The steps of a path, up to the first mistake in it.
#[derive(Clone, Debug)]
pub(crate) struct Steps<'p> {
    path: &'p str,
    rest: &'p str,
}

impl<'p> Steps<'p> {
    pub(crate) fn of(path: &'p str) -> Self {
        Self { path, rest: path }
    }

    /// Returns the part of the path whose steps were taken.
    fn done(&self) -> &'p str {
        &self.path[..self.path.len() - self.rest.len()]
    }

    fn broken(&self) -> Error {
        let reason = "a path is made of names behind `.` and numbers in brackets, as in `corners[1].x`";
        Error::NoSuchPart { path: shown(self.path), reason: reason.to_owned() }
    }
}

impl<'p> Iterator for Steps<'p> {
    type Item = Result<Step<'p>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let step = if let Some(rest) = self.rest.strip_prefix('[') {
            rest.split_once(']')
                .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|(digits, rest)| Some((Step::Element(digits.parse().ok()?), rest)))
        } else {
            // The first name has no dot before it.
            let is_first = self.rest.len() == self.path.len();
            let rest = if is_first { Some(self.rest) } else { self.rest.strip_prefix('.') };
            rest.map(|rest| rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())))
                .filter(|(name, _)| !name.is_empty() && !name.contains(']'))
                .map(|(name, rest)| (Step::Field(name), rest))
        };
        let Some((step, rest)) = step else {
            let error = self.broken();
            self.rest = "";
            return Some(Err(error));
        };
        self.rest = rest;
        Some(Ok(step))
    }
}

/// A part of a value: its layout and its offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'l> {
    pub(crate) layout: &'l DynLayout,
    pub(crate) offset: usize,
    /// The words outside of the slots that hold the part, if it is an atomic field of the value, or an element of one.
    pub(crate) atomic: Option<WordRange>,
    /// The counters that it consists of, if it is a counter of the value, or an element of one.
    pub(crate) counters: Option<WordRange>,
    /// Whether the part is the whole value.
    pub(crate) is_value: bool,
}

/// The words of an atomic field, or the numbers of counters: one, or one for each element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WordRange {
    pub(crate) first: usize,
    pub(crate) count: usize,
}

impl DynLayout {
    /// Lists the atomic fields of the value itself, each with its words.
    pub(crate) fn atomic_words(&self) -> impl Iterator<Item = (&DynField, WordRange)> {
        self.atomic_fields().scan(0, |next, field| {
            let words = WordRange { first: *next, count: field.words() };
            *next += words.count;
            Some((field, words))
        })
    }

    /// Lists the counters of the value itself, each with their numbers.
    pub(crate) fn counters(&self) -> impl Iterator<Item = (&DynField, WordRange)> {
        self.counter_fields().scan(0, |next, field| {
            let counters = WordRange { first: *next, count: field.elements() };
            *next += counters.count;
            Some((field, counters))
        })
    }
}

impl<'l> Place<'l> {
    pub(crate) fn of_value(layout: &'l DynLayout) -> Self {
        Self { layout, offset: 0, atomic: None, counters: None, is_value: true }
    }

    /// Returns the part of a value at this path.
    pub(crate) fn at(value: &'l DynLayout, path: &str) -> Result<Self, Error> {
        let mut place = Self::of_value(value);
        let mut steps = Steps::of(path);
        loop {
            let outside = steps.done();
            let Some(step) = steps.next() else { return Ok(place) };
            place = place.step(step?).map_err(|reason| {
                let what = if outside.is_empty() { "the value".to_owned() } else { format!("`{}`", shown(outside)) };
                Error::NoSuchPart { path: shown(path), reason: format!("{what} {reason}") }
            })?;
        }
    }

    /// Takes one step. The error lists the parts that exist instead.
    fn step(self, step: Step<'_>) -> Result<Self, String> {
        let layout = self.layout.unwrapped();
        match (step, &layout.kind) {
            (Step::Field(name), DynKind::Struct { fields }) => {
                let mut known = fields.iter().filter(|field| !field.layout.is_reserved());
                let field = known.clone().find(|field| field.name == name).ok_or_else(|| {
                    let names = known.by_ref().map(|field| field.name.as_str());
                    format!("has no such field, but {}", listed(names))
                })?;
                // Atomic fields in newtypes, inner structs and arrays are ordinary bytes of the slots.
                let has_word = field.is_atomic && self.is_value && std::ptr::eq(layout, self.layout);
                let words = || layout.atomic_words().find(|(atomic, _)| std::ptr::eq(*atomic, field));
                let atomic = has_word.then(words).flatten().map(|(_, words)| words);
                let counters = (field.is_counter && self.is_value).then(|| {
                    layout.counters().find(|(counter, _)| std::ptr::eq(*counter, field)).map(|(_, counters)| counters)
                });
                let (offset, counters) = (self.offset + field.offset, counters.flatten());
                Ok(Self { layout: &field.layout, offset, atomic, counters, is_value: false })
            }
            (Step::Element(index), DynKind::Array { length, element }) if index < *length => {
                let atomic = self.atomic.map(|words| WordRange { first: words.first + index, count: 1 });
                let counters = self.counters.map(|words| WordRange { first: words.first + index, count: 1 });
                let offset = self.offset + index * element.size;
                Ok(Self { layout: element, offset, atomic, counters, is_value: false })
            }
            (Step::Element(index), DynKind::Vector { element }) => {
                // How many there are is known only at a read.
                let start = index.checked_mul(element.size).and_then(|start| start.checked_add(Growth::HEAD));
                let offset = start.filter(|start| *start <= isize::MAX.unsigned_abs());
                let offset = offset.ok_or_else(|| "cannot have an element of this number".to_owned())?;
                Ok(Self { layout: element, offset, atomic: None, counters: None, is_value: false })
            }
            (Step::Element(_), DynKind::Array { length, .. }) => Err(format!("has {length} elements")),
            (Step::Field(_), _) => Err(format!("is of type `{}`, which has no fields", layout.type_text())),
            (Step::Element(_), _) => Err(format!("is of type `{}`, which has no elements", layout.type_text())),
        }
    }
}

/// Lists names for an error, but only the first few.
pub(crate) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 24;
    let mut list = String::new();
    let mut count = 0;
    for name in names {
        if count < SHOWN {
            let separator = if count == 0 { "" } else { ", " };
            let _ = write!(list, "{separator}`{}`", shown(name));
        }
        count += 1;
    }
    if count > SHOWN { format!("{list} and {} more", count - SHOWN) } else { list }
}

/// Returns text in the form that errors show.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN: usize = 100;
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{shown}..") } else { shown }
}

/// The path of a part, for errors: it becomes text only if there is an error.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    /// A part of this layout, at this path of its value.
    Start(&'a str, &'a DynLayout),
    Field(&'a Way<'a>, &'a str),
    Element(&'a Way<'a>, usize),
}

impl Way<'_> {
    fn write(&self, formatter: &mut Formatter<'_>) -> Result<bool, fmt::Error> {
        match self {
            Self::Start(path, _) => {
                formatter.write_str(path)?;
                Ok(!path.is_empty())
            }
            Self::Field(way, name) => {
                if way.write(formatter)? {
                    formatter.write_str(".")?;
                }
                formatter.write_str(name)?;
                Ok(true)
            }
            Self::Element(way, index) => {
                way.write(formatter)?;
                write!(formatter, "[{index}]")?;
                Ok(true)
            }
        }
    }
}

/// Prints the path. For the whole value, prints the name of the type, as errors of typed values do.
impl Display for Way<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start("", layout) => formatter.write_str(layout.innermost_name()),
            _ => self.write(formatter).map(|_| ()),
        }
    }
}
