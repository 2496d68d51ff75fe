//! `Subject`: a value that victims change when they are killed.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::time::Instant;

use shared_value::{Error, LockState, SharedValue, Synchronized};

use super::scenario::{Found, Harm};
use crate::{AT_ONCE, SegmentFile, SegmentName, number_of_file};

/// The offset of the word that contains the offset of the first cell.
const CELL_OFFSET: u64 = 128;
const CONTROL_LINE: usize = 64;

/// Offsets in a cell: the number of commits, and the version that is being written. The lock is at offset 0.
const VERSION: u64 = 40;
const DRAFT: u64 = 48;

const OWNER: u32 = 0x3fff_ffff;
const OWNER_DIED: u32 = 0x4000_0000;

/// A value that victims change when they are killed, the bytes of its segment, and a note from before the last death.
#[derive(Debug)]
pub struct Subject<T: SharedValue> {
    /// Leaked, because the survivor may hold a guard of it from one call to the next.
    value: &'static Synchronized<T>,
    file: SegmentFile,
    cell: u64,
    image: Vec<u8>,
    noted: Noted<T>,
    name: SegmentName,
}

/// The lock and the value before a death.
#[derive(Clone, Copy, Debug)]
struct Noted<T> {
    word: u32,
    /// Whether a thread of the victim held the lock.
    is_victims: bool,
    recoveries: u64,
    value: T,
}

impl<T: SharedValue + PartialEq + Debug> Subject<T> {
    /// Creates a value; `label` tells people which test uses it.
    ///
    /// # Panics
    /// If the value cannot be created.
    pub fn new(label: &str, value: T) -> Self {
        let name = SegmentName::new(label);
        let value = Box::leak(Box::new(Synchronized::create(&name, value).expect("the name is new")));
        let file = SegmentFile::open(name.path());
        let cell = u64::from_ne_bytes(file.bytes(CELL_OFFSET, 8).try_into().expect("eight bytes"));
        let noted = Noted { word: 0, is_victims: false, recoveries: 0, value: value.get() };
        let mut subject = Self { value, file, cell, image: Vec::new(), noted, name };
        subject.keep();
        subject
    }

    /// Returns the handle of the value.
    pub fn value(&self) -> &'static Synchronized<T> {
        self.value
    }

    /// Copies all bytes of the segment, for `restore`.
    ///
    /// # Panics
    /// If the file no longer exists.
    pub fn keep(&mut self) {
        let length = fs::metadata(self.name.path()).expect("it has a file").len();
        self.image = self.file.bytes(0, usize::try_from(length).expect("it fits into memory"));
    }

    /// Overwrites all bytes of the segment with the kept copy.
    pub fn restore(&self) {
        self.file.overwrite(0, &self.image);
    }

    /// Reads the control line of the cell, with the lock and the version.
    pub fn control_line(&self) -> Vec<u8> {
        self.file.bytes(self.cell, CONTROL_LINE)
    }

    /// Returns the addresses in this process of the lock, the number of commits, and the version that is being written.
    ///
    /// # Panics
    /// If the segment is not mapped.
    pub fn addresses(&self) -> [u64; 3] {
        let file = format!(" {} ", number_of_file(&self.name.path(), ' '));
        let maps = fs::read_to_string("/proc/self/maps").expect("the system has /proc");
        // Found by its number, because a file that was mapped before it got its name is listed under another name. The page of
        // the file that vouches for the process cannot be read.
        let is_it = |map: &&str| map.contains(" rw-s ") && map.contains(&file);
        let map = maps.lines().find(is_it);
        let (start, _) = map.and_then(|map| map.split_once('-')).expect("the segment is mapped");
        let cell = u64::from_str_radix(start, 16).expect("an address") + self.cell;
        [cell, cell + VERSION, cell + DRAFT]
    }

    fn word(&self) -> u32 {
        u32::from_ne_bytes(self.file.bytes(self.cell, 4).try_into().expect("four bytes"))
    }

    /// Notes the lock and the value before the death of a victim.
    ///
    /// # Panics
    /// If the value cannot be read.
    pub fn note(&mut self, victim: u32) {
        let word = self.word();
        let is_victims = Path::new(&format!("/proc/{victim}/task/{}", word & OWNER)).exists();
        let value = self.value.load().expect("all bits are valid");
        self.noted = Noted { word, is_victims, recoveries: self.value.recoveries(), value };
    }

    /// Returns whether a thread of the victim held the lock at the last `note`.
    pub fn is_held_by_victim(&self) -> bool {
        self.noted.is_victims
    }

    /// Returns how often the lock had been taken over from a dead owner at the last `note`.
    pub fn recoveries(&self) -> u64 {
        self.noted.recoveries
    }

    /// Returns whether the next owner must find a dead predecessor: the victim, or an earlier owner.
    pub fn expects_recovery(&self) -> bool {
        self.noted.is_victims || self.noted.word & OWNER_DIED != 0
    }

    /// Checks after a death that the lock is free, that the value is in one of these states, and that both can be used.
    ///
    /// `touch` changes a part of the value, and makes the same change in a copy.
    ///
    /// # Errors
    /// The harm that the death has done.
    pub fn survey(&self, states: &[T], touch: impl Fn(&Synchronized<T>, &mut T)) -> Result<Found, Harm> {
        let value = self.value;
        let word = self.word();
        if word & OWNER != 0 {
            let owner = if self.noted.is_victims { "the victim" } else { "another thread" };
            return Err(Harm::Stuck(format!("{owner} still holds the lock: word {word:#x}")));
        }
        let expected = self.expects_recovery();
        if (word & OWNER_DIED != 0) != expected {
            return Err(Harm::Miscounted(format!("word {word:#x}, and {:#x} before the death", self.noted.word)));
        }

        let start = Instant::now();
        let read = value.load().map_err(torn)?;
        at_once("reading without the lock", start)?;
        let state = states.iter().position(|state| *state == read).ok_or_else(|| torn(format!("{read:?}")))?;

        if read != self.noted.value {
            return Err(torn(format!("{read:?} after the death, {:?} before it", self.noted.value)));
        }

        let (recoveries, version) = (value.recoveries(), value.version());
        let start = Instant::now();
        let guard = value.lock_timeout(AT_ONCE).map_err(stuck)?;
        let took = start.elapsed();
        if guard.recovered() != expected {
            return Err(Harm::Miscounted(format!("recovered: {}, word {word:#x}", guard.recovered())));
        }
        if value.recoveries() != recoveries + u64::from(expected) {
            return Err(Harm::Miscounted(format!(
                "{} recoveries after {recoveries}, word {word:#x}",
                value.recoveries()
            )));
        }
        let locked = guard.load().map_err(torn)?;
        if locked != read {
            return Err(torn(format!("{locked:?} under the lock, {read:?} without it")));
        }

        // Only a part of the value: the rest must be as committed.
        let mut touched = read;
        touch(value, &mut touched);
        let own = guard.load().map_err(torn)?;
        drop(guard);
        let committed = value.load().map_err(torn)?;
        if own != touched || committed != touched {
            return Err(torn(format!("{committed:?} committed, {own:?} before that, not {touched:?}")));
        }
        if value.version() != version + 1 {
            return Err(torn(format!("version {} after {version} and one commit", value.version())));
        }
        let again = value.lock_timeout(AT_ONCE).map_err(stuck)?;
        if again.recovered() {
            return Err(Harm::Miscounted("one death was recovered from twice".to_owned()));
        }
        drop(again);
        match value.lock_state() {
            LockState::Free => Ok(Found { took, died_holding: self.is_held_by_victim(), states: vec![state] }),
            state => Err(Harm::Stuck(format!("released, but {state:?}"))),
        }
    }
}

fn at_once(what: &str, start: Instant) -> Result<(), Harm> {
    let took = start.elapsed();
    if took < AT_ONCE { Ok(()) } else { Err(Harm::Stuck(format!("{what} took {took:?}"))) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is an argument of `map_err`")]
fn torn(what: impl ToString) -> Harm {
    Harm::Torn(what.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it is an argument of `map_err`")]
fn stuck(error: Error) -> Harm {
    Harm::Stuck(error.to_string())
}
