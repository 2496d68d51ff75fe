//! Memory that cannot be had, or not at once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, chroot};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use shared_value::{Arena, Error, Filled, LockKind, ReadOnly, SharedArray, Synchronized, Token, Zeroed, unlink};
use shared_value_tests::{
    AT_ONCE, MemoryGroup, SegmentName, When, fork, mount_tmpfs, number_of_file, own_mounts, refuse, show_instead, skip,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// The kernel interrupts every request for much memory.
    Interrupted,
    /// Zeros that were never written.
    Sparse,
    /// A machine that promises no more memory than it has.
    Strict,
    /// A machine that is short of memory.
    Short,
    /// A control group with a limit.
    Group,
    /// A limit for the size of files.
    FileSize,
    /// Copies of files with holes, in a file system that is full.
    Holes,
    /// A process dumps core.
    Dump,
    /// A root directory without `/proc`.
    WithoutProc,
}

const MEBI: usize = 1 << 20;

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Interrupted => interrupted(),
            Self::Sparse => sparse(),
            Self::Strict => strict(),
            Self::Short => short(),
            Self::Group => group(),
            Self::FileSize => file_size(),
            Self::Holes => holes(),
            Self::Dump => dump(),
            Self::WithoutProc => without_proc(),
        }
    }
}

/// Returns the number of bytes of memory that a value without a name takes.
fn memory_of(token: &Token) -> Result<usize> {
    let text = token.to_string();
    let number = text.rsplit(':').next().context("the token ends with a descriptor")?;
    Ok(usize::try_from(fs::metadata(format!("/proc/self/fd/{number}"))?.blocks())? * 512)
}

fn interrupted() -> Result<()> {
    // A timer interrupts larger requests on older kernels, however often they are repeated.
    refuse(libc::SYS_fallocate, When::Above(3, 256 << 10), libc::EINTR);
    let name = SegmentName::new("interrupted");
    let array = SharedArray::<u8>::create(&name, Filled(1, 16 * MEBI))?;
    array.update_at(16 * MEBI - 1, |last| *last += 1)?;
    let arena_name = SegmentName::new("interrupted-arena");
    let arena = Arena::create(&arena_name, 64 * MEBI)?;
    let value = arena.insert("large", Filled(1_u8, 8 * MEBI))?;
    ensure!(value.at(8 * MEBI - 1) == 1);
    ensure!(fs::metadata(arena_name.path())?.blocks() * 512 >= 16 << 20, "memory for both slots");
    Ok(())
}

fn sparse() -> Result<()> {
    const LENGTH: usize = 12 * MEBI;
    const LITTLE: usize = 256 << 10;
    let arena = Arena::new(1 << 30)?;
    let token = arena.token()?;
    let zeros = arena.insert("zeros", Filled(0_u64, LENGTH))?;
    let frame = arena.insert::<[u64; 1 << 20]>("frame", Zeroed)?;
    let after = arena.insert("after", 7_u64)?;
    ensure!(memory_of(&token)? < LITTLE, "{} bytes of zeros", memory_of(&token)?);
    zeros.set_at(LENGTH / 2, 1)?;
    frame.set_at(1_000, 2)?;
    ensure!(memory_of(&token)? < 2 * LITTLE, "two elements take {} bytes", memory_of(&token)?);
    for _ in 0..2 {
        zeros.update_at(LENGTH / 2, |element| *element += 1)?;
    }
    ensure!((zeros.at(LENGTH / 2), zeros.at(LENGTH / 2 + 1), frame.at(1_000), after.get()) == (3, 0, 2, 7));
    arena.remove("zeros")?;
    ensure!(memory_of(&token)? < 2 * LITTLE);
    Ok(())
}

/// Lets this process see other facts about the machine. Returns whether that is possible.
fn see(text: &str, file: &str, scratch: &Path) -> bool {
    if let Err(error) = own_mounts() {
        skip(format_args!("no mount namespace for this process: {error}"));
        return false;
    }
    show_instead(text, file, scratch);
    true
}

fn strict() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    if !see("2\n", "/proc/sys/vm/overcommit_memory", scratch.path()) {
        return Ok(());
    }
    let zeros = SharedArray::new(Filled(0_u8, 4 * MEBI))?;
    ensure!(memory_of(&zeros.token()?)? >= 8 * MEBI, "a write to a page that is missing may be SIGBUS");
    let arena = Arena::new(64 * MEBI)?;
    arena.insert("zeros", Filled(0_u8, 4 * MEBI))?;
    ensure!(memory_of(&arena.token()?)? >= 8 * MEBI, "a write to a page that is missing may be SIGBUS");
    Ok(())
}

/// Checks that the result is an error of this kind, and returns its text.
fn refused<V>(result: Result<V, Error>, kind: io::ErrorKind) -> Result<String> {
    match result {
        Err(Error::Io { operation, source }) if source.kind() == kind => Ok(format!("cannot {operation}: {source}")),
        Err(error) => bail!("an error of another kind: {error:?}"),
        Ok(_) => bail!("no error"),
    }
}

fn short() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let facts = "MemTotal: 65536 kB\nMemFree: 1024 kB\nMemAvailable: 8192 kB\nSwapFree: 4096 kB\n";
    if !see(facts, "/proc/meminfo", scratch.path()) {
        return Ok(());
    }
    let name = SegmentName::new("short");
    let arena = Arena::new(64 * MEBI)?;
    let named = SegmentName::new("short-arena");
    let named_arena = Arena::create(&named, 64 * MEBI)?;
    let much = Filled(1_u8, 16 * MEBI);
    for refusal in [
        refused(SharedArray::new(much), io::ErrorKind::OutOfMemory)?,
        refused(SharedArray::create(&name, much), io::ErrorKind::OutOfMemory)?,
        refused(SharedArray::create(&name, Filled(0_u8, 16 * MEBI)), io::ErrorKind::OutOfMemory)?,
        refused(arena.insert("much", much), io::ErrorKind::OutOfMemory)?,
        refused(named_arena.insert("much", Filled(0_u8, 16 * MEBI)), io::ErrorKind::OutOfMemory)?,
    ] {
        ensure!(refusal.contains("the machine has 12582912 bytes of memory left"), "{refusal}");
    }
    ensure!(!name.path().exists() && arena.is_empty() && named_arena.is_empty(), "something was left");
    // A part of that can be had, and zeros take nothing.
    SharedArray::new(Filled(1_u8, 5 * MEBI))?;
    named_arena.insert("some", Filled(1_u8, 5 * MEBI))?;
    SharedArray::new(Filled(0_u8, 16 * MEBI))?;
    arena.insert("zeros", Filled(0_u8, 16 * MEBI))?;
    Ok(())
}

fn group() -> Result<()> {
    let group = match MemoryGroup::new("group", 48 * MEBI) {
        Ok(group) => group,
        Err(error) => {
            skip(&error);
            return Ok(());
        }
    };
    let name = SegmentName::new("group");
    let result = fork(|| {
        group.admit(0);
        let arena = Arena::new(1 << 30).expect("there is address space");
        let much = Filled(1_u8, 64 * MEBI);
        for refusal in [
            refused(SharedArray::new(much), io::ErrorKind::OutOfMemory),
            refused(SharedArray::create(&name, much), io::ErrorKind::OutOfMemory),
            refused(arena.insert("much", much), io::ErrorKind::OutOfMemory),
        ] {
            let refusal = refusal.expect("it is an error");
            assert!(refusal.contains("the control group of this process has"), "{refusal}");
        }
        drop(SharedArray::new(Filled(1_u8, 8 * MEBI)).expect("a part can be had"));
        arena.insert("some", Filled(1_u8, 8 * MEBI)).expect("a part can be had");
    })
    .wait();
    ensure!(result.exit_status() == Some(0), "{result:?}");
    Ok(())
}

fn file_size() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let path = scratch.path().join("value");
    let name = SegmentName::new("file-size");
    let limit = Some(1 << 20);
    setrlimit(Resource::Fsize, Rlimit { current: limit, maximum: limit })?;
    let much = Filled(0_u8, 2 * MEBI);
    for refusal in [
        refused(SharedArray::new(much), io::ErrorKind::FileTooLarge)?,
        refused(SharedArray::create(&name, much), io::ErrorKind::FileTooLarge)?,
        refused(SharedArray::create(&*path, much), io::ErrorKind::FileTooLarge)?,
        refused(Arena::new(2 * MEBI), io::ErrorKind::FileTooLarge)?,
        refused(Arena::create(&name, 2 * MEBI), io::ErrorKind::FileTooLarge)?,
    ] {
        ensure!(refusal.contains("RLIMIT_FSIZE"), "{refusal}");
    }
    ensure!(!path.exists() && !name.path().exists(), "something was left");
    // The claims of an arena take part of its file.
    let arena = Arena::create(&name, MEBI / 8)?;
    while arena.alloc([1_u64; 64]).is_ok() {}
    Synchronized::create(&*path, 1_u64)?.set(2)?;
    Ok(())
}

/// Frees all memory of a file that holds zeros, as a copy that leaves out zeros does.
fn dig(path: &Path) -> Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let bytes = fs::read(path)?;
    for (number, page) in bytes.chunks(4096).enumerate() {
        if page.iter().all(|byte| *byte == 0) {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(&file, flags, number as u64 * 4096, 4096)?;
        }
    }
    ensure!(file.metadata()?.blocks() * 512 < file.metadata()?.len() / 2, "the file has holes");
    Ok(())
}

/// Creates or uses a value.
type Use = fn() -> Result<(), Error>;

fn read_all(array: &Synchronized<[u64], ReadOnly>) -> Result<(), Error> {
    array.to_vec().map(drop)
}

fn holes() -> Result<()> {
    const ROOM: usize = 8 * MEBI;
    if let Err(error) = own_mounts() {
        skip(format_args!("no mount namespace for this process: {error}"));
        return Ok(());
    }
    mount_tmpfs("/dev/shm", ROOM);
    // How a value is created, how all of its memory is written, and how it is read by a handle that cannot reserve memory.
    let cases: [(Use, Use, Option<Use>); 4] = [
        (
            || SharedArray::create("value", Filled(0_u64, MEBI / 8)).map(drop),
            || {
                let array = SharedArray::<u64>::open("value")?;
                (1..3).try_for_each(|round| array.lock()?.fill(round))
            },
            Some(|| SharedArray::open_read_only("value").and_then(|array| read_all(&array))),
        ),
        (
            || SharedArray::options().lock_kind(LockKind::Pthread).create("value", Filled(0_u64, MEBI / 8)).map(drop),
            || {
                let array = SharedArray::<u64>::options().lock_kind(LockKind::Pthread).open("value")?;
                (1..3).try_for_each(|round| array.lock()?.fill(round))
            },
            Some(|| SharedArray::open_read_only("value").and_then(|array| read_all(&array))),
        ),
        (
            || SharedArray::options().unlocked().create("value", Filled(0_u64, MEBI / 4)).map(drop),
            || {
                let array = SharedArray::<u64>::options().unlocked().open("value")?;
                (0..array.len()).try_for_each(|index| array.set_at(index, 1))
            },
            None,
        ),
        (
            || Arena::create("value", 2 * ROOM)?.insert("key", Filled(0_u64, MEBI / 8)).map(drop),
            || {
                let array = Arena::open("value")?.get::<[u64]>("key")?.expect("it is there");
                (1..3).try_for_each(|round| array.lock()?.fill(round))
            },
            Some(|| {
                let array = Arena::open_read_only("value")?.get("key")?.expect("it is there");
                read_all(&array)
            }),
        ),
    ];
    let path = Path::new("/dev/shm/value");
    for (number, (create, write, read)) in cases.into_iter().enumerate() {
        create()?;
        dig(path)?;
        let filler = Path::new("/dev/shm/filler");
        let fill = || {
            let mut file = File::create(filler)?;
            while file.write_all(&[1; 4096]).is_ok() {}
            io::Result::Ok(())
        };
        // There is no memory for the holes.
        fill()?;
        fork(|| {
            let error = write().expect_err("there is no memory").to_string();
            assert!(error.contains("reserve memory for the holes in `value`"), "{number}: {error}");
        })
        .finish();
        if let Some(read) = read {
            // A load would raise SIGBUS.
            fork(|| {
                let error = read().expect_err("there is no memory").to_string();
                assert!(error.contains("get memory for the holes in `value`"), "{number}: {error}");
            })
            .finish();
            fs::remove_file(filler)?;
            read()?;
            fill()?;
            fork(|| read().expect("its memory is there")).finish();
            dig(path)?;
        }
        fs::remove_file(filler)?;
        // A process has the value open, so its holes are filled. Then there is no memory left.
        let opened = fork(|| {
            let keep = (Arena::open("value").ok(), Synchronized::<[u64]>::open("value").ok());
            let keep = (
                keep,
                SharedArray::<u64>::options().lock_kind(LockKind::Pthread).open("value").ok(),
                SharedArray::<u64>::options().unlocked().open("value").ok(),
            );
            fill().expect("the file system is full");
            write().expect("its memory is reserved");
            drop(keep);
        });
        let status = opened.wait();
        ensure!(status.exit_status() == Some(0), "{number}: {status:?}");
        fs::remove_file(filler)?;
        unlink("value")?;
    }
    Ok(())
}

fn dump() -> Result<()> {
    const LENGTH: usize = 64 * MEBI;
    let name = SegmentName::new("dump");
    let value = SharedArray::create(&name, Filled(1_u8, LENGTH / 2))?;
    let reader = value.read_only()?;
    let maps = fs::read_to_string("/proc/self/smaps")?;
    let file = format!(" {} ", number_of_file(&name.path(), ' '));
    let mut found = 0;
    for mapping in maps.split("VmFlags:").collect::<Vec<_>>().windows(2) {
        if mapping[0].contains(&file) {
            found += 1;
            let flags = mapping[1].lines().next().unwrap_or_default();
            ensure!(flags.split_whitespace().any(|flag| flag == "dd"), "it would be in a dump: {flags}");
        }
    }
    ensure!(found == 2, "{found} mappings instead of one to write and one to read");
    drop(reader);
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern")?;
    if pattern.starts_with('|') || pattern.contains('/') {
        println!("the system writes dumps to `{}`, so their size is not known", pattern.trim());
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    fork(|| {
        std::env::set_current_dir(directory.path()).expect("the directory exists");
        setrlimit(Resource::Core, Rlimit { current: None, maximum: None }).expect("the test runs as root");
        std::mem::forget(value.lock().expect("the lock is free"));
        std::process::abort();
    })
    .finish_by(Signal::ABORT);
    let dumps: Vec<_> = fs::read_dir(directory.path())?.collect::<Result<_, _>>()?;
    ensure!(dumps.len() == 1, "{dumps:?}");
    let length = dumps[0].metadata()?.blocks() * 512;
    ensure!(length < (LENGTH / 2) as u64, "a dump of {length} bytes contains the value");
    ensure!(value.lock_timeout(AT_ONCE)?.recovered(), "the owner is dead");
    println!("a dump of {length} bytes beside a value of {LENGTH}");
    Ok(())
}

fn without_proc() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    if let Err(error) = own_mounts() {
        skip(format_args!("no mount namespace for this process: {error}"));
        return Ok(());
    }
    // A directory that is removed while a value is created in it is no reason to say that no value exists.
    fork(|| {
        let follow = u32::try_from(libc::AT_SYMLINK_FOLLOW).expect("flags are small");
        refuse(libc::SYS_linkat, When::Equal(4, follow), libc::ENOENT);
        let name = SegmentName::new("no-directory");
        let refusal = refused(Synchronized::open_or_create(&name, 1_u64), io::ErrorKind::NotFound);
        assert!(refusal.expect("it is another error").starts_with("cannot name `"));
    })
    .finish();
    mount_tmpfs(scratch.path(), 8 * MEBI);
    fs::create_dir_all(scratch.path().join("dev/shm"))?;
    chroot(scratch.path())?;
    std::env::set_current_dir("/")?;
    let path = Path::new("/value");
    // A privileged process needs no `/proc` to give a file its name.
    fork(|| {
        let value = Synchronized::open_or_create("name", 1_u64).expect("the process is privileged");
        assert_eq!(Synchronized::<u64>::open("name").expect("it exists").get(), 1);
        drop(value.read_only().expect("it can be opened at its path"));
        drop(Synchronized::create(path, 1_u64).expect("the process is privileged"));
        unlink("name").expect("it exists");
        unlink(path).expect("it exists");
    })
    .finish();
    refuse(libc::SYS_linkat, When::Equal(4, u32::try_from(libc::AT_EMPTY_PATH)?), libc::ENOENT);
    let value = Synchronized::new(1_u64)?;
    let wrong: Vec<_> = [
        Synchronized::create("name", 1_u64).map(drop),
        Synchronized::open_or_create("name", 1_u64).map(drop),
        Synchronized::create(path, 1_u64).map(drop),
        Synchronized::open_or_create(path, 1_u64).map(drop),
        Arena::create("name", MEBI).map(drop),
        value.token().map(drop),
        value.read_only().map(drop),
        Arena::new(MEBI)?.read_only().map(drop),
    ]
    .into_iter()
    .map(|result| result.map_or_else(|error| error.to_string(), |()| "no error".to_owned()))
    .filter(|text| !text.contains("`/proc` does not show this process: is it mounted?"))
    .collect();
    ensure!(wrong.is_empty(), "{wrong:?}");
    value.set(2)?;
    Arena::new(MEBI)?.insert("key", [1_u64; 64])?;
    Ok(())
}
