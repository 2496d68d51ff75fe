//! `Model`: what is shown.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use shared_value::{Arena, Dyn, ReadOnly};

use crate::failure::Result;
use crate::process::Users;
use crate::progress::Progress;
use crate::survey::{Entry, Kind, Owner, survey};
use crate::target::{Brackets, Place, Readable, Step, get, glob, parse_path, shown};
use crate::top::edit::Edit;
use crate::top::field::{Field, leaves};
use crate::value::{bare, inline};

/// How often the list of names, and the processes that have them open, are looked at.
const LIST: Duration = Duration::from_secs(1);

/// The half of the screen that the arrows move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Focus {
    Values,
    Fields,
}

/// A value in the list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) entry: Entry,
    /// Commits in each second.
    pub(super) rate: f64,
    /// The owner of the lock, and since when it was seen holding the lock.
    pub(super) owner: Option<(Owner, Instant)>,
}

/// The value on the right.
#[derive(Debug)]
pub(super) enum Shown {
    Nothing(String),
    Value(Readable),
    Arena(Arena<ReadOnly>),
}

pub(super) struct Model {
    patterns: Vec<String>,
    pub(super) rows: Vec<Row>,
    pub(super) selected: usize,
    pub(super) focus: Focus,
    pub(super) shown: Shown,
    /// The name of the value on the right.
    name: String,
    pub(super) fields: Vec<Field>,
    pub(super) field: usize,
    pub(super) is_paused: bool,
    pub(super) message: String,
    pub(super) edit: Option<Edit>,
    listed: Option<Instant>,
    users: Users,
}

impl Model {
    pub(super) fn new(patterns: &[String]) -> Result<Self> {
        for pattern in patterns {
            glob(pattern)?;
        }
        Ok(Self {
            patterns: patterns.to_vec(),
            rows: Vec::new(),
            selected: 0,
            focus: Focus::Values,
            shown: Shown::Nothing(String::new()),
            name: String::new(),
            fields: Vec::new(),
            field: 0,
            is_paused: false,
            message: String::new(),
            edit: None,
            listed: None,
            users: Users::default(),
        })
    }

    /// Looks at everything that is shown.
    pub(super) fn look(&mut self) -> Result<()> {
        if self.is_paused {
            return Ok(());
        }
        let now = Instant::now();
        if self.listed.is_none_or(|listed| now - listed >= LIST) {
            self.list(now)?;
        }
        self.look_at_locks(now);
        self.open();
        self.look_at_fields(now);
        Ok(())
    }

    fn list(&mut self, now: Instant) -> Result<()> {
        self.users = Users::look();
        let globs = self.patterns.iter().map(|pattern| glob(pattern)).collect::<Result<Vec<_>>>()?;
        let is_wanted = |name: &str| {
            let matches = |(pattern, glob): (&String, &Option<globset::GlobMatcher>)| {
                glob.as_ref().map_or(pattern == name, |glob| glob.is_match(name))
            };
            self.patterns.is_empty() || self.patterns.iter().zip(&globs).any(matches)
        };
        let found = survey(&self.users, is_wanted, &mut Progress::hidden())?.entries;
        let seconds = self.listed.map_or(1.0, |listed| (now - listed).as_secs_f64().max(0.001));
        let selected = self.rows.get(self.selected).map(|row| row.entry.name.clone());
        let mut before: HashMap<String, Row> = self.rows.drain(..).map(|row| (row.entry.name.clone(), row)).collect();
        for entry in found {
            let old = before.remove(&entry.name);
            let commits =
                old.as_ref().map_or(0, |old| entry.version.unwrap_or(0).saturating_sub(old.entry.version.unwrap_or(0)));
            #[expect(clippy::cast_precision_loss, reason = "it is shown with a few digits")]
            let rate = commits as f64 / seconds;
            self.rows.push(Row { entry, rate, owner: old.and_then(|old| old.owner) });
        }
        let place = selected.and_then(|name| self.rows.iter().position(|row| row.entry.name == name));
        self.selected = place.unwrap_or(self.selected).min(self.rows.len().saturating_sub(1));
        self.listed = Some(now);
        Ok(())
    }

    /// Looks at the locks of the rows near the selected one, which are the visible ones.
    fn look_at_locks(&mut self, now: Instant) {
        const NEAR: usize = 60;
        let start = self.selected.saturating_sub(NEAR);
        for row in self.rows.iter_mut().skip(start).take(2 * NEAR) {
            let place = Place::of(&row.entry.name);
            let report = place.inspect().ok();
            let owner = report.as_ref().and_then(shared_value::Report::owner).map(Owner::of);
            row.owner = owner.map(|owner| match row.owner.take() {
                Some((old, since)) if old.thread == owner.thread => (owner, since),
                _ => (owner, now),
            });
        }
    }

    /// Opens the selected value, if it is another one.
    fn open(&mut self) {
        let Some(row) = self.rows.get(self.selected) else {
            self.shown = Shown::Nothing("no value".to_owned());
            self.name.clear();
            self.fields.clear();
            return;
        };
        if row.entry.name == self.name && !matches!(self.shown, Shown::Nothing(_)) {
            return;
        }
        self.name.clone_from(&row.entry.name);
        self.fields.clear();
        self.field = 0;
        let place = Place::of(&self.name);
        let said = |error: &shared_value::Error| Shown::Nothing(error.to_string());
        self.shown = match row.entry.kind {
            Kind::Unusable => Shown::Nothing(row.entry.fault.clone().unwrap_or_default()),
            Kind::Arena => Arena::open_read_only(place.source()).map_or_else(|error| said(&error), Shown::Arena),
            _ => Readable::open(&place.source()).map_or_else(|error| said(&error), Shown::Value),
        };
    }

    fn look_at_fields(&mut self, now: Instant) {
        match &self.shown {
            Shown::Nothing(_) => self.fields.clear(),
            Shown::Value(value) => match value.load() {
                Ok(data) => {
                    let leaves = leaves(value.layout(), &data);
                    let is_same = leaves.len() == self.fields.len()
                        && leaves.iter().zip(&self.fields).all(|((path, ..), field)| *path == field.path);
                    if !is_same {
                        self.fields =
                            leaves.iter().map(|(path, kind, _)| Field::new(path.clone(), kind.clone())).collect();
                    }
                    for (field, (_, _, data)) in self.fields.iter_mut().zip(leaves) {
                        field.note(data, now);
                    }
                }
                Err(error) => self.message = error.to_string(),
            },
            Shown::Arena(arena) => {
                if self.fields.len() != arena.len() || self.listed == Some(now) {
                    self.fields = listed(arena, std::mem::take(&mut self.fields));
                }
                note_arena(arena, &mut self.fields, self.field, now);
            }
        }
        self.field = self.field.min(self.fields.len().saturating_sub(1));
    }

    /// Moves the selection.
    pub(super) fn step(&mut self, distance: isize) {
        let (place, length) = match self.focus {
            Focus::Values => (&mut self.selected, self.rows.len()),
            Focus::Fields => (&mut self.field, self.fields.len()),
        };
        *place = place.saturating_add_signed(distance).min(length.saturating_sub(1));
    }

    /// Returns the selected field for editing: the value, the path in it, and the text.
    pub(super) fn selected_field(&self) -> Option<(String, String, String)> {
        let field = self.fields.get(self.field)?;
        match &self.shown {
            Shown::Value(value) => {
                let text = value.get(&field.path).map_or_else(|_| String::new(), |data| bare(&data));
                Some((self.name.clone(), field.path.clone(), text))
            }
            // A value of an arena is edited as a whole.
            Shown::Arena(arena) => {
                let value = value_at(arena, &field.path)?;
                let text = value.load().map_or_else(|_| String::new(), |data| bare(&data));
                Some((format!("{}{}", self.name, field.path), String::new(), text))
            }
            Shown::Nothing(_) => None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Lists the values of an arena, and keeps what is known of those that were there before.
fn listed(arena: &Arena<ReadOnly>, before: Vec<Field>) -> Vec<Field> {
    let mut before: HashMap<String, Field> = before.into_iter().map(|field| (field.path.clone(), field)).collect();
    let mut fields = Vec::new();
    for entry in arena.iter() {
        let id = entry.id::<Dyn>().to_bits().get();
        let key = entry.key().map_or(Brackets::Id(id), |key| Brackets::Key(key.to_owned()));
        let path = format!("[{}]", shown(&key));
        let known = before.remove(&path);
        fields.push(known.unwrap_or_else(|| Field::new(path, inline(&entry.type_name().into(), 20).replace('"', ""))));
    }
    fields.reverse(); // Lists begin with the newest value.
    fields
}

/// Reads the values of an arena near the selected one, which are the visible ones.
fn note_arena(arena: &Arena<ReadOnly>, fields: &mut [Field], selected: usize, now: Instant) {
    const NEAR: usize = 60;
    for field in fields.iter_mut().skip(selected.saturating_sub(NEAR)).take(2 * NEAR) {
        if let Some(data) = value_at(arena, &field.path).and_then(|value| value.load().ok()) {
            field.note(&data, now);
        }
    }
}

/// Returns the value of an arena at the path of a field: a key or an id in brackets.
fn value_at(arena: &Arena<ReadOnly>, path: &str) -> Option<Readable> {
    let steps = parse_path(path).ok()?;
    let Some(Step::Brackets(brackets)) = steps.first() else { return None };
    // It may be removed meanwhile.
    get(arena, brackets).ok().flatten()
}
