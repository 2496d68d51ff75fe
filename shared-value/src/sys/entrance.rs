//! `Entrance`: who is the first to use a file that several processes map.
//!
//! Open-file-description locks (`fcntl(2)`) on three bytes, which belong to the file as this process opened it, and go
//! when its last descriptor is closed, by death too. Who can only read the file can lock bytes for reading only. Such a
//! lock on byte 1 means nothing and is passed by; one on byte 0 makes the file look in use, so that what a stopped
//! machine or a copy left in it is not found.
//!
//! | byte | locked for reading | locked for writing |
//! |---|---|---|
//! | 0 | by everybody who has the file in use | for a moment, by one who is the first |
//! | 1 | - | by one who enters |
//! | 2 | by everybody who reads it only | by the first, until it has entered |
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;
use std::time::Duration;

const IN_USE: libc::off_t = 0;
const ENTERING: libc::off_t = 1;
const READ: libc::off_t = 2;

/// How long to wait for others to enter, which takes them microseconds, before giving up on them.
const TRIES: u32 = 5_000;
const PAUSE: Duration = Duration::from_millis(1);

/// The right to enter, which one opening of a file has at a time.
#[derive(Debug)]
#[must_use = "the file does not count as in use until this has entered"]
pub(crate) struct Entrance {
    file: OwnedFd,
}

impl Entrance {
    /// Waits until nobody else is entering.
    ///
    /// # Errors
    /// `TimedOut` if somebody does not get done with it: a stopped process, perhaps.
    pub(crate) fn wait(file: &File) -> io::Result<Self> {
        for _ in 0..TRIES {
            match set(file, ENTERING, libc::F_WRLCK) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                // Whoever has just got done with it leaves it to be tried again.
                Err(_) if in_the_way(file, ENTERING)? != libc::F_RDLCK => thread::sleep(PAUSE),
                _ => return Ok(Self { file: file.try_clone()?.into() }),
            }
        }
        Err(late())
    }

    /// Whether nobody else has the file in use. Nobody else can begin to, until this has entered.
    pub(crate) fn is_first(&self) -> bool {
        set(&self.file, IN_USE, libc::F_WRLCK).is_ok()
    }

    /// Whether anybody reads the file. If not, nobody can begin to, until this has entered.
    pub(crate) fn is_read(&self) -> bool {
        set(&self.file, READ, libc::F_WRLCK).is_err()
    }

    /// Marks the file as in use, and lets others enter.
    pub(crate) fn enter(self) -> io::Result<()> {
        for _ in 0..TRIES {
            match set(&self.file, IN_USE, libc::F_RDLCK) {
                // Only where a reader keeps this from being the only one to enter.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                // Dropping `self` unlocks the other byte.
                entered => return entered,
            }
        }
        Err(late())
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        // They fail only for a descriptor that is not open.
        let _ = set(&self.file, READ, libc::F_UNLCK);
        let _ = set(&self.file, ENTERING, libc::F_UNLCK);
    }
}

/// Marks the file as read.
///
/// # Errors
/// `TimedOut` if somebody who is the first to write does not get done with it.
pub(crate) fn read(file: &File) -> io::Result<()> {
    for _ in 0..TRIES {
        match set(file, READ, libc::F_RDLCK) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            marked => return marked,
        }
    }
    Err(late())
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "another process has been opening it for seconds")
}

/// Whether anybody has the file in use, this process by way of another opening of it, too.
pub(crate) fn is_in_use(file: &File) -> io::Result<bool> {
    Ok(in_the_way(file, IN_USE)? != libc::F_UNLCK)
}

/// What keeps a byte from being locked for writing: the kind of a lock, or `F_UNLCK` for nothing.
fn in_the_way(file: &File, byte: libc::off_t) -> io::Result<libc::c_int> {
    let mut lock = request(byte, libc::F_WRLCK);
    // SAFETY: the descriptor is open, and the kernel replaces `lock` by another of its kind.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    if result == 0 { Ok(lock.l_type.into()) } else { Err(io::Error::last_os_error()) }
}

fn request(byte: libc::off_t, kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).expect("a small number"),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).expect("a small number"),
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}

fn set(file: &impl AsRawFd, byte: libc::off_t, kind: libc::c_int) -> io::Result<()> {
    let lock = request(byte, kind);
    // SAFETY: the descriptor is open, and the kernel only reads `lock`. It does not wait.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
