//! `Entrance`: lets processes begin to use a file one at a time, and tells each whether it is the first.
//!
//! The file has open-file-description locks (`fcntl(2)`) on three bytes. Such a lock belongs to one opening of the file. The
//! kernel releases it when the last descriptor of that opening is closed, also when the process dies. A process that may
//! only read the file can lock bytes for reading only. Its lock on byte 1 means nothing, and is ignored. Its lock on byte 0
//! makes the file look in use: the next process that opens the file then skips the repair that is needed after a crash of
//! the machine, or in a copy of the file.
//!
//! A child that is forked by another thread meanwhile has a copy of the descriptor, and so a share in the locks. They end with
//! the opening all the same: `Entrance` unlocks the bytes itself, for all copies. Only if the parent is killed between the two
//! does the child keep them, until it ends, calls `execve` or closes the descriptor. Then `open` fails after five seconds, and
//! the error names this cause. To close the copy in the child, the fork would have to wait until no thread opens anything.
//!
//! | byte | locked for reading by | locked for writing by |
//! |---|---|---|
//! | 0 | each process that has the file in use | the first process, for a moment |
//! | 1 | - | the process that is entering |
//! | 2 | each process that only reads the file | the first process, until it has entered |
//! | 3 | - | the process that is changing the name of the file |
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::Duration;

const IN_USE: libc::off_t = 0;
const ENTERING: libc::off_t = 1;
const READ: libc::off_t = 2;
const NAMING: libc::off_t = 3;

/// How often to try, with these pauses, before giving up. Entering takes a process only microseconds.
const TRIES: u32 = 5_000;
const PAUSE: Duration = Duration::from_millis(1);

/// The right to enter, which only one opening of a file has at a time.
#[derive(Debug)]
#[must_use = "the file does not count as in use until this has entered"]
pub(crate) struct Entrance<'a> {
    file: BorrowedFd<'a>,
    /// The first of the bytes that are unlocked at the end.
    unlocked: libc::off_t,
}

impl<'a> Entrance<'a> {
    /// Waits until no other process is entering.
    ///
    /// # Errors
    /// `TimedOut` if another process does not finish entering, perhaps because it is stopped.
    pub(crate) fn wait(file: BorrowedFd<'a>) -> io::Result<Self> {
        for _ in 0..TRIES {
            match set(file, ENTERING, libc::F_WRLCK) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                // Another process is entering. If it has just finished, the byte must be tried again.
                Err(_) if in_the_way(file, ENTERING, libc::F_WRLCK)? != libc::F_RDLCK => thread::sleep(PAUSE),
                _ => return Ok(Self { file, unlocked: IN_USE }),
            }
        }
        Err(late())
    }

    /// Returns whether no other process has the file in use. If so, no process can begin to use it until this one has
    /// entered. If this is dropped before, the next process is the first.
    pub(crate) fn is_first(&self) -> bool {
        set(self.file, IN_USE, libc::F_WRLCK).is_ok()
    }

    /// Returns whether a process reads the file. If not, no process can begin to read it until this one has entered.
    pub(crate) fn is_read(&self) -> bool {
        set(self.file, READ, libc::F_WRLCK).is_err()
    }

    /// Marks the file as in use, and lets other processes enter.
    ///
    /// # Errors
    /// `TimedOut` if another process keeps byte 0 locked for writing.
    pub(crate) fn enter(mut self) -> io::Result<()> {
        for _ in 0..TRIES {
            match set(self.file, IN_USE, libc::F_RDLCK) {
                // A process that may only read the file has locked byte 1, so `wait` has let several processes enter at
                // once. Another one is finding out whether it is the first.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                entered => {
                    entered?;
                    // Dropping `self` unlocks the other bytes.
                    self.unlocked = ENTERING;
                    return Ok(());
                }
            }
        }
        Err(late())
    }
}

impl Drop for Entrance<'_> {
    fn drop(&mut self) {
        // In one step: a process that could enter while byte 0 is still locked would find that it is not the first. The call
        // fails only for a descriptor that is not open.
        let _ = lock_range(self.file, self.unlocked, READ - self.unlocked + 1, libc::F_UNLCK);
    }
}

/// The right to change the name of a file, which only one opening of the file has at a time.
#[derive(Debug)]
#[must_use = "the right ends when this is dropped"]
pub(crate) struct Naming<'a> {
    file: BorrowedFd<'a>,
}

impl<'a> Naming<'a> {
    /// Waits until no other process is changing the name of the file, which must be open for writing.
    ///
    /// # Errors
    /// `TimedOut` if another process does not finish.
    pub(crate) fn wait(file: BorrowedFd<'a>) -> io::Result<Self> {
        for _ in 0..TRIES {
            match set(file, NAMING, libc::F_WRLCK) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                locked => return locked.map(|()| Self { file }),
            }
        }
        Err(late())
    }
}

impl Drop for Naming<'_> {
    fn drop(&mut self) {
        // The call fails only for a descriptor that is not open.
        let _ = set(self.file, NAMING, libc::F_UNLCK);
    }
}

/// Marks a file as in use that has no name yet: no process is entering it, and nothing in it is to be repaired.
///
/// # Errors
/// `TimedOut` if another process has found the file by a descriptor of this one, and does not finish entering.
pub(crate) fn begin(file: BorrowedFd<'_>) -> io::Result<()> {
    mark(file, IN_USE)
}

/// Marks the file as read.
///
/// # Errors
/// `TimedOut` if the first process that writes does not finish entering.
pub(crate) fn read(file: BorrowedFd<'_>) -> io::Result<()> {
    mark(file, READ)
}

fn mark(file: BorrowedFd<'_>, byte: libc::off_t) -> io::Result<()> {
    for _ in 0..TRIES {
        match set(file, byte, libc::F_RDLCK) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            marked => return marked,
        }
    }
    Err(late())
}

fn late() -> io::Error {
    let cause = "another process has been opening it for seconds: it is stopped, or it was killed then and has left a child \
                 that it forked in the middle";
    io::Error::new(io::ErrorKind::TimedOut, cause)
}

/// Returns whether a process has the file in use; that includes this process, by another opening of the file.
pub(crate) fn is_in_use(file: &File) -> io::Result<bool> {
    Ok(in_the_way(file.as_fd(), IN_USE, libc::F_WRLCK)? != libc::F_UNLCK)
}

/// Returns whether a process that only reads has the file open.
pub(crate) fn is_read(file: &File) -> io::Result<bool> {
    Ok(in_the_way(file.as_fd(), READ, libc::F_WRLCK)? != libc::F_UNLCK)
}

/// Returns whether a process is entering at this moment.
pub(crate) fn is_being_entered(file: &File) -> io::Result<bool> {
    // A request for reading is in the way of locks for writing only. Others mean nothing here.
    Ok(in_the_way(file.as_fd(), ENTERING, libc::F_RDLCK)? != libc::F_UNLCK)
}

/// Returns the kind of the lock that keeps a byte from being locked in this way, or `F_UNLCK` if no lock does.
pub(super) fn in_the_way(file: BorrowedFd<'_>, byte: libc::off_t, kind: libc::c_int) -> io::Result<libc::c_int> {
    range_in_the_way(file, byte, 1, kind)
}

/// Returns the kind of a lock that keeps bytes from being locked in this way, or `F_UNLCK` if no lock does.
pub(super) fn range_in_the_way(
    file: BorrowedFd<'_>,
    start: libc::off_t,
    length: libc::off_t,
    kind: libc::c_int,
) -> io::Result<libc::c_int> {
    let mut lock = request(start, length, kind);
    // SAFETY: the descriptor is open, and the kernel writes a `flock` to `lock`, which is one.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    if result == 0 { Ok(lock.l_type.into()) } else { Err(io::Error::last_os_error()) }
}

fn request(start: libc::off_t, length: libc::off_t, kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).expect("a small number"),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).expect("a small number"),
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

/// Locks or unlocks a byte for this opening of the file.
pub(super) fn set(file: BorrowedFd<'_>, byte: libc::off_t, kind: libc::c_int) -> io::Result<()> {
    lock_range(file, byte, 1, kind)
}

/// Locks or unlocks bytes for this opening of the file.
pub(super) fn lock_range(
    file: BorrowedFd<'_>,
    start: libc::off_t,
    length: libc::off_t,
    kind: libc::c_int,
) -> io::Result<()> {
    let lock = request(start, length, kind);
    // SAFETY: the descriptor is open, and the kernel only reads `lock`, which is a `flock`.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sys;

    /// Otherwise the second process would use a file that no process has repaired.
    #[test]
    fn the_next_one_is_first_if_the_first_does_not_enter() {
        let file = sys::memory::create("entrance").expect("there is memory");
        let [one, other, last] = [0; 3].map(|_| sys::file::reopen(&file).expect("it opens"));
        let entrance = Entrance::wait(one.as_fd()).expect("it is free");
        assert!(entrance.is_first() && !entrance.is_read());
        drop(entrance);
        let entrance = Entrance::wait(other.as_fd()).expect("it is free");
        assert!(entrance.is_first() && !entrance.is_read(), "the first has locked nothing any more");
        entrance.enter().expect("no other process is in the way");
        let entrance = Entrance::wait(last.as_fd()).expect("it is free");
        assert!(!entrance.is_first());
    }
}
