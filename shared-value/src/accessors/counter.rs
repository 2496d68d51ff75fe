//! `CounterField`: a `#[shared(counter)]` field of a handle or a guard.

use std::array;
use std::fmt;
use std::marker::PhantomData;
use std::mem;

use crate::accessors::host::{Root, Writer};
use crate::error::Error;
use crate::hold::read;
use crate::layout::SharedValue;

/// A counter that many threads and processes add to at once: a `#[shared(counter)]` field.
///
/// A thread that adds gets a lane of its own, a cache line that no other thread writes to, and adds by a load and a store. Threads
/// that find no free lane share some lanes, and add by an atomic addition. A reader adds up all lanes. An addition takes no lock, is
/// never rolled back, and wraps around; a process that is killed loses at most the addition that it was making. The lane of a thread
/// that is gone is taken over, and what it has counted stays.
///
/// A struct has 16 lanes of 64 bytes, which all of its counters share if they are at most seven; `#[shared(lanes = 4)]` above the
/// struct sets another number. Up to three quarters of that number of threads can count at full speed. A read costs a load from each
/// lane.
///
/// Additions in a signal handler that interrupts an addition by the same thread may be lost.
///
/// ```
/// use shared_value::SharedValue;
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Server {
///     #[shared(counter)]
///     hits: u64,
///     #[shared(counter)]
///     by_status: [u64; 6],
/// }
///
/// let server = SynchronizedServer::new(Server { hits: 0, by_status: [0; 6] })?;
/// server.hits().increment();
/// server.hits().add(2);
/// server.by_status().element(2).increment();
/// assert_eq!((server.hits().get(), server.by_status().get()), (3, [0, 0, 1, 0, 0, 0]));
/// assert_eq!(server.hits().reset()?, 3);
/// assert_eq!(server.hits().get(), 0);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct CounterField<'a, H, T> {
    root: &'a H,
    /// The number of the first of its counters.
    number: usize,
    /// Where the baseline of that counter lies in the value.
    offset: usize,
    value: PhantomData<fn() -> T>,
}

impl<'a, H: Root<Value: SharedValue>, T> CounterField<'a, H, T> {
    /// Returns the field with this number, which must be a counter.
    #[doc(hidden)]
    #[inline(always)]
    pub fn of<const FIELD: usize>(root: &'a H) -> Self {
        let (number, offset) = const {
            let field = &<H::Value as SharedValue>::FIELDS[FIELD];
            assert!(field.is_counter(), "the field has lanes");
            (<H::Value as SharedValue>::LAYOUT.counters_before(FIELD), field.offset())
        };
        Self { root, number, offset, value: PhantomData }
    }
}

impl<'a, H, T> CounterField<'a, H, T> {
    /// Returns the counter of this number, whose baseline lies at this offset of the value.
    pub(crate) fn at(root: &'a H, number: usize, offset: usize) -> Self {
        Self { root, number, offset, value: PhantomData }
    }
}

impl<'a, H: Root, const N: usize> CounterField<'a, H, [u64; N]> {
    /// Returns one of the counters.
    ///
    /// # Panics
    /// If `index` is out of bounds.
    #[inline]
    #[track_caller]
    pub fn element(&self, index: usize) -> CounterField<'a, H, u64> {
        assert!(index < N, "the index is {index} but the array has {N} elements");
        CounterField::at(self.root, self.number + index, self.offset + index * size_of::<u64>())
    }

    /// Returns how many counters there are.
    #[inline]
    pub const fn len(&self) -> usize {
        N
    }

    /// Returns whether there are no counters.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        N == 0
    }

    /// Reads all counters, each as [`CounterField::get`] does.
    pub fn get(&self) -> [u64; N] {
        array::from_fn(|index| self.element(index).get())
    }

    fn sums(&self) -> [u64; N] {
        let lanes = self.root.cell().lanes();
        array::from_fn(|index| lanes.sum(self.number + index))
    }
}

impl<H: Root> CounterField<'_, H, u64> {
    /// Returns the total: what was added since the last reset.
    ///
    /// It lies between the total at the start of the call and that at its end. A thread that reads an addition also sees everything
    /// that the adding thread wrote before.
    pub fn get(&self) -> u64 {
        let baseline = self.root.copy_at::<u64>(self.offset).valid_in::<H::Contents>(self.offset);
        read::total(self.root.cell(), self.number, self.offset, baseline)
    }

    fn sum(&self) -> u64 {
        self.root.cell().lanes().sum(self.number)
    }
}

impl<H: Root + Writer> CounterField<'_, H, u64> {
    /// Adds to the counter. It wraps around.
    #[inline(always)]
    pub fn add(&self, number: u64) {
        self.root.cell().count(self.number, number);
    }

    /// Adds one to the counter.
    #[inline(always)]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Makes the total zero, and returns what it was. An addition beside it counts either to the returned total or to the next one.
    ///
    /// Unlike an addition, this takes the lock and is a commit: under a guard, others see it with the guard's next commit, and a
    /// rollback discards it.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn reset(&self) -> Result<u64, Error> {
        self.root.update_at::<u64, _>(self.offset, |baseline| {
            let sum = self.sum();
            sum.wrapping_sub(mem::replace(baseline, sum))
        })
    }
}

impl<H: Root + Writer, const N: usize> CounterField<'_, H, [u64; N]> {
    /// Makes all totals zero in one commit, and returns what they were, as [`CounterField::reset`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn reset(&self) -> Result<[u64; N], Error> {
        self.root.update_at::<[u64; N], _>(self.offset, |baselines| {
            let sums = self.sums();
            let before = mem::replace(baselines, sums);
            array::from_fn(|index| sums[index].wrapping_sub(before[index]))
        })
    }
}

impl<H, T> Clone for CounterField<'_, H, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H, T> Copy for CounterField<'_, H, T> {}

impl<H: Root> fmt::Debug for CounterField<'_, H, u64> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(formatter)
    }
}

impl<H: Root, const N: usize> fmt::Debug for CounterField<'_, H, [u64; N]> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(formatter)
    }
}

impl<H: Root> fmt::Display for CounterField<'_, H, u64> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(formatter)
    }
}
