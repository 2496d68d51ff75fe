//! `Naming`: creating, opening and unlinking segments.

mod replacing;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, mem};

use shared_value::{Error, Location, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName};

use crate::operations::Operations;
use crate::triple::Line;

/// The segment before the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// A segment that no process has open.
    Unused,
    /// A segment that the survivor has open.
    Used,
    /// A segment that is marked as locked and half-written, as after a crash of the machine.
    Abandoned,
}

/// A place for a segment, and an operation on it.
pub(crate) struct Naming {
    place: Place,
    before: Before,
    /// Whether the segment exists: before the operation, and after it.
    states: Vec<bool>,
    victim: fn(&Place),
    scratch: Synchronized<u64>,
    used: Option<Synchronized<Line>>,
}

/// The place of the segment.
pub(crate) enum Place {
    Name(SegmentName),
    File(tempfile::TempDir),
}

/// The value in a segment that exists before the operation.
const OLD: u8 = 5;
/// The value that the operation creates.
const NEW: u8 = 1;

impl Place {
    pub(crate) fn name() -> Self {
        Self::Name(SegmentName::new("naming"))
    }

    pub(crate) fn file() -> Self {
        Self::File(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Name(name) => name.path(),
            Self::File(directory) => directory.path().join("value"),
        }
    }

    fn location(&self) -> Location<'_> {
        match self {
            Self::Name(name) => name.into(),
            Self::File(_) => self.path().into(),
        }
    }

    pub(crate) fn create(&self, number: u8) -> Result<Synchronized<Line>, Error> {
        Synchronized::create(self.location(), Line::of(number))
    }

    pub(crate) fn open(&self) -> Result<Synchronized<Line>, Error> {
        Synchronized::open(self.location())
    }

    pub(crate) fn open_or_create(&self) -> Result<Synchronized<Line>, Error> {
        Synchronized::open_or_create(self.location(), Line::of(NEW))
    }

    pub(crate) fn unlink(&self) -> Result<(), Error> {
        shared_value::unlink(self.location())
    }
}

impl Naming {
    pub(crate) fn new(place: Place, before: Before, states: &[bool], victim: fn(&Place)) -> Self {
        let scratch = Synchronized::new(0).expect("memory for a number");
        Self { place, before, states: states.to_vec(), victim, scratch, used: None }
    }

    /// Returns the value that the segment must contain if it exists.
    fn value(&self) -> Line {
        Line::of(if self.before == Before::Nothing { NEW } else { OLD })
    }

    fn use_segment(&self, value: &Synchronized<Line>, recovers: bool) -> Result<Duration, Harm> {
        let start = Instant::now();
        let guard = value.lock_timeout(AT_ONCE).map_err(|error| Harm::Stuck(error.to_string()))?;
        let took = start.elapsed();
        if guard.recovered() != recovers {
            return Err(Harm::Miscounted(format!("recovered: {}, not {recovers}", guard.recovered())));
        }
        let torn = |what: &dyn ToString| Harm::Torn(what.to_string());
        let found = guard.load().map_err(|error| torn(&error))?;
        guard.set(Line::of(3)).map_err(|error| torn(&error))?;
        drop(guard);
        let stored = value.load().map_err(|error| torn(&error))?;
        if found != self.value() || stored != Line::of(3) {
            return Err(torn(&format!("{found:?}, and then {stored:?}")));
        }
        Ok(took)
    }
}

impl Scenario for Naming {
    fn reset(&mut self) {
        self.used = None;
        if let Err(error) = fs::remove_file(self.place.path()) {
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "the place can be made free");
        }
        if self.before == Before::Nothing {
            return;
        }
        let value = self.place.create(OLD).expect("the place is free");
        if self.before == Before::Used {
            self.used = Some(value);
        } else if self.before == Before::Abandoned {
            drop(value);
            abandon(&self.place.path());
        }
    }

    fn victim(&self) {
        // The first lock of a thread does more than the later ones.
        self.scratch.set(1).expect("only this thread uses it");
        (self.victim)(&self.place);
    }

    fn inspect(&mut self, _death: &Death) -> Result<Found, Harm> {
        let exists = self.place.path().exists();
        let Some(state) = self.states.iter().position(|state| *state == exists) else {
            return Err(Harm::Lost(format!("the segment exists: {exists}")));
        };
        let start = Instant::now();
        if !exists {
            let created = self.place.create(OLD).map_err(|error| Harm::Stuck(format!("the place: {error}")))?;
            drop(created);
            self.place.unlink().map_err(|error| Harm::Stuck(format!("the place: {error}")))?;
            return Ok(Found { took: start.elapsed(), died_holding: false, states: vec![state] });
        }
        let value = self.place.open().map_err(|error| Harm::Torn(error.to_string()))?;
        let took = self.use_segment(&value, self.before == Before::Abandoned)?;
        Ok(Found { took, died_holding: false, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        fs::read(self.place.path()).unwrap_or_default()
    }
}

/// Makes an unused segment look as if an owner were writing to it.
fn abandon(path: &Path) {
    const CELL_OFFSET: u64 = 128;
    let file = SegmentFile::open(path);
    let cell = u64::from_ne_bytes(file.bytes(CELL_OFFSET, 8).try_into().expect("eight bytes"));
    // The id of the owner, the number of the version that it writes, and a part of its draft.
    file.overwrite(cell, &12_345_u32.to_ne_bytes());
    file.overwrite(cell + 48, &1_u64.to_ne_bytes());
    file.overwrite(cell + 128, &9_u64.to_ne_bytes());
}

impl Operations {
    fn add_name(
        &mut self,
        name: &str,
        place: fn() -> Place,
        before: Before,
        states: &'static [bool],
        victim: fn(&Place),
    ) {
        self.push(name, move || Box::new(Naming::new(place(), before, states, victim)));
    }

    /// Adds operations that create, open, unlink and close segments.
    pub(crate) fn add_names(&mut self) {
        let create = |place: &Place| mem::forget(marked(|| place.create(NEW)).unwrap());
        let open = |place: &Place| mem::forget(marked(|| place.open()).unwrap());
        let open_or_create = |place: &Place| mem::forget(marked(|| place.open_or_create()).unwrap());
        let unlink = |place: &Place| marked(|| place.unlink()).unwrap();
        self.add_name("create", Place::name, Before::Nothing, &[false, true], create);
        self.add_name("create-file", Place::file, Before::Nothing, &[false, true], create);
        self.add_name("create-taken", Place::name, Before::Unused, &[true], |place| {
            let _ = marked(|| place.create(NEW)).unwrap_err();
        });
        self.add_name("open", Place::name, Before::Unused, &[true], open);
        self.add_name("open-used", Place::name, Before::Used, &[true], open);
        self.add_name("open-abandoned", Place::name, Before::Abandoned, &[true], open);
        self.add_name("open-abandoned-file", Place::file, Before::Abandoned, &[true], open);
        self.add_name("open-or-create-absent", Place::name, Before::Nothing, &[false, true], open_or_create);
        self.add_name("open-or-create-present", Place::name, Before::Unused, &[true], open_or_create);
        self.add_name("unlink", Place::name, Before::Unused, &[true, false], unlink);
        self.add_name("close", Place::name, Before::Unused, &[true], |place| {
            let value = place.open().unwrap();
            marked(|| drop(value));
        });
    }
}
