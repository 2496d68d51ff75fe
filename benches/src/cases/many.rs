//! Many values: the time of their creation, and the memory that they take.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use shared_value::{Arena, Error, Synchronized};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::{Task, Team, tell};

/// Creating values of 8 bytes, each with its own lock, in a new process.
pub(super) struct Many {
    name: &'static str,
    title: &'static str,
    /// The number of values.
    count: usize,
}

/// All cases of many values.
pub(super) static ALL: &[Many] = &[
    Many { name: "many-1", title: "create the first value of 8 bytes in a process", count: 1 },
    Many { name: "many-1000", title: "create 1,000 values of 8 bytes: the time per value", count: 1_000 },
    Many { name: "many-100000", title: "create 100,000 values of 8 bytes: the time per value", count: 100_000 },
    Many { name: "many-1000000", title: "create 1,000,000 values of 8 bytes: the time per value", count: 1_000_000 },
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
        let entry = |(name, create)| {
            Entry::Present(
                Box::new(Creating { case: self.name, name, count: self.count, create }) as Box<dyn Contestant>
            )
        };
        let all: [(&str, CreateAll); 3] =
            [("shared-value", in_arena), ("shared-value, by key", by_key), ("shared-value, a segment each", apart)];
        all.into_iter().map(entry).collect()
    }
}

/// Creates this number of values and keeps them. If it fails, it has kept those that it had created.
type CreateAll = fn(usize, &mut Kept) -> Result<(), Error>;

/// The values that were created.
#[derive(Default)]
struct Kept {
    arena: Option<Arena>,
    handles: Vec<Synchronized<u64>>,
    /// The number of values, with or without a handle.
    created: usize,
}

/// The address space of an arena, which takes memory only for the values in it.
const CAPACITY: usize = 1 << 30;

/// Keeps a handle of each value, as a Python program keeps an object.
fn in_arena(count: usize, kept: &mut Kept) -> Result<(), Error> {
    let arena = kept.arena.insert(Arena::new(CAPACITY)?);
    for number in 0..count {
        let id = arena.alloc(number as u64)?;
        kept.handles.push(arena.get(id)?.expect("the value that was added"));
        kept.created += 1;
    }
    Ok(())
}

/// Gives each value a key, by which any process finds it, and keeps no handle.
fn by_key(count: usize, kept: &mut Kept) -> Result<(), Error> {
    let arena = kept.arena.insert(Arena::new(CAPACITY)?);
    for number in 0..count {
        arena.insert(&format!("value.{number:07}"), number as u64)?;
        kept.created += 1;
    }
    Ok(())
}

/// Creates a segment for each value.
fn apart(count: usize, kept: &mut Kept) -> Result<(), Error> {
    for number in 0..count {
        kept.handles.push(Synchronized::new(number as u64)?);
        kept.created += 1;
    }
    Ok(())
}

struct Creating {
    case: &'static str,
    name: &'static str,
    count: usize,
    create: CreateAll,
}

impl Contestant for Creating {
    fn name(&self) -> &str {
        self.name
    }

    /// Measures once, in a new process: the memory of freed values would make further values cheaper.
    #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
    fn measure(&mut self, _: Duration) -> Result<Reading> {
        let mut team = Team::new()?;
        team.start(self.case, self.name, "", "")?;
        let found = team.findings(0)?;
        let (created, count) = (found["created"], self.count as u64);
        if let Some(error) = found.get("error") {
            let error = io::Error::from_raw_os_error(i32::try_from(*error)?);
            ensure!(created == count, "it fails after {created} values: {error}");
        }
        ensure!(created == count, "it has created {created} values");
        Ok(["memory KiB", "in files KiB", "mappings", "descriptors"]
            .into_iter()
            .fold(Reading::of(found["ns"] as f64 / created as f64), |reading, fact| {
                reading.with(fact, found[fact] as f64)
            }))
    }

    fn work(&self, _: &Task) -> Result<()> {
        let mut kept = Kept::default();
        let before = Usage::now()?;
        let start = Instant::now();
        let result = (self.create)(self.count, &mut kept);
        let elapsed = start.elapsed();
        if result.is_err() {
            // At the limit of descriptors, the files of /proc could not be opened.
            kept.handles.clear();
        }
        let after = Usage::now()?;
        ensure!(
            kept.handles.iter().zip(0..).all(|(value, number)| value.get() == number),
            "the values are not those that were written"
        );
        let mut found = vec![
            ("created", kept.created as u64),
            ("ns", u64::try_from(elapsed.as_nanos())?),
            ("memory KiB", after.resident.saturating_sub(before.resident)),
            ("in files KiB", after.in_files.saturating_sub(before.in_files)),
            ("mappings", after.mappings.saturating_sub(before.mappings)),
            ("descriptors", after.descriptors.saturating_sub(before.descriptors)),
        ];
        if let Err(Error::Io { source, .. }) = &result {
            found.push(("error", source.raw_os_error().unwrap_or(0).unsigned_abs().into()));
        } else {
            result?;
        }
        tell(&found);
        Ok(())
    }
}

/// The resources of this process.
struct Usage {
    /// KiB of memory that the process has mapped and touched, private and shared.
    resident: u64,
    /// KiB that the system has allocated for the open files, touched or not.
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
        // The list includes the descriptor of the folder itself, which is closed by now and has no metadata.
        let blocks = files.iter().filter_map(|file| Some(fs::metadata(file.path()).ok()?.blocks()));
        Ok(Self { resident, in_files: blocks.sum::<u64>() / 2, mappings, descriptors: files.len() as u64 })
    }
}
