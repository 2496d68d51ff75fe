//! Descriptors that other code of the program closes, takes over, or uses up.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use shared_value::{Arena, Capacity, Error, Source, Synchronized, names, unlink};
use shared_value_tests::{AT_ONCE, SegmentName, When, end_now, eventually, fork, refuse, split};

use crate::usage::Usage;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// The standard streams are closed, values are made, and the program prints.
    Standard,
    /// All descriptors are closed, a log is opened, and an arena grows.
    Closed,
    /// All descriptors are closed, and the file cannot be opened again.
    ClosedForGood,
    /// A forked child has dropped its handles, and its parent dies.
    User,
    /// No descriptor is left.
    Exhausted,
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Standard => {
                standard();
                Ok(())
            }
            Self::Closed => closed(),
            Self::ClosedForGood => closed_for_good(),
            Self::User => user(),
            Self::Exhausted => exhausted(),
        }
    }
}

/// Closes a descriptor, as careless code does.
fn close(number: RawFd) {
    // SAFETY: the owners of the descriptor in this program must stand this: that is what the test is about.
    unsafe { libc::close(number) };
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: the call takes numbers only, and checks them.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

fn standard() {
    type Make = fn(&SegmentName) -> Synchronized<[u64; 64]>;
    const MADE: [(&str, Make); 8] = [
        ("new", |_| Synchronized::new([7; 64]).expect("there is memory")),
        ("create", |name| Synchronized::create(name, [7; 64]).expect("the name is new")),
        ("open", |name| {
            fork(|| drop(Synchronized::create(name, [7_u64; 64]).expect("the name is new"))).finish();
            Synchronized::open(name).expect("the value exists")
        }),
        ("token", |_| {
            let (receiver, mut sender) = io::pipe().expect("there are descriptors");
            let creator = fork(|| {
                let value = Synchronized::new([7_u64; 64]).expect("there is memory");
                writeln!(sender, "{}", value.token().expect("it has a token")).expect("the other process reads it");
                loop {
                    std::thread::park();
                }
            });
            let mut token = String::new();
            io::BufReader::new(receiver).read_line(&mut token).expect("the creator sends it");
            let value = Synchronized::open(Source::token(token.trim().to_owned())).expect("the creator lives");
            creator.signal(Signal::KILL);
            creator.finish_killed();
            value
        }),
        ("socket", |_| {
            let (here, there) = UnixStream::pair().expect("there are descriptors");
            fork(|| {
                let value = Synchronized::new([7_u64; 64]).expect("there is memory");
                value.send_to(&there).expect("the socket is open");
            })
            .finish();
            Synchronized::open(&here).expect("the other process has sent it")
        }),
        ("inherited", |_| {
            let value = Synchronized::new([7_u64; 64]).expect("there is memory");
            let mut command = Command::new("/bin/true");
            value.pass_to(&mut command, "VALUE").expect("there are descriptors");
            let entry = command.get_envs().next().expect("there is an entry").1.expect("it has a value").to_owned();
            // SAFETY: this process has one thread.
            unsafe { std::env::set_var("VALUE", entry) };
            drop(value);
            Synchronized::open(Source::inherited("VALUE")).expect("the descriptor is open")
        }),
        ("arena", |_| {
            let arena = Arena::new(Capacity(1 << 20)).expect("there is memory");
            arena.insert("key", [7; 64]).expect("there is room")
        }),
        ("names", |name| {
            let value = Synchronized::create(name, [7; 64]).expect("the name is new");
            assert!(names().expect("the directory is readable").iter().any(|found| found.name() == &**name));
            value
        }),
    ];
    for (what, make) in MADE {
        for closed in [&[0][..], &[1], &[2], &[0, 1, 2]] {
            let name = SegmentName::new("standard");
            fork(|| {
                closed.iter().copied().for_each(close);
                let value = make(&name);
                let reader = value.read_only();
                for _ in 0..100 {
                    // SAFETY: the call reads as many bytes as there are.
                    let written =
                        unsafe { libc::write(closed[closed.len() - 1], b"a line of log\n".as_ptr().cast(), 14) };
                    assert!(written < 0, "{what}: the number leads to a file");
                }
                assert!(closed.iter().all(|number| !is_open(*number)), "{what} has taken one of {closed:?}");
                assert_eq!(value.load().expect("the bits are valid"), [7; 64], "{what}");
                drop(value.lock_timeout(AT_ONCE).expect("the lock is free"));
                drop(reader);
            })
            .finish();
        }
    }
    println!("{} ways to get a value, and no standard stream was taken", MADE.len());
}

/// A log that has taken the number of a descriptor.
struct Log {
    file: File,
    length: u64,
}

impl Log {
    /// Closes all descriptors but the standard ones, as a daemon does, and opens files with their numbers. The last one is
    /// the log; the others are leaked.
    fn take_over(path: &Path) -> Vec<Self> {
        let open: Vec<RawFd> = fs::read_dir("/proc/self/fd")
            .expect("the kernel shows them")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|number| *number > 2)
            .collect();
        open.iter().copied().for_each(close);
        let most = open.iter().max().copied().unwrap_or(3);
        let mut logs = Vec::new();
        while logs.last().is_none_or(|log: &Self| log.file.as_raw_fd() < most) {
            let mut file = File::create(path.join(logs.len().to_string())).expect("the directory is writable");
            file.write_all(b"started\n").expect("there is space");
            logs.push(Self { file, length: 8 });
        }
        logs
    }

    /// Checks that only its owner has written to the log, made it longer or closed it.
    fn check(&mut self, after: &str) {
        let length = self.file.metadata().unwrap_or_else(|error| panic!("{after}: the log was closed: {error}")).len();
        assert_eq!(length, self.length, "{after}: the log was made longer");
        self.file.write_all(b"another line\n").expect("the log is open");
        self.length += 13;
    }
}

fn closed() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for named in [false, true] {
        let name = SegmentName::new("closed");
        fork(|| {
            let make = || if named { Arena::create(&name, 64 << 20) } else { Arena::new(64 << 20) };
            let arena = make().expect("there is address space");
            let reader = arena.read_only().expect("it can be mapped again");
            let value = Synchronized::new([1_u64; 8]).expect("there is memory");
            let mut command = Command::new("/bin/true");
            value.pass_to(&mut command, "VALUE").expect("there are descriptors");
            let mut logs = Log::take_over(directory.path());
            let mut check = |after: &str| logs.iter_mut().for_each(|log| log.check(after));

            for number in 0..8_000_u64 {
                arena.insert(&number.to_string(), [number; 20]).expect("the file can be opened again");
            }
            check("growing");
            assert_eq!(arena.get::<[u64; 20]>("7999").expect("it is sound").expect("it is there").get(), [7_999; 20]);
            let again = arena.read_only().expect("the file can be opened again");
            assert_eq!((again.len(), reader.len()), (8_000, 8_000));
            let token = arena.token().expect("the file can be opened again");
            fork(|| assert_eq!(Arena::open(&token).expect("this process has it open").len(), 8_000)).finish();
            let (here, there) = UnixStream::pair().expect("there are descriptors");
            arena.send_to(&here).expect("the file can be opened again");
            fork(|| assert_eq!(Arena::open(&there).expect("it was sent").len(), 8_000)).finish();
            // The descriptor of a reader is still one for reading only.
            let mut look = Command::new("/bin/sh");
            look.args(["-c", "set -- $VALUE; grep -q 'flags:.*0$' /proc/self/fdinfo/$2"]);
            reader.pass_to(&mut look, "VALUE").expect("the file can be opened again");
            assert!(look.status().expect("there is a shell").success(), "the child may write");
            check("handing over");
            let failed = command.status().expect_err("its descriptor is gone");
            assert_eq!(failed.raw_os_error(), Some(libc::EBADF), "{failed}");
            let mut command = Command::new("/bin/true");
            value.pass_to(&mut command, "VALUE").expect("the file can be opened again");
            assert!(command.status().expect("the program exists").success());
            drop((command, value, again, reader, arena));
            check("dropping");
        })
        .finish();
    }
    println!("an arena has grown, was handed over and dropped, and left the descriptors of others alone");
    Ok(())
}

fn closed_for_good() -> Result<()> {
    const NOBODY: u32 = 65_534;
    let directory = tempfile::tempdir()?;
    let name = SegmentName::new("closed-for-good");
    fork(|| {
        let arena = Arena::create(&name, 64 << 20).expect("there is address space");
        let value = Synchronized::new(1_u64).expect("there is memory");
        unlink(&name).expect("it has the name");
        let mut logs = Log::take_over(directory.path());
        // Only a privileged process may open files by their mappings.
        // SAFETY: this process has one thread.
        assert_eq!(unsafe { libc::setuid(NOBODY) }, 0, "the test runs as root");
        let refused = (0..8_000_u64).find_map(|number| arena.alloc(number).err()).expect("the arena cannot grow");
        assert!(refused.to_string().contains("other code of this program has closed the descriptor"), "{refused}");
        let refused = value.token().expect_err("there is no descriptor");
        assert!(refused.to_string().contains("other code of this program has closed the descriptor"), "{refused}");
        value.set(2).expect("the memory is still there");
        assert_eq!(value.get(), 2);
        drop((arena, value));
        for log in &mut logs {
            log.check("dropping");
        }
    })
    .finish();
    Ok(())
}

fn is_in_use(name: &SegmentName) -> bool {
    let found = names().expect("the directory is readable").into_iter().find(|found| found.name() == &**name);
    found.expect("the name exists").is_in_use()
}

fn user() -> Result<()> {
    // A child that has dropped its handles does not count, whatever its parent held when it forked.
    for holds in [false, true] {
        let name = SegmentName::new("user");
        let (mut ready, mut sender) = io::pipe()?;
        let (mut end, keep) = io::pipe()?;
        let Some(parent) = split() else {
            let value = Synchronized::create(&name, 1_u64).expect("the name is new");
            let guard = holds.then(|| value.lock().expect("the lock is free"));
            if let Some(guard) = &guard {
                guard.set(2).expect("the lock is held");
            }
            let Some(_child) = split() else {
                drop((guard, keep));
                drop(value);
                set_parent_process_death_signal(None).expect("a process may outlive its parent");
                sender.write_all(&[1]).expect("the test reads it");
                // Ends with the test.
                let _ = end.read(&mut [0]);
                end_now(0);
            };
            wait_for_death();
        };
        ready.read_exact(&mut [0])?;
        ensure!(is_in_use(&name), "the parent has it open");
        parent.signal(Signal::KILL);
        parent.finish_killed();
        eventually("the value is not in use", || !is_in_use(&name));
        drop(keep);
    }
    // A process whose descriptors were closed still counts: it has the segment mapped.
    let name = SegmentName::new("user-closed");
    fork(|| {
        let value = Synchronized::create(&name, 1_u64).expect("the name is new");
        for number in 3..64 {
            close(number);
        }
        assert!(is_in_use(&name), "the value is mapped");
        drop(value);
        assert!(!is_in_use(&name), "the value is not mapped any more");
    })
    .finish();
    Ok(())
}

fn wait_for_death() -> ! {
    loop {
        std::thread::park();
    }
}

/// Checks that the error says that no descriptor is left.
fn refused<V>(what: &str, result: Result<V, Error>) -> Result<()> {
    match result {
        Err(Error::Io { source, .. }) if source.raw_os_error() == Some(libc::EMFILE) => Ok(()),
        Err(error) => bail!("{what}: {error:?}"),
        Ok(_) => bail!("{what}: it needs no descriptor"),
    }
}

fn limit_descriptors(most: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..limit })?)
}

fn exhausted() -> Result<()> {
    let name = SegmentName::new("exhausted");
    let value = Synchronized::create(&name, 1_u64)?;
    let arena = Arena::new(1 << 20)?;
    let other = SegmentName::new("exhausted-other");
    fork(|| drop(Synchronized::create(&other, 1_u64).expect("the name is new"))).finish();
    let path = tempfile::tempdir()?;
    let file = path.path().join("value");
    let (here, there) = UnixStream::pair()?;
    value.send_to(&here)?;
    arena.insert("key", 5_u64)?.send_to(&here)?;
    let mut command = Command::new("/bin/true");
    let entry = {
        let mut command = Command::new("/bin/true");
        value.pass_to(&mut command, "VALUE")?;
        let entry = command.get_envs().next().and_then(|(_, entry)| entry).context("there is an entry")?.to_owned();
        std::mem::forget(command);
        entry
    };
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("VALUE", entry) };
    let before = Usage::now()?.descriptors;

    let mut fillers: Vec<OwnedFd> = Vec::new();
    limit_descriptors(64)?;
    while let Ok(filler) = duplicate(&here) {
        fillers.push(filler);
    }
    refused("new", Synchronized::new(1_u64))?;
    refused("create", Synchronized::create(&*format!("{}-more", &*name), 1_u64))?;
    refused("create a file", Synchronized::create(&file, 1_u64))?;
    refused("open", Synchronized::<u64>::open(&other))?;
    refused("open or create", Synchronized::open_or_create(&other, 1_u64))?;
    refused("open to read", Synchronized::<u64>::open_read_only(&other))?;
    refused("read only", value.read_only())?;
    refused("pass", value.pass_to(&mut command, "OTHER"))?;
    refused("inherit", Synchronized::<u64>::open(Source::inherited("VALUE")))?;
    refused("names", names())?;
    refused("receive", Synchronized::<u64>::open(&there))?;
    refused("receive", Synchronized::<u64>::open(&there))?;
    arena.insert("another key", 1_u64)?;
    value.set(2)?;
    drop(fillers);
    limit_descriptors(1_024)?;
    // What could not be received is still there.
    ensure!(Synchronized::<u64>::open(&there)?.get() == 2);
    ensure!(Synchronized::<u64>::open(&there)?.get() == 5);
    ensure!(Usage::now()?.descriptors == before, "descriptors were leaked");
    ensure!(names()?.iter().any(|found| found.name() == &*name && found.is_in_use()));

    lost_on_the_way(&value)
}

/// Receives with the last descriptor, and with none at the moment when the message arrives.
fn lost_on_the_way(value: &Synchronized<u64>) -> Result<()> {
    let (here, there) = UnixStream::pair()?;
    value.send_to(&here)?;
    value.send_to(&here)?;
    fork(|| {
        let lowest = duplicate(&there).expect("there is room").into_raw_fd();
        close(lowest);
        limit_descriptors(u64::try_from(lowest).expect("it is positive") + 1).expect("a limit can be lowered");
        let last = Synchronized::<u64>::open(&there).expect("one descriptor is enough");
        assert_eq!(last.get(), 2);
        drop(last);
        // The question whether there is room does nothing, so that the message arrives without room for its descriptor.
        let question = u32::try_from(libc::F_DUPFD_CLOEXEC).expect("commands are small");
        refuse(libc::SYS_fcntl, When::Equal(1, question), 0);
        limit_descriptors(0).expect("a limit can be lowered");
        let refused = Synchronized::<u64>::open(&there).expect_err("the descriptor does not fit").to_string();
        assert!(refused.contains("the descriptor was lost on its way"), "{refused}");
    })
    .finish();
    Ok(())
}

/// Returns another descriptor of the socket, with the lowest number.
fn duplicate(socket: &UnixStream) -> io::Result<OwnedFd> {
    // SAFETY: the call takes numbers only, and checks them.
    let number = unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 0) };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, so it has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
