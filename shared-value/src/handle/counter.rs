//! `Counter`: a value that is a counter and nothing else.
#![allow(unsafe_code)]

use crate::accessors::accessible::Accessible;
use crate::accessors::counter::CounterField;
use crate::accessors::host::{Root, Writer};
use crate::error::Error;
use crate::handle::access::ReadWrite;
use crate::handle::synchronized::Synchronized;
use crate::layout::{DEFAULT_LANES, Field, FieldVisitor, Layout, SharedValue};

/// The value of a [`SharedCounter`]: a total.
///
/// ```
/// use shared_value::{Arena, Counter};
///
/// let arena = Arena::new(1 << 20)?;
/// let hits = arena.insert("hits", Counter::<4>::new(10))?;
/// hits.increment();
/// assert_eq!(hits.total(), 11);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counter<const LANES: usize = DEFAULT_LANES> {
    total: u64,
}

/// A counter in shared memory that many threads and processes add to at once, each in a lane of its own.
///
/// It is an alias of `Synchronized<Counter<LANES>, A>`, and has all of its functions. [`CounterField`](crate::CounterField) says how
/// it counts, and what that costs.
///
/// | | |
/// |---|---|
/// | create | `SharedCounter::create("hits", Counter::new(0))`; in an arena `arena.insert("hits", Counter::new(0))` |
/// | open | `SharedCounter::open("hits")` |
/// | count | `hits.increment()`, `hits.add(5)` |
/// | read | `hits.total()` |
/// | begin again | `hits.reset()`, which returns the total |
///
/// ```
/// use shared_value::{Counter, SharedCounter};
///
/// let hits: SharedCounter = SharedCounter::new(Counter::new(0))?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1_000).for_each(|_| hits.increment()));
///     }
/// });
/// assert_eq!(hits.total(), 4_000);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type SharedCounter<const LANES: usize = DEFAULT_LANES, A = ReadWrite> = Synchronized<Counter<LANES>, A>;

/// The functions of a [`SharedCounter`], and of its guard.
#[derive(Debug)]
#[repr(transparent)]
pub struct CounterAccessors<H>(H);

// SAFETY: `CounterAccessors<H>` is a transparent struct whose only field is an `H`.
unsafe impl<const LANES: usize> Accessible for Counter<LANES> {
    type Accessors<H> = CounterAccessors<H>;
}

// SAFETY: the struct consists of one integer, and the layout says so.
unsafe impl<const LANES: usize> SharedValue for Counter<LANES> {
    const FIELDS: &'static [Field] = &[Field::counter::<u64>("total", 0)];
    const LAYOUT: &'static Layout = &Layout::structure::<Self>("Counter", Self::FIELDS).with_lanes(LANES);

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.counter::<u64>(0);
    }
}

impl<const LANES: usize> Counter<LANES> {
    /// Returns the value of a counter with this total.
    pub const fn new(total: u64) -> Self {
        Self { total }
    }

    /// Returns the total.
    pub const fn total(self) -> u64 {
        self.total
    }
}

impl<const LANES: usize, H: Root<Value = Counter<LANES>>> CounterAccessors<H> {
    /// Returns the total: what was added since the last reset. See [`CounterField::get`](crate::CounterField::get).
    pub fn total(&self) -> u64 {
        self.field().get()
    }

    #[inline(always)]
    fn field(&self) -> CounterField<'_, H, u64> {
        CounterField::of::<0>(&self.0)
    }
}

impl<const LANES: usize, H: Root<Value = Counter<LANES>> + Writer> CounterAccessors<H> {
    /// Adds to the counter, without the lock. It wraps around.
    #[inline(always)]
    pub fn add(&self, number: u64) {
        self.field().add(number);
    }

    /// Adds one to the counter, without the lock.
    #[inline(always)]
    pub fn increment(&self) {
        self.field().increment();
    }

    /// Makes the total zero, and returns what it was. See [`CounterField::reset`](crate::CounterField::reset).
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`].
    pub fn reset(&self) -> Result<u64, Error> {
        self.field().reset()
    }
}
