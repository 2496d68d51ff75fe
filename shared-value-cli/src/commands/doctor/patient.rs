//! `Patient`: what `doctor` looks at.

use shared_value::{Arena, LockState, Report};

use crate::failure::{Failure, Result};
use crate::process::{File, Mapped, Users};
use crate::survey::{Entry, LockFacts};
use crate::target::{Place, Readable, Selection, Target, select, split};

/// What `doctor` looks at.
pub(super) enum Patient {
    /// A segment as a whole.
    Segment(Place),
    Value(OpenValue),
}

/// A value of an arena, or one that a token leads to and that has no name.
pub(super) struct OpenValue {
    label: String,
    pub(super) value: Readable,
    /// Where the segment lies, if it has a name.
    pub(super) place: Option<Place>,
    file: Option<File>,
}

impl Patient {
    pub(super) fn find(name: &str) -> Result<Self> {
        let target = split(name)?;
        if let Place::Token(_) = target.place {
            return Self::of_token(&target);
        }
        if target.steps.is_empty() {
            return Ok(Self::Segment(target.place));
        }
        let refused = || {
            let place = &target.place;
            Failure::usage(format!("`doctor` looks at a segment, `{place}`, or at one value of an arena: `bank[key]`"))
        };
        let [step] = target.steps.as_slice() else { return Err(refused()) };
        if !target.place.inspect()?.is_arena() || step.is_pattern() {
            return Err(refused());
        }
        let Selection::Values(values) = select(&target)? else { return Err(refused()) };
        let one = values.into_iter().next().ok_or_else(refused)?;
        let file = target.place.path().and_then(|path| File::at(&path));
        Ok(Self::Value(OpenValue { label: one.label, value: one.value, place: Some(target.place), file }))
    }

    /// Opens what a token leads to. The maps of this process tell the file.
    fn of_token(Target { place: token, .. }: &Target) -> Result<Self> {
        let value = match Readable::open(&token.source()) {
            Ok(value) => value,
            Err(error) => {
                let Ok(_arena) = Arena::open_read_only(token.source()) else { return Err(error.into()) };
                let place = Mapped::find().and_then(|mapped| mapped.path).map(Place::File);
                let unnamed = || Failure::usage("the token leads to an arena without a name: give the key of a value");
                return place.map(Self::Segment).ok_or_else(unnamed);
            }
        };
        let mapped = Mapped::find();
        let file = mapped.as_ref().map(|mapped| mapped.file);
        let place = mapped.and_then(|mapped| mapped.path).map(Place::File);
        if let Some(place) = &place
            && !place.inspect()?.is_arena()
        {
            return Ok(Self::Segment(place.clone()));
        }
        Ok(Self::Value(OpenValue { label: token.to_string(), value, place, file }))
    }
}

impl OpenValue {
    /// Returns the facts of the value; those of its segment are in the report.
    pub(super) fn entry(&self, report: Option<&Report>, users: &Users) -> Entry {
        let Self { label, value, file, .. } = self;
        let users = file.map(|file| users.of(file)).unwrap_or_default();
        let lock = LockFacts::of_value(match value.lock_state() {
            LockState::Held { thread_id } => Some(thread_id),
            _ => None,
        });
        Entry::of_value(label, value, lock, report, users)
    }
}
