//! The methods of handles that hand a value to another process. `share/` does the work.

use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::error::Error;
use crate::handle::access::Access;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::share::{self, Token};

/// Handing over.
impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Passes the value to the program that the command will start, which opens it by
    /// [`Source::inherited`](crate::Source::inherited) and the same name.
    ///
    /// The name becomes an environment entry of the child, whose value is the number of the descriptor. Other children get
    /// neither, even if another thread starts them at the same time. Several values need several names. A value passed from
    /// a read-only handle can only be read, because the descriptor was opened for reading.
    ///
    /// A child made by `fork` alone needs nothing: it has the handle itself.
    ///
    /// # Errors
    /// `InvalidName` if no environment entry can have the name; `Io` if this process has no descriptor left.
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use shared_value::{Source, Synchronized};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let progress = Synchronized::new(0_u64)?;
    /// let mut command = Command::new("./worker");
    /// progress.pass_to(&mut command, "PROGRESS")?;
    /// let mut child = command.spawn()?;
    ///
    /// // And in the worker:
    /// let progress = Synchronized::<u64>::open(Source::inherited("PROGRESS"))?;
    /// progress.update(|done| *done += 1)?;
    /// # child.wait()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        share::pass_to(self.cell.segment(), self.cell.number(), command, name)
    }

    /// Returns the environment entry for [`Source::inherited`](crate::Source::inherited), for callers that start programs by other
    /// means than a [`Command`]: interpreters, process managers.
    ///
    /// The caller gives the program an environment entry of any name with this text, and a duplicate of the descriptor that
    /// [`as_fd`](Self::as_fd) returns, under the number `descriptor`.
    ///
    /// ```
    /// use std::os::fd::AsRawFd;
    /// use shared_value::Synchronized;
    ///
    /// let value = Synchronized::new(7_i32)?;
    /// let entry = value.inherited_entry(value.as_fd()?.as_raw_fd());
    /// assert!(entry.starts_with("descriptor "));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn inherited_entry(&self, descriptor: RawFd) -> String {
        share::entry(self.cell.segment(), self.cell.number(), descriptor)
    }

    /// Returns a short printable text with which another process of the same user can open the value.
    ///
    /// The token of a value with a name or a path contains that name or path. The token of any other value refers to a
    /// descriptor of this process, so it is good while this process lives and has the value open. A token never opens
    /// another value: it also identifies the file that it was made for, and the time at which this process was started.
    ///
    /// # Errors
    /// `Io` if the kernel does not show this process in `/proc`, or the working directory is gone.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// let value = Synchronized::new(7_i32)?;
    /// let other = Synchronized::<i32>::open(&value.token()?)?;
    /// value.set(8)?;
    /// assert_eq!(other.get(), 8);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn token(&self) -> Result<Token, Error> {
        share::token_of(self.cell.segment(), self.cell.number())
    }

    /// Sends the value over a Unix socket. The other end opens the socket as a [`Source`](crate::Source).
    ///
    /// The receiver needs no permission for the value's name or file: the descriptor that it gets is the permission. A
    /// read-only handle sends a descriptor for reading.
    ///
    /// # Errors
    /// `Io` if the kernel cannot send the descriptor.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use shared_value::Synchronized;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (here, there) = UnixStream::pair()?;
    /// let value = Synchronized::new(7_i32)?;
    /// value.read_only()?.send_to(&here)?;
    ///
    /// let received = Synchronized::<i32>::open_read_only(&there)?;
    /// value.set(8)?;
    /// assert_eq!(received.get(), 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        share::send_to(self.cell.segment(), self.cell.number(), socket)
    }

    /// Returns the descriptor of the value's segment, for programs that hand descriptors over by means of their own. The other
    /// process opens the value by [`Source::descriptor`](crate::Source::descriptor).
    ///
    /// The descriptor stays the handle's: it must not be closed, and no lock be taken on it. For a value of an arena, it is that
    /// of the arena. A process with a duplicate can do everything that this handle can do, and the value counts as in use while a
    /// duplicate is open.
    ///
    /// # Errors
    /// `Io` if other code of the program has closed the descriptor, and the segment cannot be opened again.
    ///
    /// ```
    /// use shared_value::{Source, Synchronized};
    ///
    /// let value = Synchronized::new(7_i32)?;
    /// let duplicate = value.as_fd()?.try_clone_to_owned().expect("there are descriptors left");
    /// let other = Synchronized::<i32>::open(Source::descriptor(&duplicate))?;
    /// value.set(8)?;
    /// assert_eq!(other.get(), 8);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn as_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        share::descriptor_of(self.cell.segment())
    }
}
