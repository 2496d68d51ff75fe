//! `Atomic`: a `#[shared(atomic)]` field of a handle or a guard.

use std::fmt;
use std::marker::PhantomData;

use crate::accessors::host::{Root, Writer};
use crate::layout::{AtomicBits, AtomicNumber, AtomicValue, SharedValue};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::atomics::Ordering::{AcqRel, Acquire, Release};

/// An atomic field: it changes at once and without the lock, is neither committed nor rolled back, and has the functions of
/// `std::sync::atomic`.
///
/// Reads acquire and writes release: a thread that reads a value also sees everything that its writer wrote before. Each
/// [`element`](Self::element) of an array is atomic by itself.
///
/// ```
/// use shared_value::SharedValue;
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Server {
///     #[shared(atomic)]
///     requests: u64,
///     #[shared(atomic)]
///     by_status: [u64; 6],
///     #[shared(atomic)]
///     draining: bool,
/// }
///
/// let server = SynchronizedServer::new(Server { requests: 0, by_status: [0; 6], draining: false })?;
/// server.requests().fetch_add(1);
/// server.by_status().element(2).fetch_add(1);
/// assert!(!server.draining().swap(true));
/// assert_eq!((server.requests().load(), server.by_status().load()), (1, [0, 0, 1, 0, 0, 0]));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Atomic<'a, H, T> {
    root: &'a H,
    /// The number of the first of its words.
    number: usize,
    value: PhantomData<fn() -> T>,
}

impl<'a, H: Root<Value: SharedValue>, T> Atomic<'a, H, T> {
    /// Returns the field with this number, which must be atomic.
    #[doc(hidden)]
    #[inline(always)]
    pub fn of<const FIELD: usize>(root: &'a H) -> Self {
        let number = const {
            let value = <H::Value as SharedValue>::LAYOUT;
            assert!(<H::Value as SharedValue>::FIELDS[FIELD].is_atomic(), "the field has words of its own");
            value.atomic_words_before(FIELD)
        };
        Self { root, number, value: PhantomData }
    }
}

impl<'a, H: Root, T> Atomic<'a, H, T> {
    /// Returns the atomic field whose first word has this number.
    pub(crate) fn at(root: &'a H, number: usize) -> Self {
        Self { root, number, value: PhantomData }
    }
}

impl<'a, H: Root, T: AtomicValue, const N: usize> Atomic<'a, H, [T; N]> {
    /// Returns one of the atomic values.
    ///
    /// # Panics
    /// If `index` is out of bounds.
    #[inline]
    #[track_caller]
    pub fn element(&self, index: usize) -> Atomic<'a, H, T> {
        assert!(index < N, "the index is {index} but the array has {N} elements");
        Atomic { root: self.root, number: self.number + index, value: PhantomData }
    }

    /// Returns how many atomic values there are.
    #[inline]
    pub const fn len(&self) -> usize {
        N
    }

    /// Returns whether there are no atomic values.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        N == 0
    }

    /// Reads all values, each as it is at some moment during the call.
    #[inline]
    pub fn load(&self) -> [T; N] {
        std::array::from_fn(|index| self.element(index).load())
    }
}

impl<H: Root, T: AtomicValue> Atomic<'_, H, T> {
    /// Reads the value.
    #[inline]
    pub fn load(&self) -> T {
        T::from_word(self.word().load(Acquire))
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU64 {
        self.root.word(self.number)
    }
}

impl<H: Root + Writer, T: AtomicValue> Atomic<'_, H, T> {
    /// Writes the value.
    #[inline]
    pub fn store(&self, value: T) {
        self.word().store(value.into_word(), Release);
    }

    /// Writes the value; returns the value before.
    #[inline]
    pub fn swap(&self, value: T) -> T {
        T::from_word(self.word().swap(value.into_word(), AcqRel))
    }

    /// Writes `new` if the value is `current`, bit for bit; returns the value before.
    ///
    /// # Errors
    /// The present value, if it is not `current`. In that case nothing is written.
    #[inline]
    pub fn compare_exchange(&self, current: T, new: T) -> Result<T, T> {
        let mut expected = current.into_word();
        loop {
            match self.word().compare_exchange(expected, new.into_word(), AcqRel, Acquire) {
                // Another word of the same value: of a `bool`, each but 0 is true.
                Err(seen) if T::from_word(seen).into_word() == current.into_word() => expected = seen,
                exchanged => return exchanged.map(T::from_word).map_err(T::from_word),
            }
        }
    }

    /// Replaces the value by the closure's result; returns the value before. If another thread or process changes the value
    /// first, the closure runs again, without a limit, as with the atomics of the standard library.
    ///
    /// # Errors
    /// The present value, if the closure returns `None`. In that case nothing is written.
    #[inline]
    pub fn fetch_update(&self, mut change: impl FnMut(T) -> Option<T>) -> Result<T, T> {
        let change = |word| change(T::from_word(word)).map(T::into_word);
        self.word().fetch_update(AcqRel, Acquire, change).map(T::from_word).map_err(T::from_word)
    }

    #[inline(always)]
    fn replace(&self, replacement: impl Fn(T) -> T) -> T {
        match self.fetch_update(|value| Some(replacement(value))) {
            Ok(value) | Err(value) => value,
        }
    }
}

impl<H: Root + Writer, T: AtomicNumber> Atomic<'_, H, T> {
    /// Adds to the value; returns the value before. Integers wrap around.
    #[inline]
    pub fn fetch_add(&self, value: T) -> T {
        if T::IS_INTEGER {
            // In two's complement, the sum of two words is that of the signed numbers too.
            T::from_word(self.word().fetch_add(value.into_word(), AcqRel))
        } else {
            self.replace(|before| before.plus(value))
        }
    }

    /// Subtracts from the value; returns the value before. Integers wrap around.
    #[inline]
    pub fn fetch_sub(&self, value: T) -> T {
        if T::IS_INTEGER {
            T::from_word(self.word().fetch_sub(value.into_word(), AcqRel))
        } else {
            self.replace(|before| before.minus(value))
        }
    }

    /// Raises the value to `value`, unless it is higher; returns the value before.
    #[inline]
    pub fn fetch_max(&self, value: T) -> T {
        self.replace(|before| before.greater(value))
    }

    /// Lowers the value to `value`, unless it is lower; returns the value before.
    #[inline]
    pub fn fetch_min(&self, value: T) -> T {
        self.replace(|before| before.less(value))
    }
}

impl<H: Root + Writer, T: AtomicBits> Atomic<'_, H, T> {
    /// Sets the bits that `value` has; returns the value before.
    #[inline]
    pub fn fetch_or(&self, value: T) -> T {
        T::from_word(self.word().fetch_or(value.into_word(), AcqRel))
    }

    /// Clears the bits that `value` does not have; returns the value before.
    #[inline]
    pub fn fetch_and(&self, value: T) -> T {
        T::from_word(self.word().fetch_and(value.into_mask(), AcqRel))
    }
}

impl<H, T> Clone for Atomic<'_, H, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H, T> Copy for Atomic<'_, H, T> {}

impl<H: Root, T: AtomicValue + fmt::Debug> fmt::Debug for Atomic<'_, H, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(formatter)
    }
}

impl<H: Root, T: AtomicValue + fmt::Display> fmt::Display for Atomic<'_, H, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(formatter)
    }
}
