//! `Run`: a part of a value, or some elements of one that is an array, as bytes.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::copy::{Merge, load_uninit, store_from};
use crate::dynamic::bytes::check::{check, check_elements};
use crate::dynamic::bytes::padding;
use crate::dynamic::copy::{Words, load, put_atomic, put_outside, put_totals, store_fields};
use crate::error::Error;
use crate::hold::read::CopyPieces;
use crate::layout::zero_extended;
use crate::protocol::atomics::AtomicU64;
use crate::schema::place::{Place, Way, WordRange, shown};
use crate::schema::{DynKind, DynLayout};

/// Equal parts of a value, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Run<'l> {
    layout: &'l DynLayout,
    count: usize,
    offset: usize,
    /// The words outside of the slots that hold the parts.
    atomic: Option<WordRange>,
    /// The counters that the parts are.
    counters: Option<WordRange>,
    /// Whether it is the whole value.
    is_value: bool,
    /// The index of the first part, if the parts are elements.
    first: Option<usize>,
}

impl<'l> Run<'l> {
    /// Returns one part.
    pub(super) fn of(place: Place<'l>) -> Self {
        let Place { layout, offset, atomic, counters, is_value } = place;
        Self { layout, count: 1, offset, atomic, counters, is_value, first: None }
    }

    /// Returns the elements of an array from `first` on that have `size` bytes in all.
    ///
    /// # Errors
    /// `NoSuchPart` if the part is not an array, or has fewer elements.
    pub(super) fn of_elements(place: Place<'l>, path: &str, first: usize, size: usize) -> Result<Self, Error> {
        let layout = place.layout.unwrapped();
        let what = || if path.is_empty() { "the value".to_owned() } else { format!("`{}`", shown(path)) };
        let DynKind::Array { length, element } = &layout.kind else {
            let reason = format!("{} is of type `{}`, which has no elements", what(), layout.type_text());
            return Err(Error::NoSuchPart { path: format!("{}[{first}]", shown(path)), reason });
        };
        let count = size / element.size;
        let end = first.saturating_add(count);
        if end > *length {
            let reason = format!("{} has {length} elements", what());
            return Err(Error::NoSuchPart { path: format!("{}[{first}..{end}]", shown(path)), reason });
        }
        Ok(Self {
            layout: element,
            count,
            offset: place.offset + first * element.size,
            atomic: place.atomic.map(|words| WordRange { first: words.first + first, count }),
            counters: place.counters.map(|words| WordRange { first: words.first + first, count }),
            is_value: false,
            first: Some(first),
        })
    }

    /// Returns the number of bytes.
    pub(super) fn size(self) -> usize {
        self.layout.size * self.count
    }

    /// Returns the place of the bytes in a slot.
    pub(super) fn range(self) -> Range<usize> {
        self.offset..self.offset + self.size()
    }

    /// Returns the words outside of the slots that hold the parts.
    pub(super) fn atomic(self) -> Option<WordRange> {
        self.atomic
    }

    /// Returns the counters that the parts are.
    pub(super) fn counters(self) -> Option<WordRange> {
        self.counters
    }

    /// Copies the bytes to a buffer that need not be initialized. `read` lets its second argument copy these bytes.
    pub(super) fn load_uninit<'b>(
        self,
        to: &'b mut [MaybeUninit<u8>],
        words: &impl Words,
        read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>),
    ) -> &'b mut [u8] {
        if self.atomic.is_some() {
            let to = load_uninit(0, to, |_| {});
            self.load(to, words, read);
            return to;
        }
        let all = self.range();
        let to = load_uninit(self.offset, to, |load| {
            read(all.clone(), &mut |slot, bytes| {
                load(slot, bytes);
                all.end
            });
        });
        self.put_outside(to, words);
        to
    }

    /// Copies the bytes. `read` lets its second argument copy these bytes.
    pub(super) fn load(self, to: &mut [u8], words: &impl Words, read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>)) {
        match self.atomic {
            // There may be no elements.
            Some(WordRange { count: 0, .. }) => {}
            Some(range) => put_atomic(to, range, words),
            None => {
                load(self.offset, to, read);
                self.put_outside(to, words);
            }
        }
    }

    /// Replaces bytes of the slot by those of the words outside of it.
    fn put_outside(self, to: &mut [u8], words: &impl Words) {
        if let Some(range) = self.counters {
            put_totals(to, range, self.offset, words);
        }
        if self.is_value {
            put_outside(self.layout, words, to);
        }
    }

    /// Checks that the bytes are values of the layout. `path` is the part that they belong to.
    pub(super) fn check(self, bytes: &[u8], path: &str) -> Result<(), Error> {
        let way = Way::Start(path, self.layout);
        match self.first {
            Some(first) => check_elements(self.layout, bytes, &way, first),
            None => check(self.layout, bytes, &way),
        }
    }

    /// Returns the bytes with zeros for padding.
    pub(super) fn cleaned(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        if !self.layout.has_gaps() {
            return bytes.into();
        }
        let mut cleaned = bytes.to_vec();
        cleaned.chunks_exact_mut(self.layout.size).for_each(|bytes| padding::clear(self.layout, bytes));
        cleaned.into()
    }

    /// Stores cleaned bytes, except those that may be fields of other versions.
    pub(super) fn store<M: Merge>(self, slot: &[AtomicU64], bytes: &[u8]) {
        if !self.layout.has_reserved() {
            return store_from::<M>(slot, self.offset, bytes);
        }
        for (index, bytes) in bytes.chunks_exact(self.layout.size).enumerate() {
            store_fields::<M>(slot, self.layout, self.offset + index * self.layout.size, bytes);
        }
    }

    /// Returns the words for the atomic words that hold the parts, with their numbers.
    pub(super) fn words(words: WordRange, bytes: &[u8]) -> impl Iterator<Item = (usize, u64)> {
        let size = bytes.len().checked_div(words.count).unwrap_or(0).max(1);
        (words.first..).zip(bytes.chunks_exact(size).map(zero_extended))
    }
}
