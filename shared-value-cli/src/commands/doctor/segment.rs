//! The faults of a segment as a whole.

use shared_value::{Arena, Dyn, DynLayout, Error, LockState, Report};

use crate::commands::doctor::finding::{Findings, Severity};
use crate::commands::doctor::print::{path_of, shell, times};
use crate::survey::{Entry, Kind, Owner};
use crate::target::{Brackets, Place, Readable, shown};
use crate::value::differences;

/// How the name of a value begins that is to take the place of another (`docs/format.md`).
const NEXT: &str = ".shared-value-next-";

impl Findings {
    /// Explains why a segment cannot be opened.
    pub(super) fn fault(&mut self, place: &Place, report: &Report) {
        let Some(fault) = report.fault() else { return };
        let is_format = fault.to_string().contains("format version");
        let cure = match report.format() {
            None => {
                format!(
                    "it is not a segment of this library: leave it, or remove it by `rm {}`",
                    shell(&path_of(place))
                )
            }
            Some(_) if is_format => format!(
                "use the version of the library that made it, or remove it by `shared-value rm --force {0}`, and let its \
                 program create it again",
                shell(&place.to_string())
            ),
            Some(_) => format!(
                "its header is damaged, by a program that writes to the file without this library, or by a copy that was cut \
                 off: remove it by `shared-value rm --force {}`, and let its program create it again",
                shell(&place.to_string())
            ),
        };
        self.add(Severity::Fault, fault.to_string(), Some(cure));
    }

    /// Opens the value for reading, as a program would.
    pub(super) fn value(&mut self, place: &Place, entry: &Entry, report: &Report) {
        if let Err(error) = DynLayout::parse(report.schema()) {
            let cure = "a program without this library has written the schema: create the value again";
            self.add(Severity::Fault, error.to_string(), Some(cure.to_owned()));
            return;
        }
        if report.is_retired() {
            let cure = "restart the programs that have it open: they work on a value that no other program finds";
            self.add(
                Severity::Warning,
                "it is retired: its name was unlinked, or leads to its successor",
                Some(cure.to_owned()),
            );
        }
        if report.is_unvouched() {
            let text = "a process takes locks here although nothing vouches for it (it has no `/proc`, no descriptor left, or no \
                        permission): if an owner vanishes unnoticed, its lock stays held";
            let cure = "end all programs that have it open: the first one that opens it again clears this";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
        }
        if entry.recoveries.is_some_and(|count| count > 0) {
            let stayed = if entry.kind == Kind::Live {
                "what they had written stayed"
            } else {
                "the last committed value stayed"
            };
            let text = format!("owners died with the lock {}: {stayed}", times(entry.recoveries.unwrap_or(0)));
            self.add(Severity::Note, text, None);
        }
        if entry.kind == Kind::Arena {
            self.arena(place);
            return;
        }
        match Readable::open(&place.source()) {
            Ok(value) => self.bits(&value),
            Err(error) => self.add(Severity::Fault, error.to_string(), None),
        }
    }

    /// Finds parts that no program of this library has written.
    pub(super) fn bits(&mut self, value: &Readable) {
        if let Err(error @ Error::InvalidBits { .. }) = value.load() {
            let cure = "a program without this library has written to the value: set this part to a valid value, as by \
                        `shared-value set`";
            self.add(Severity::Fault, error.to_string(), Some(cure.to_owned()));
        }
    }

    fn arena(&mut self, place: &Place) {
        const SHOWN: usize = 10;
        let arena = match Arena::open_read_only(place.source()) {
            Ok(arena) => arena,
            Err(error) => return self.add(Severity::Fault, error.to_string(), None),
        };
        if arena.used() >= arena.capacity() / 10 * 9 {
            let text = format!("{} of {} bytes are taken", arena.used(), arena.capacity());
            let cure = "end all programs that have it open, and open it again: that frees the space of removed values. If that is \
                        not enough, create it with a larger capacity";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
        }
        let mut held = 0;
        for entry in arena.iter() {
            let Ok(Some(value)) = Readable::find(&arena, entry.id().into()) else { continue };
            let LockState::Held { thread_id } = value.lock_state() else { continue };
            held += 1;
            if held <= SHOWN {
                let key = entry.key().map_or_else(
                    || Brackets::Id(entry.id::<Dyn>().to_bits().get()),
                    |key| Brackets::Key(key.to_owned()),
                );
                let owner = Owner::of_thread(thread_id);
                let severity = if owner.stopped { Severity::Fault } else { Severity::Note };
                let cure = owner.stopped.then(|| format!("let it go on: `kill -CONT {}`", owner.process.unwrap_or(0)));
                self.add(
                    severity,
                    format!("the lock of `{place}[{}]` is held by {}", shown(&key), owner.short()),
                    cure,
                );
            }
        }
        if held > SHOWN {
            self.add(Severity::Note, format!("the locks of {} more values are held", held - SHOWN), None);
        }
    }

    /// Compares the layout with an expected one, field by field.
    pub(super) fn layout(&mut self, expected: &DynLayout, found: &DynLayout) {
        for difference in differences(expected, found) {
            let cure = "build both programs from one definition of the type, or create the value again";
            self.add(Severity::Fault, difference, Some(cure.to_owned()));
        }
    }

    pub(super) fn users(&mut self, place: &Place, entry: &Entry, report: &Report) {
        if report.is_being_opened() && entry.users.iter().any(|user| user.stopped) {
            let text = "a process is stopped while it opens the segment: others cannot open it";
            self.add(Severity::Fault, text, Some("let it go on: `kill -CONT` its process".to_owned()));
        }
        if report.fault().is_none() && !entry.in_use && !entry.read {
            let cure = format!("if it is not needed any more: `shared-value rm {}`", shell(&place.to_string()));
            let is_left = entry.name.rsplit('/').next().is_some_and(|name| name.starts_with(NEXT));
            let text = if is_left {
                "a program that replaced a value was killed, and has left this one, which never got the name"
            } else {
                "no process has it open"
            };
            self.add(Severity::Note, text, Some(cure));
        }
    }

    /// Says that processes may be missing.
    pub(super) fn hidden(&mut self, hidden: usize) {
        if hidden > 0 {
            let text = format!("processes that this user may not look into ({hidden}) may have it open too");
            self.add(Severity::Note, text, Some("run `doctor` as a user that may trace them, such as root".to_owned()));
        }
    }
}
