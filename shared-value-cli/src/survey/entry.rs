//! `Entry`: one segment of a survey.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use shared_value::{Arena, Error, Report, inspect};

use crate::failure::{Failure, Result};
use crate::process::{File, User, Users};
use crate::progress::Progress;
use crate::survey::lock::{LockFacts, Owner, UserFacts};
use crate::target::{Place, Readable};

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Value,
    /// A live value, which is plain memory without versions.
    Live,
    Arena,
    /// A lock object.
    Lock,
    /// A segment that this version cannot open, or no segment.
    Unusable,
}

/// The facts of a segment that can be learned without using it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// The name, or the path of a file.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The name of the value's type.
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// Bytes of the value.
    pub(crate) size: Option<usize>,
    /// Bytes of the file; for an arena, the most that it may take.
    pub(crate) length: u64,
    /// Commits so far; nothing for a live value.
    pub(crate) version: Option<u64>,
    /// The number of values of an arena.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<usize>,
    pub(crate) recoveries: Option<u64>,
    pub(crate) lock: Option<LockFacts>,
    /// The processes that have it mapped, as far as this process may see.
    pub(crate) users: Vec<UserFacts>,
    pub(crate) in_use: bool,
    pub(crate) read: bool,
    pub(crate) retired: bool,
    pub(crate) format: Option<u32>,
    pub(crate) fault: Option<String>,
}

impl Entry {
    /// Describes the segment at a place.
    pub(crate) fn at(place: &Place, users: &Users) -> Result<Self> {
        Ok(Self::of(place, &place.inspect()?, users))
    }

    pub(crate) fn of(place: &Place, report: &Report, users: &Users) -> Self {
        let kind = match report.type_name() {
            _ if report.fault().is_some() => Kind::Unusable,
            "RLock" | "Lock" if matches!(report.lock(), Some(shared_value::ReportedLock::Itself { .. })) => Kind::Lock,
            _ if report.is_arena() => Kind::Arena,
            _ if report.is_live() => Kind::Live,
            _ => Kind::Value,
        };
        let count = || Arena::open_read_only(place.source()).ok().map(|arena| arena.len());
        let file = place.path().and_then(|path| File::at(&path));
        Self {
            name: place.to_string(),
            kind,
            type_name: report.type_name().to_owned(),
            size: report.size(),
            length: report.length(),
            version: report.version().filter(|_| !report.is_live()),
            values: if kind == Kind::Arena { count() } else { None },
            recoveries: report.recoveries(),
            lock: LockFacts::of(report),
            users: file.map(|file| users.of(file)).unwrap_or_default().into_iter().map(UserFacts::from).collect(),
            in_use: report.is_in_use(),
            read: report.is_read(),
            retired: report.is_retired(),
            format: report.format(),
            fault: report.fault().map(ToString::to_string),
        }
    }

    /// Describes a value that is open: a value of an arena, or one without a name. The report is that of its segment.
    pub(crate) fn of_value(
        label: &str,
        value: &Readable,
        lock: LockFacts,
        report: Option<&Report>,
        users: Vec<User>,
    ) -> Self {
        let size = value.layout().size();
        Self {
            name: label.to_owned(),
            kind: if value.version().is_some() { Kind::Value } else { Kind::Live },
            type_name: value.layout().name().to_owned(),
            size: Some(size),
            length: report.map_or(size as u64, Report::length),
            version: value.version(),
            values: None,
            recoveries: Some(value.recoveries()),
            lock: Some(lock),
            in_use: report.map_or_else(|| users.iter().any(|user| user.writes), Report::is_in_use),
            read: report.map_or_else(|| !users.is_empty(), Report::is_read),
            users: users.into_iter().map(UserFacts::from).collect(),
            retired: value.is_retired(),
            format: report.and_then(Report::format),
            fault: None,
        }
    }

    /// Returns the owner of the lock in words, if there is one.
    pub(crate) fn holder(&self) -> Option<String> {
        self.lock.as_ref()?.owner.as_ref().map(Owner::short)
    }

    /// Describes the state in a few words.
    pub(crate) fn state(&self) -> String {
        if let Some(format) = self.format.filter(|_| self.fault.is_some()) {
            let is_other = self.fault.as_deref().is_some_and(|fault| fault.contains("format version"));
            return if is_other {
                format!("format {format}: `doctor` says more")
            } else {
                "unusable: `doctor` says why".to_owned()
            };
        }
        if self.fault.is_some() {
            return "not a segment".to_owned();
        }
        if let Some(holder) = self.holder() {
            return format!("held by {holder}");
        }
        let is_dead = self.lock.as_ref().is_some_and(|lock| lock.owner_died);
        match () {
            () if self.retired => "retired".to_owned(),
            () if is_dead => "owner died".to_owned(),
            () if self.in_use => "in use".to_owned(),
            () if self.read => "read".to_owned(),
            () => "not in use".to_owned(),
        }
    }
}

/// The segments that have names, and what could not be looked at.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) entries: Vec<Entry>,
    /// The number of files that this process may not read.
    pub(crate) unreadable: usize,
}

/// Looks at all names of this machine that `is_wanted` accepts. Files that are not segments are left out.
pub(crate) fn survey(users: &Users, is_wanted: impl Fn(&str) -> bool, progress: &mut Progress) -> Result<Survey> {
    let shm = Path::new("/dev/shm");
    let mut survey = Survey::default();
    let failed = |error| Failure::from(error).of("cannot list `/dev/shm`");
    let files = fs::read_dir(shm).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    progress.set_total(files.len());
    for file in files {
        progress.step();
        let name = file.file_name();
        let place = match name.to_str() {
            // Such a name would be taken for a token.
            Some(name) if !name.starts_with("shared-value:") => Place::Name(name.to_owned()),
            _ => Place::File(shm.join(&name)),
        };
        if !is_wanted(&place.to_string()) {
            continue;
        }
        match inspect(place.location()?) {
            Ok(report) if report.format().is_some() => survey.entries.push(Entry::of(&place, &report, users)),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
                survey.unreadable += 1;
            }
            // It is not a segment, or was removed meanwhile.
            Ok(_) | Err(_) => {}
        }
    }
    survey.entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(survey)
}
