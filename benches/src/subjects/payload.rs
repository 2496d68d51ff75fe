//! `Payload`: the values that are read and changed.

use shared_value::{Error, SharedValue, Synchronized};

/// A value of whole words. All words are equal, unless the first one was changed alone.
pub trait Payload: SharedValue {
    /// Adds one to the first word of a value of this library, by an `update` of that word alone.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`].
    fn increment(value: &Synchronized<Self>) -> Result<(), Error>;

    /// Reads the first word of a value of this library, and no other word.
    fn count_of(value: &Synchronized<Self>) -> u64;

    /// Returns a value all of whose words are `word`.
    fn filled(word: u64) -> Self;

    /// Returns the first word.
    fn count(&self) -> u64;

    /// Returns the first word for changing.
    fn count_mut(&mut self) -> &mut u64;

    /// Adds one to every word.
    fn step(&mut self);

    /// Whether all words are equal: the value is not torn.
    fn is_whole(&self) -> bool;
}

impl Payload for u64 {
    #[inline(always)]
    fn increment(value: &Synchronized<Self>) -> Result<(), Error> {
        value.update(|count| *count += 1)
    }

    #[inline(always)]
    fn count_of(value: &Synchronized<Self>) -> u64 {
        value.get()
    }

    fn filled(word: u64) -> Self {
        word
    }

    #[inline(always)]
    fn count(&self) -> u64 {
        *self
    }

    #[inline(always)]
    fn count_mut(&mut self) -> &mut u64 {
        self
    }

    #[inline(always)]
    fn step(&mut self) {
        *self += 1;
    }

    fn is_whole(&self) -> bool {
        true
    }
}

/// A struct of one word and `REST` further ones.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub struct Record<const REST: usize> {
    /// Can be read and changed alone.
    pub count: u64,
    /// The further words.
    pub rest: [u64; REST],
}

/// A struct of 64 bytes.
pub type Record64 = Record<7>;
/// A struct of 512 bytes.
pub type Record512 = Record<63>;
/// A struct of 4,096 bytes.
pub type Record4K = Record<511>;
/// A struct of 1 MiB.
pub type Record1M = Record<131_071>;

const _: () =
    assert!(size_of::<Record64>() == 64 && size_of::<Record4K>() == 4_096 && size_of::<Record1M>() == 1 << 20);

impl<const REST: usize> Payload for Record<REST> {
    #[inline(always)]
    fn increment(value: &Synchronized<Self>) -> Result<(), Error> {
        value.update_count(|count| *count += 1)
    }

    #[inline(always)]
    fn count_of(value: &Synchronized<Self>) -> u64 {
        value.count()
    }

    fn filled(word: u64) -> Self {
        Self { count: word, rest: [word; REST] }
    }

    #[inline(always)]
    fn count(&self) -> u64 {
        self.count
    }

    #[inline(always)]
    fn count_mut(&mut self) -> &mut u64 {
        &mut self.count
    }

    #[inline(always)]
    fn step(&mut self) {
        self.count += 1;
        for word in &mut self.rest {
            *word += 1;
        }
    }

    #[inline(always)]
    fn is_whole(&self) -> bool {
        self.rest.iter().all(|word| *word == self.count)
    }
}

/// A value with an atomic field.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Tally {
    /// Fills the slots; no case uses it.
    pub count: u64,
    /// Counts without the lock.
    #[shared(atomic)]
    pub requests: u64,
}
