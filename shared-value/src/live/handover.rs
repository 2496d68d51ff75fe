//! Handing live values to other processes. `share/` does the work.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::error::Error;
use crate::live::{Live, Plain};
use crate::share::{self, Token};

/// Handing over, as with a [`Synchronized`](crate::Synchronized). A value of an arena is handed over with its id.
impl<C: Plain + ?Sized, A> Live<C, A> {
    /// Passes the value to the program that the command will start, as
    /// [`Synchronized::pass_to`](crate::Synchronized::pass_to) does.
    ///
    /// # Errors
    /// `InvalidName` if no environment entry can have the name; `Io` if this process has no descriptor left.
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        share::pass_to(self.cell.segment(), self.cell.number(), command, name)
    }

    /// Returns a short text with which another process of the same user can open the value, as
    /// [`Synchronized::token`](crate::Synchronized::token) does.
    ///
    /// # Errors
    /// `Io` if the kernel does not show this process in `/proc`, or the working directory is gone.
    pub fn token(&self) -> Result<Token, Error> {
        share::token_of(self.cell.segment(), self.cell.number())
    }

    /// Sends the value over a Unix socket, as [`Synchronized::send_to`](crate::Synchronized::send_to) does.
    ///
    /// # Errors
    /// `Io` if the kernel cannot send the descriptor.
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        share::send_to(self.cell.segment(), self.cell.number(), socket)
    }

    /// Returns the descriptor of the value's segment, as [`Synchronized::as_fd`](crate::Synchronized::as_fd) does. For a value of
    /// an arena, it is that of the arena.
    ///
    /// # Errors
    /// `Io` if other code of the program has closed the descriptor, and the segment cannot be opened again.
    pub fn as_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        share::descriptor_of(self.cell.segment())
    }
}
