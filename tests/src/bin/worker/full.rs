//! A full `/dev/shm`.

use std::fs;
use std::io;

use anyhow::{Context, Result, bail, ensure};
use shared_value::{Arena, Capacity, Error, SharedVec, Synchronized, unlink};
use shared_value_tests::{mount_tmpfs, own_mounts, say, skip};

/// The size of the `/dev/shm` that this process mounts.
const ROOM: usize = 16 * 1024;

pub(crate) fn full() -> Result<()> {
    if let Err(error) = own_mounts() {
        skip(format_args!("no mount namespace for this process: {error}"));
        return Ok(());
    }
    mount_tmpfs("/dev/shm", ROOM);

    for _ in 0..3 {
        no_space(Synchronized::create("larger", [7_u8; ROOM]))?;
        ensure!(names()?.is_empty(), "the failure left {:?}", names()?);
    }
    let mut values = Vec::new();
    loop {
        match Synchronized::create(format!("small-{}", values.len()), [7_u8; 1024]) {
            Ok(value) => values.push(value),
            failed => break no_space(failed)?,
        }
    }
    ensure!(values.len() > 1, "only {} small values fit", values.len());
    ensure!(names()?.len() == values.len(), "the failure left one of {:?}", names()?);
    for value in &values {
        // Creating has reserved all pages: no update runs out of room.
        value.update(|bytes| bytes.fill(8))?;
        ensure!(value.get() == [8; 1024], "the change is lost");
    }
    drop(values);
    for name in names()? {
        unlink(&name)?;
    }
    drop(Synchronized::create("small", [7_u8; 1024]).context("unlinking has freed no room")?);
    unlink("small")?;
    fill_arena()?;
    fill_vector()?;
    fill_evenly()?;
    say("done");
    Ok(())
}

/// Fills an arena until no memory is left, although its address space is larger.
fn fill_arena() -> Result<()> {
    let arena = Arena::create("arena", 1 << 30).context("address space needs no memory")?;
    let mut values = Vec::new();
    loop {
        match arena.insert(&values.len().to_string(), [7_u64; 20]) {
            Ok(value) => values.push(value),
            failed => break no_space(failed)?,
        }
    }
    // Of the four pages, the index and the slots of claims take one each.
    ensure!(values.len() * 320 > ROOM / 12, "only {} values fit", values.len());
    for (number, value) in values.iter().enumerate() {
        value.update(|words| words.fill(8))?;
        let found = arena.get::<[u64; 20]>(&number.to_string())?.context("the value is lost")?;
        ensure!(found.get() == [8; 20], "the key leads to another value");
    }
    ensure!(arena.len() == values.len(), "the failure left a part of a value");
    ensure!(
        arena.iter().filter(|entry| entry.key().is_some()).count() == values.len(),
        "the failure left a part of a value"
    );
    unlink("arena")?;
    Ok(())
}

/// Fills a vector until no memory is left, although its capacity is larger.
fn fill_vector() -> Result<()> {
    let vector = SharedVec::<u64>::create("vector", Capacity(4096)).context("capacity needs no memory")?;
    let other = SharedVec::<u64>::open("vector")?;
    let mut length = 0;
    let full = loop {
        let host = if length % 2 == 0 { &vector } else { &other };
        match host.push(length) {
            Ok(()) => length += 1,
            Err(error) => break error,
        }
    };
    no_space::<()>(Err(full))?;
    // Header, two slots and the marks take three of the four pages.
    ensure!((400..4096).contains(&length), "only {length} elements fit");
    no_space::<()>(other.set(&vec![1; 4096]))?;
    ensure!(vector.load()? == (0..length).collect::<Vec<_>>(), "the failure changed the elements");
    vector.set_at(0, 7)?;
    vector.pop()?;
    vector.push(8)?;
    ensure!(other.get(0) == Some(7) && other.len() as u64 == length, "the changes are lost");
    unlink("vector")?;
    Ok(())
}

/// If the first slot got memory ahead that the second one needs, a vector would be full long before its file system is.
fn fill_evenly() -> Result<()> {
    const ROOM: usize = 100 * 1024;
    mount_tmpfs("/dev/shm", ROOM);
    let vector = SharedVec::<u64>::create("vector", Capacity(ROOM))?;
    let full = loop {
        if let Err(error) = vector.push(1) {
            break error;
        }
    };
    no_space::<()>(Err(full))?;
    ensure!(vector.len() * 8 > ROOM / 3, "only {} elements fit", vector.len());
    Ok(())
}

fn no_space<T>(result: Result<T, Error>) -> Result<()> {
    match result {
        Err(Error::Io { operation, source }) => {
            ensure!(source.kind() == io::ErrorKind::StorageFull, "`{operation}` failed for another reason: {source}");
            ensure!(operation.starts_with("reserve "), "only reserving runs out of room, not `{operation}`");
            Ok(())
        }
        Err(error) => bail!("an error of another kind: {error}"),
        Ok(_) => bail!("the value fits into a full file system"),
    }
}

fn names() -> io::Result<Vec<String>> {
    fs::read_dir("/dev/shm")?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
