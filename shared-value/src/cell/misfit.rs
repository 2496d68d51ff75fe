//! `Misfit`: why a value of one version of a type cannot be used as another version.
//!
//! `layout/pins/released.rs` has the same rules for types that the compiler knows. Tests compare the two.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::Error;
use crate::schema::place::shown;
use crate::schema::{DynField, DynKind, DynLayout, read};

/// A part that differs between two versions, although it may not.
#[derive(Debug)]
struct Misfit {
    /// The part, as this program declares it.
    expected: String,
    /// The part, as the segment records it.
    found: String,
    /// Why it may not differ, and what to do.
    reason: String,
}

/// Checks that a value of the schema `theirs` can be used as one of the schema `ours`.
///
/// # Errors
/// `LayoutMismatch`; `difference` if the types are unrelated; `InvalidSegment` if `theirs` is not a schema.
pub(super) fn check(name: &str, ours: &str, theirs: &str, difference: Error) -> Result<(), Error> {
    if !matches!(difference, Error::LayoutMismatch { .. }) || ours.lines().next() != theirs.lines().next() {
        return Err(difference);
    }
    let read = |schema| read(schema).map_err(|invalid| invalid.of(name));
    compare(&read(ours)?, &read(theirs)?, Part::VALUE).map_err(|Misfit { expected, found, reason }| {
        Error::LayoutMismatch { name: name.to_owned(), explanation: reason, expected, found }
    })
}

/// Pairs of schemas that fit, each as one word: opening a value in an arena need not read two schemas each time.
static KNOWN: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];

/// Returns the place and the word of a pair of fingerprints. Other pairs may have the same word only by a coincidence of 64
/// bits, or if a peer has made the fingerprint up. It could as well have written the expected one.
fn pair(ours: u64, theirs: u64) -> (&'static AtomicU64, u64) {
    let word = ours.rotate_left(32).wrapping_add(theirs).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (&KNOWN[(word >> 58) as usize], word)
}

/// Returns whether the two schemas with these fingerprints were found to fit. If not, they may fit all the same.
pub(super) fn is_known_to_fit(ours: u64, theirs: u64) -> bool {
    let (place, word) = pair(ours, theirs);
    place.load(Relaxed) == word
}

/// Notes that the two schemas with these fingerprints fit.
pub(super) fn note_fit(ours: u64, theirs: u64) {
    let (place, word) = pair(ours, theirs);
    place.store(word, Relaxed);
}

/// The place of a part in the value.
#[derive(Clone, Copy)]
struct Part<'p> {
    parent: Option<(&'p Part<'p>, &'p str)>,
    offset: usize,
}

impl<'p> Part<'p> {
    const VALUE: Self = Self { parent: None, offset: 0 };

    fn field(&'p self, field: &'p DynField) -> Self {
        Self { parent: Some((self, &field.name)), offset: self.offset + field.offset }
    }

    fn element(&'p self) -> Self {
        Self { parent: Some((self, "[]")), offset: self.offset }
    }

    fn path(&self) -> String {
        match self.parent {
            None => String::new(),
            Some((parent, name)) => {
                let outside = parent.path();
                let separator = if outside.is_empty() || name == "[]" { "" } else { "." };
                format!("{outside}{separator}{name}")
            }
        }
    }

    /// Describes the part in words. `outside` says whether it lies outside of the slots.
    fn told(&self, layout: &DynLayout, outside: &str) -> String {
        let path = self.path();
        let separator = if path.is_empty() { "" } else { ": " };
        shown(&format!("{path}{separator}{outside}{} at byte {}", layout.type_text(), self.offset))
    }

    /// Returns the misfit of a part that both have.
    fn differs(&self, [ours, theirs]: [&DynLayout; 2], reason: &str) -> Misfit {
        let (expected, found) = (self.told(ours, ""), self.told(theirs, ""));
        let reason = format!("expected `{expected}`, found `{found}`: {reason}");
        Misfit { expected, found, reason }
    }
}

fn compare(ours: &DynLayout, theirs: &DynLayout, part: Part<'_>) -> Result<(), Misfit> {
    let both = [ours, theirs];
    match (&ours.kind, &theirs.kind) {
        (DynKind::Struct { .. }, DynKind::Struct { .. }) if ours.name != theirs.name => {
            Err(part.differs(both, "the name of a type cannot change"))
        }
        (DynKind::Struct { fields: mine }, DynKind::Struct { fields: other }) => {
            match (ours.evolves(), theirs.evolves()) {
                (true, true) => compare_versions(both, mine, other, part),
                (false, false) => compare_fields(both, mine, other, part),
                (is_ours, _) => {
                    let (name, who) = (shown(ours.name()), if is_ours { "the segment" } else { "this program" });
                    let reason = format!("the `{name}` of {who} is not `#[shared(evolves)]`, and both must be");
                    Err(Misfit { expected: size(ours), found: size(theirs), reason })
                }
            }
        }
        (DynKind::Array { length, element }, DynKind::Array { length: other, element: theirs }) if length == other => {
            compare(element, theirs, part.element())
        }
        (DynKind::Slice { element }, DynKind::Slice { element: theirs })
        | (DynKind::Vector { element }, DynKind::Vector { element: theirs }) => {
            compare(element, theirs, part.element())
        }
        (DynKind::Newtype { inner }, DynKind::Newtype { inner: other }) if ours.name == theirs.name => {
            compare(inner, other, part)
        }
        _ if ours == theirs => Ok(()),
        _ => Err(part.differs(both, "the type of a field cannot change")),
    }
}

/// Compares two structs that do not evolve.
fn compare_fields(
    [ours, theirs]: [&DynLayout; 2],
    mine: &[DynField],
    other: &[DynField],
    part: Part<'_>,
) -> Result<(), Misfit> {
    let told = |field: Option<&DynField>, layout: &DynLayout| {
        field.map_or_else(|| size(layout), |field| part.field(field).told(&field.layout, field.outside()))
    };
    let name = |field: &DynField| (field.name.clone(), field.offset, field.is_atomic, field.is_counter);
    let count = mine.len().max(other.len());
    let differing = (0..count).find(|index| mine.get(*index).map(name) != other.get(*index).map(name));
    if differing.is_some() || (ours.size, ours.align, ours.lanes()) != (theirs.size, theirs.align, theirs.lanes()) {
        let index = differing.unwrap_or(count);
        let (expected, found) = (told(mine.get(index), ours), told(other.get(index), theirs));
        let name = shown(ours.name());
        let reason = format!(
            "expected `{expected}`, found `{found}`: `{name}` is not `#[shared(evolves)]`, so it cannot change"
        );
        return Err(Misfit { expected, found, reason });
    }
    mine.iter().zip(other).try_for_each(|(mine, other)| compare(&mine.layout, &other.layout, part.field(mine)))
}

/// Compares two versions of a struct that evolves.
fn compare_versions(
    [ours, theirs]: [&DynLayout; 2],
    mine: &[DynField],
    other: &[DynField],
    part: Part<'_>,
) -> Result<(), Misfit> {
    if ours.size != theirs.size {
        let reason = format!(
            "the size of `{}` cannot change: expected {} bytes, found {}; make room for new fields by a field of type \
             `Reserved<N>` in the first version, and take the bytes of new fields from it, or let `replace` make a new value",
            shown(ours.name()),
            ours.size,
            theirs.size
        );
        return Err(Misfit { expected: size(ours), found: size(theirs), reason });
    }
    if ours.lanes() != theirs.lanes() && ours.lanes() != 0 && theirs.lanes() != 0 {
        let told = |layout: &DynLayout| format!("{} lanes", layout.lanes());
        let reason =
            format!("the number of lanes of counters cannot change: expected {}, found {}", told(ours), told(theirs));
        return Err(Misfit { expected: told(ours), found: told(theirs), reason });
    }
    let known =
        |fields: &'_ [DynField]| fields.iter().filter(|field| !field.layout.is_reserved()).cloned().collect::<Vec<_>>();
    let (mine, other) = (known(mine), known(other));
    for field in &mine {
        let part = part.field(field);
        match other.iter().find(|other| other.name == field.name) {
            Some(other) => compare_field(field, other, part)?,
            None => check_new(field, &other, ["this program", "the segment"], part).map_err(|reason| {
                let (expected, path) = (part.told(&field.layout, field.outside()), shown(&part.path()));
                Misfit { expected, found: format!("no field `{path}`"), reason }
            })?,
        }
    }
    let is_theirs = |field: &&DynField| mine.iter().all(|mine| mine.name != field.name);
    other.iter().filter(is_theirs).try_for_each(|field| {
        let part = part.field(field);
        check_new(field, &mine, ["the segment", "this program"], part).map_err(|reason| {
            let (found, path) = (part.told(&field.layout, field.outside()), shown(&part.path()));
            Misfit { expected: format!("no field `{path}`"), found, reason }
        })
    })
}

/// Compares a field that both versions have.
fn compare_field(mine: &DynField, other: &DynField, part: Part<'_>) -> Result<(), Misfit> {
    let misfit = |reason: &str| {
        let told = |field: &DynField| {
            let offset = part.offset - mine.offset + field.offset;
            Part { offset, ..part }.told(&field.layout, field.outside())
        };
        let (expected, found) = (told(mine), told(other));
        let reason = format!("expected `{expected}`, found `{found}`: {reason}");
        Misfit { expected, found, reason }
    };
    if mine.offset != other.offset {
        return Err(misfit("a field cannot move"));
    }
    if mine.is_atomic != other.is_atomic {
        return Err(misfit("a field can neither become atomic nor cease to be"));
    }
    if mine.is_counter != other.is_counter {
        return Err(misfit("a field can neither become a counter nor cease to be"));
    }
    compare(&mine.layout, &other.layout, part)
}

/// Checks that a field of one version may be missing in the other one, which has the fields `others`. `with` names the program
/// that has the field, `without` the other one. The error is the reason.
fn check_new(field: &DynField, others: &[DynField], [with, without]: [&str; 2], part: Part<'_>) -> Result<(), String> {
    let path = shown(&part.path());
    let told = format!("{with} has a field `{path}`, which {without} does not have");
    if field.is_atomic {
        return Err(format!("{told}: atomic fields can be neither added nor removed"));
    }
    if field.is_counter {
        return Err(format!("{told}: counters can be neither added nor removed"));
    }
    if let Some(other) = others.iter().find(|other| overlap(&bytes(field), &bytes(other))) {
        let (name, at) = (shown(&other.name), part.offset - field.offset + other.offset);
        return Err(format!(
            "{with} has a field `{path}` where {without} has `{name}`, at byte {at}: a field keeps its name, and a new one \
             must lie in bytes of a `Reserved` field, or in padding"
        ));
    }
    if !accepts_zeros(&field.layout) {
        return Err(format!(
            "{told}, and zeros are not a `{}`: a new field is zero in a value that was created without it; use a type \
             of which zero is a value",
            shown(&field.layout.type_text())
        ));
    }
    Ok(())
}

fn bytes(field: &DynField) -> Range<usize> {
    field.offset..field.offset + field.layout.size
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Returns whether zeros are a value.
fn accepts_zeros(layout: &DynLayout) -> bool {
    match &layout.kind {
        DynKind::Nonzero { .. } => false,
        DynKind::Enum { .. } => layout.variant(0).is_some(),
        DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
            accepts_zeros(element)
        }
        DynKind::Newtype { inner } => accepts_zeros(inner),
        DynKind::Struct { fields } => fields.iter().all(|field| accepts_zeros(&field.layout)),
        _ => true,
    }
}

/// Describes the size of a struct in words.
fn size(layout: &DynLayout) -> String {
    let evolves = if layout.evolves() { ", evolves" } else { "" };
    format!("{}: {} bytes, align {}{evolves}", shown(layout.name()), layout.size, layout.align)
}
