//! To any process at the other end of a Unix socket, of whatever user and in whatever container.

use std::os::unix::net::UnixStream;

use crate::cell::Guarding;
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly, ReadWrite, Unlocked};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::segment::Place;
use crate::share::Attach;
use crate::sys;

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Sends the value over a Unix socket, to whoever takes it by [`receive_from`](Synchronized::receive_from).
    ///
    /// The receiver needs no permission for the value's name or file: the descriptor that it gets is the permission. From
    /// a read-only handle it is one that was opened for reading.
    ///
    /// # Errors
    /// `Io`.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use shared_value::{ReadOnly, Synchronized};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (here, there) = UnixStream::pair()?;
    /// let value = Synchronized::new(7_i32)?;
    /// value.read_only()?.send_to(&here)?;
    ///
    /// let received = Synchronized::<i32, ReadOnly>::receive_read_only_from(&there)?;
    /// value.set(8)?;
    /// assert_eq!(received.get(), 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        sys::socket::send(self.cell.segment().file(), self.cell.number(), socket)
            .map_err(|error| Error::io("send a value", error))
    }

    pub(crate) fn receive(socket: &UnixStream, guarding: &Guarding) -> Result<Self, Error>
    where
        A: Attach,
    {
        let (file, number) = sys::socket::receive(socket).map_err(|error| Error::io("receive a value", error))?;
        let place = Place::HandedOver("(received)".to_owned());
        Ok(Self::of(A::attach_to(file, place, guarding, number)?))
    }
}

impl<C: Shared + ?Sized> Synchronized<C> {
    /// The value that the other end of the socket [sends](Synchronized::send_to).
    ///
    /// # Errors
    /// `LayoutMismatch` if the value is of another type; `Io`, also if something else came, the other end has closed, or
    /// the value was sent for reading.
    pub fn receive_from(socket: &UnixStream) -> Result<Self, Error> {
        Self::receive(socket, &ReadWrite::guarding())
    }
}

impl<C: Shared + ?Sized> Synchronized<C, ReadOnly> {
    /// As [`Synchronized::receive_from`], for reading.
    ///
    /// # Errors
    /// The same.
    pub fn receive_read_only_from(socket: &UnixStream) -> Result<Self, Error> {
        Self::receive(socket, &ReadOnly::guarding())
    }
}

impl<C: Shared + ?Sized> Synchronized<C, Unlocked> {
    /// As [`Synchronized::receive_from`], for a value without a lock.
    ///
    /// # Errors
    /// The same.
    pub fn receive_unlocked_from(socket: &UnixStream) -> Result<Self, Error> {
        Self::receive(socket, &Unlocked::guarding())
    }
}
