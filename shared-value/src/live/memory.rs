//! The memory of a live value, and reads and writes of the whole of it.

use crate::accessors::accessible::{self, Accessible};
use crate::accessors::host::sealed::WriteAt as _;
use crate::copy::{self, AmongOthers, is_boxed};
use crate::error::Error;
use crate::handle::access::Access;
use crate::hold::read;
use crate::layout::SharedValue;
use crate::live::{Live, Plain};

/// Memory.
impl<C: Plain + ?Sized, A> Live<C, A> {
    /// Returns where the value lies in memory, except its atomic fields, which lie elsewhere. It never moves.
    ///
    /// The pointer is good as long as a handle of the value lives in this process, and for [`size`](Self::size) bytes, rounded up
    /// to a multiple of 8. It is a multiple of 64. Other threads and processes may write there at any time, also while this thread
    /// holds the lock, if they do not keep to it. So in Rust, access it only as atomics of 8 bytes, which all of this library's
    /// accesses are. Padding has to stay zero, and so do the bytes behind the value up to a whole word. Through a handle that only
    /// reads, nothing can be written: the kernel ends the process.
    ///
    /// After a write without the lock, call [`notify`](Self::notify).
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use shared_value::{Filled, Live};
    ///
    /// let samples = Live::<[f64]>::new(Filled(0.5, 1_000))?;
    /// let first: *mut AtomicU64 = samples.as_ptr().cast();
    /// let guard = samples.lock()?;
    /// // SAFETY: `samples` lives, the array has 1,000 numbers of 8 bytes, and this is an atomic access.
    /// let last = unsafe { &*first.add(999) };
    /// last.store(2.5_f64.to_bits(), Ordering::Relaxed);
    /// drop(guard);
    /// assert_eq!((samples.size(), samples.parts().at(999)), (8_000, 2.5));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.cell.slots().first().as_ptr().cast::<u8>().cast_mut()
    }

    /// Returns the number of bytes of the value.
    #[inline]
    pub fn size(&self) -> usize {
        self.cell.shape().size
    }

    /// Returns the functions for the parts of the value, which a [`Synchronized`](crate::Synchronized) has itself: those for fields
    /// and elements, or those of [`DynAccessors`](crate::DynAccessors).
    ///
    /// They read word by word without the lock, as [`load`](Self::load) does, and write in place under the lock, as
    /// [`set`](Self::set) does.
    ///
    /// ```
    /// use shared_value::{Live, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Robot { speed: f64, joints: [f32; 6], #[shared(atomic)] steps: u64 }
    ///
    /// let robot = Live::new(Robot { speed: 0.5, joints: [0.0; 6], steps: 0 })?;
    /// robot.parts().set_speed(1.5)?;
    /// robot.parts().in_joints().update_at(3, |joint| *joint += 0.25)?;
    /// robot.parts().steps().fetch_add(1);
    /// let Robot { speed, joints, steps } = robot.get();
    /// assert_eq!((speed, joints[3], steps), (1.5, 0.25, 1));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn parts(&self) -> &C::Accessors<Self>
    where
        C: Accessible,
    {
        accessible::accessors::<C, Self>(self)
    }
}

/// Reading the whole value.
impl<T: SharedValue, A: Access> Live<T, A> {
    /// Returns the value, copied word by word. Takes no lock: if another thread or process writes meanwhile, some words may be from
    /// before that, and others from after it. A thread that holds the lock gets the value of one moment, if all writers take the
    /// lock.
    ///
    /// # Errors
    /// `InvalidBits` if the bytes are not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        self.copied().check()
    }

    /// Returns the value, as [`load`](Self::load) does: for types without invalid bits, and for processes that trust each other.
    ///
    /// # Panics
    /// If the bytes are not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self) -> T {
        self.copied().valid_in::<T>(0)
    }

    #[inline(always)]
    fn copied(&self) -> copy::Unchecked<T> {
        let copied = copy::Unchecked::by(0, |copy| read::as_it_is(&self.cell, copy));
        read::with_atomics(&self.cell, copied)
    }
}

/// Changing the whole value.
impl<T: SharedValue> Live<T> {
    /// Replaces the whole value except its atomic fields, in place, under the lock. A thread that holds the lock does not take it
    /// again.
    ///
    /// A process that is killed in the middle has written some of the words.
    ///
    /// # Errors
    /// The errors of [`lock`](Self::lock); `Lock` with [`Corrupted`](crate::LockError::Corrupted) if another process overwrote the
    /// lock during the call. The value was written.
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        self.set_at(0, &value)
    }

    /// Lets the closure change a copy of the value under the lock, and writes the copy back in place. If the closure panics,
    /// nothing is written. A thread that holds the lock does not take it again.
    ///
    /// Whatever else the thread writes to the value meanwhile is overwritten, also what its allocator writes. Changes of
    /// `#[shared(atomic)]` fields are not written back.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set); `InvalidBits` if the bytes are not a `T`; `Lock` with
    /// [`NotHeld`](crate::LockError::NotHeld) in a child that the closure has forked, which has written nothing.
    ///
    /// ```
    /// use shared_value::Live;
    ///
    /// let sums = Live::new([1_u64, 2])?;
    /// let sum = sums.update(|[one, two]| { *one += *two; *one })?;
    /// assert_eq!((sum, sums.get()), (3, [3, 2]));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let bytes = copy::range::<T>(0);
        if const { is_boxed::<T>() } {
            return self.change_copy(
                &bytes,
                |slot| read::elements::<T, T>(0, 1, |bytes, copy| _ = copy(slot, bytes)),
                |value| Ok(change(&mut value[0])),
                |slot, value| copy::store_by::<AmongOthers, T>(slot, 0, &value[0]),
            );
        }
        self.change_copy(
            &bytes,
            |slot| read::with_atomics(&self.cell, copy::load::<T>(slot, 0)).check(),
            |value| Ok(change(value)),
            |slot, value| copy::store_by::<AmongOthers, T>(slot, 0, value),
        )
    }
}
