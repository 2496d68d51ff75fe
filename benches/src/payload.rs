//! `Payload`: the values that are read and changed.

use shared_value::{Error, SharedValue, Synchronized};

/// A value of whole words, all of which are equal where it was written as a whole.
pub trait Payload: SharedValue {
    /// What its first word is called, for an `update` of that alone.
    ///
    /// # Errors
    /// As [`Synchronized::update`].
    fn increment(value: &Synchronized<Self>) -> Result<(), Error>;

    /// Its first word, read alone.
    fn count_of(value: &Synchronized<Self>) -> u64;

    /// One whose words are all the same.
    fn filled(word: u64) -> Self;

    /// The first word.
    fn count(&self) -> u64;

    /// The first word, to be changed.
    fn count_mut(&mut self) -> &mut u64;

    /// Adds one to every word.
    fn step(&mut self);

    /// Whether all words are the same.
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

/// A struct of one word and `REST` more.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub struct Record<const REST: usize> {
    /// The word that is read and changed alone.
    pub count: u64,
    /// The others.
    pub rest: [u64; REST],
}

/// 64 bytes.
pub type Record64 = Record<7>;
/// 512 bytes.
pub type Record512 = Record<63>;
/// 4,096 bytes.
pub type Record4K = Record<511>;
/// 1 MiB.
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
    /// Not looked at.
    pub count: u64,
    /// Changed without the lock.
    #[shared(atomic)]
    pub requests: u64,
}
