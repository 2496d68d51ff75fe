//! Many values: how long they take to make, and how much memory they take.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use shared_value::{Arena, Error, Synchronized};

use crate::case::{Case, Contestant, Entry, Reading, Unit};
use crate::role::{Task, Team, tell};

/// Making so many values of 8 bytes, each with a lock of its own, in a process that has none yet.
pub(super) struct Many {
    name: &'static str,
    title: &'static str,
    count: usize,
}

/// All of them.
pub(super) static ALL: &[Many] = &[
    Many { name: "many-1", title: "make the first value of 8 bytes in a process", count: 1 },
    Many { name: "many-1000", title: "make 1,000 values of 8 bytes: the time for each", count: 1_000 },
    Many { name: "many-100000", title: "make 100,000 values of 8 bytes: the time for each", count: 100_000 },
    Many { name: "many-1000000", title: "make 1,000,000 values of 8 bytes: the time for each", count: 1_000_000 },
];

impl Case for &Many {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn chart(&self) -> &'static str {
        "many"
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |(name, make)| {
            Entry::Present(Box::new(Making { case: self.name, name, count: self.count, make }) as Box<dyn Contestant>)
        };
        let all: [(&str, Make); 3] =
            [("shared-value", in_arena), ("shared-value, by key", by_key), ("shared-value, a segment each", apart)];
        all.into_iter().map(entry).collect()
    }
}

/// Makes so many values and keeps them; returns how many there are, and why there are not more.
type Make = fn(usize, &mut Kept) -> Result<(), Error>;

/// What was made.
#[derive(Default)]
struct Kept {
    arena: Option<Arena>,
    handles: Vec<Synchronized<u64>>,
    /// How many there are, with or without a handle.
    made: usize,
}

/// Address space, of which memory is taken as values are made.
const CAPACITY: usize = 1 << 30;

/// With a handle for each, as Python has an object.
fn in_arena(count: usize, kept: &mut Kept) -> Result<(), Error> {
    let arena = kept.arena.insert(Arena::anonymous(CAPACITY)?);
    for number in 0..count {
        kept.handles.push(arena.value(number as u64)?);
        kept.made += 1;
    }
    Ok(())
}

/// By a key for each, and no handle: any process finds it by the key.
fn by_key(count: usize, kept: &mut Kept) -> Result<(), Error> {
    let arena = kept.arena.insert(Arena::anonymous(CAPACITY)?);
    for number in 0..count {
        arena.create(&format!("value.{number:07}"), number as u64)?;
        kept.made += 1;
    }
    Ok(())
}

fn apart(count: usize, kept: &mut Kept) -> Result<(), Error> {
    for number in 0..count {
        kept.handles.push(Synchronized::new(number as u64)?);
        kept.made += 1;
    }
    Ok(())
}

struct Making {
    case: &'static str,
    name: &'static str,
    count: usize,
    make: Make,
}

impl Contestant for Making {
    fn name(&self) -> &str {
        self.name
    }

    /// Once: a process that has made many has memory to make more of them with.
    #[expect(clippy::cast_precision_loss, reason = "far from so many")]
    fn measure(&mut self, _: Duration) -> Result<Reading> {
        let mut team = Team::new()?;
        team.start(self.case, self.name, "", "")?;
        let found = team.findings(0)?;
        let (made, count) = (found["made"], self.count as u64);
        if let Some(error) = found.get("error") {
            let error = io::Error::from_raw_os_error(i32::try_from(*error)?);
            ensure!(made == count, "it stops at {made} values: {error}");
        }
        ensure!(made == count, "it has made {made} values");
        Ok(["memory KiB", "in files KiB", "mappings", "descriptors"]
            .into_iter()
            .fold(Reading::of(found["ns"] as f64 / made as f64), |reading, fact| {
                reading.with(fact, found[fact] as f64)
            }))
    }

    fn work(&self, _: &Task) -> Result<()> {
        let mut kept = Kept::default();
        let before = Usage::now()?;
        let start = Instant::now();
        let made = (self.make)(self.count, &mut kept);
        let elapsed = start.elapsed();
        if made.is_err() {
            // Where a limit was reached, nothing is left to look with.
            kept.handles.clear();
        }
        let after = Usage::now()?;
        ensure!(kept.handles.iter().zip(0..).all(|(value, number)| value.get() == number), "not what was written");
        let mut found = vec![
            ("made", kept.made as u64),
            ("ns", u64::try_from(elapsed.as_nanos())?),
            ("memory KiB", after.resident.saturating_sub(before.resident)),
            ("in files KiB", after.in_files.saturating_sub(before.in_files)),
            ("mappings", after.mappings.saturating_sub(before.mappings)),
            ("descriptors", after.descriptors.saturating_sub(before.descriptors)),
        ];
        if let Err(Error::Io { source, .. }) = &made {
            found.push(("error", source.raw_os_error().unwrap_or(0).unsigned_abs().into()));
        } else {
            made?;
        }
        tell(&found);
        Ok(())
    }
}

/// What this process has.
struct Usage {
    /// KiB of memory that it has mapped and touched, its own and shared.
    resident: u64,
    /// KiB of the files that it has open, which the system has set aside for them, touched or not.
    in_files: u64,
    mappings: u64,
    descriptors: u64,
}

impl Usage {
    fn now() -> Result<Self> {
        let memory = fs::read_to_string("/proc/self/smaps_rollup")?;
        let line = memory.lines().find_map(|line| line.strip_prefix("Rss:")).context("a resident set")?;
        let resident = line.trim().trim_end_matches("kB").trim_end().parse()?;
        let mappings = fs::read_to_string("/proc/self/maps")?.lines().count() as u64;
        let files: Vec<_> = fs::read_dir("/proc/self/fd")?.collect::<Result<_, _>>()?;
        // The one that the folder was read by is closed again.
        let blocks = files.iter().filter_map(|file| Some(fs::metadata(file.path()).ok()?.blocks()));
        Ok(Self { resident, in_files: blocks.sum::<u64>() / 2, mappings, descriptors: files.len() as u64 })
    }
}
