//! `Replacing`: a value takes the place of another, of another type.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use std::{fs, io, mem};

use shared_value::{Error, Guard, LockState, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentFile};

use crate::naming::Place;
use crate::operations::Operations;
use crate::triple::Line;

/// How the survivor has got its handle of the old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// By the location.
    ByName,
    /// From another process, without the location.
    ByHand,
    /// Not at all: no process has the old value open when the victim is dead.
    Unknown,
}

/// A place whose value another one replaces.
pub(super) struct Replacing {
    place: Place,
    known: Known,
    scratch: Synchronized<u64>,
    old: Option<Synchronized<Line>>,
    /// The inode of the old value, and the name of a segment that is to take its place.
    inode: u64,
    next: String,
    held: bool,
}

/// The offset of the identity in the header.
const IDENTITY: u64 = 64;

const OLD: u8 = 5;
/// The number that the survivor writes.
const TOUCHED: u8 = 3;
/// The new value: four times the first number of the old one.
const NEW: u32 = 4 * OLD as u32;

impl Place {
    fn replace(&self) -> Result<Synchronized<u32>, Error> {
        Synchronized::replace(self.location(), |old: Line| 4 * u32::try_from(old.left).expect("a small number"))
    }
}

impl Replacing {
    fn new(place: Place, known: Known) -> Self {
        let scratch = Synchronized::new(0).expect("memory for a number");
        let mut replacing = Self { place, known, scratch, old: None, inode: 0, next: String::new(), held: false };
        replacing.reset();
        replacing
    }

    fn use_old(&self, old: &Synchronized<Line>, is_replaced: bool) -> Result<Duration, Harm> {
        let torn = |what: &dyn ToString| Harm::Torn(what.to_string());
        let is_old = || old.load().is_ok_and(|found| found == Line::of(OLD));
        if !is_old() || old.is_retired() != is_replaced {
            return Err(torn(&format!("{old:?}, retired: {}, not {is_replaced}", old.is_retired())));
        }
        if is_replaced {
            let waited = old.wait_for(|_| false, AT_ONCE);
            if !matches!(waited, Err(Error::Retired)) {
                return Err(Harm::Stuck(format!("a wait for a change: {waited:?}")));
            }
        }
        let start = Instant::now();
        let guard = old.lock_timeout(AT_ONCE);
        let took = start.elapsed();
        match (guard, is_replaced) {
            (Err(Error::Retired), true) if is_old() && old.lock_state() == LockState::Retired => {
                let written = old.set(Line::of(TOUCHED));
                if !matches!(written, Err(Error::Retired)) || !is_old() {
                    return Err(Harm::Lost(format!("a write to the retired value: {written:?}")));
                }
            }
            (Ok(guard), false) => self.use_guard(&guard)?,
            (Err(Error::Lock(_)), _) => return Err(Harm::Stuck(format!("{old:?}"))),
            (found, _) => return Err(Harm::Lost(format!("replaced: {is_replaced}, and the lock: {found:?}"))),
        }
        if old.is_retired() != is_replaced {
            return Err(torn(&format!("retired: {}", old.is_retired())));
        }
        Ok(took)
    }

    fn use_guard(&self, guard: &Guard<'_, Line>) -> Result<(), Harm> {
        if guard.recovered() != self.held {
            return Err(Harm::Miscounted(format!("recovered: {}, held: {}", guard.recovered(), self.held)));
        }
        guard.set(Line::of(TOUCHED)).map_err(|error| Harm::Torn(error.to_string()))
    }
}

/// A victim of a sweep that has ended with harm may have left the name of its new value.
impl Drop for Replacing {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.place.path().with_file_name(&self.next));
    }
}

impl Scenario for Replacing {
    fn reset(&mut self) {
        self.old = None;
        let path = self.place.path();
        for path in [&path, &path.with_file_name(&self.next)] {
            // The file name is empty before the first reset: then this is the directory.
            if let Err(error) = fs::remove_file(path) {
                assert!(error.kind() == io::ErrorKind::NotFound || self.next.is_empty(), "{error}");
            }
        }
        let old = self.place.create(OLD).expect("the place is free");
        let file = SegmentFile::open(&path);
        let identity = u128::from_ne_bytes(file.bytes(IDENTITY, 16).try_into().expect("sixteen bytes"));
        self.next = format!(".shared-value-next-{identity:032x}");
        self.inode = fs::metadata(&path).expect("it exists").ino();
        self.held = false;
        match self.known {
            Known::ByName => self.old = Some(old),
            Known::ByHand => {
                let (one, other) = UnixStream::pair().expect("two sockets");
                old.send_to(&one).expect("it can be sent");
                drop(old);
                self.old = Some(Synchronized::open(&other).expect("it was sent"));
            }
            Known::Unknown => {}
        }
    }

    fn victim(&self) {
        // The first lock of a thread does more than the later ones.
        self.scratch.set(1).expect("only this thread uses it");
        mem::forget(marked(|| self.place.replace()).expect("the name leads to the old value"));
    }

    fn stopped(&mut self, victim: u32) {
        self.held = self.old.as_ref().is_some_and(|old| old.lock_state() == LockState::Held { thread_id: victim });
    }

    fn inspect(&mut self, _death: &Death) -> Result<Found, Harm> {
        let path = self.place.path();
        let found = fs::metadata(&path).map_err(|error| Harm::Lost(format!("the name leads nowhere: {error}")))?;
        let is_replaced = found.ino() != self.inode;
        let mut took = Duration::ZERO;
        if let Some(old) = &self.old {
            took = self.use_old(old, is_replaced)?;
        }
        let torn = |error: Error| Harm::Torn(error.to_string());
        if is_replaced {
            let new = Synchronized::<u32>::open(self.place.location()).map_err(torn)?;
            let seen = new.load().map_err(torn)?;
            new.set(1).map_err(|error| Harm::Stuck(error.to_string()))?;
            if (seen, new.version()) != (NEW, 1) {
                return Err(Harm::Torn(format!("{seen}, version {}", new.version())));
            }
        } else {
            let old = self.place.open().map_err(torn)?;
            let expected = Line::of(if self.old.is_some() { TOUCHED } else { OLD });
            if old.load().map_err(torn)? != expected || old.is_retired() || !old.is_current() {
                return Err(Harm::Torn(format!("{old:?}, retired: {}", old.is_retired())));
            }
            old.set(Line::of(OLD)).map_err(|error| Harm::Stuck(error.to_string()))?;
        }
        let is_left = path.with_file_name(&self.next).exists();
        // A process that does not know the name cannot clean up. The next replacement does.
        if is_left && self.known != Known::ByHand {
            return Err(Harm::Lost("the name of the dead process's segment is left".to_owned()));
        }
        if !is_replaced {
            let new = self.place.replace().map_err(|error| Harm::Stuck(error.to_string()))?;
            if new.get() != NEW || path.with_file_name(&self.next).exists() {
                return Err(Harm::Torn(format!("the next replacement: {new:?}, {is_left}")));
            }
        }
        Ok(Found { took, died_holding: self.held, states: vec![usize::from(is_replaced)] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![1]
    }

    fn shared(&self) -> Vec<u8> {
        let told = fs::metadata(self.place.path()).map_or(0, |found| found.ino());
        let state = self.old.as_ref().map_or(0, |old| u8::from(old.lock_state() != LockState::Free));
        [&told.to_ne_bytes()[..], &[state]].concat()
    }
}

impl Operations {
    /// Adds operations that replace a value.
    pub(crate) fn add_replacements(&mut self) {
        let mut add = |name: &str, place: fn() -> Place, known| {
            self.push(name, move || Box::new(Replacing::new(place(), known)));
        };
        add("replace", Place::name, Known::ByName);
        add("replace-file", Place::file, Known::ByName);
        add("replace-by-hand", Place::name, Known::ByHand);
        add("replace-unused", Place::name, Known::Unknown);
    }
}
