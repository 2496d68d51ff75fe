//! `Place`: where a cell lies, kept mapped; and if it lies in an arena, the claim that keeps its space.

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::segment::Segment;

/// Where a cell lies. If it holds a value of an arena, its space is not used again while this lives.
#[derive(Debug)]
pub(crate) struct Place {
    segment: Arc<Segment>,
    /// The number of the value in its segment: zero for the value that the header names, otherwise the id in an arena.
    number: u64,
    /// Where the cell starts, and the unit in which its block ends. Of use only if there is a number.
    start: usize,
    unit: usize,
}

impl Place {
    /// Returns the place of a cell that lies there as long as the segment.
    pub(crate) fn of(segment: Arc<Segment>) -> Self {
        Self { segment, number: 0, start: 0, unit: 0 }
    }

    /// Returns the place of a value of an arena, whose cell lies at `start`, and for which the caller has claimed the unit.
    #[inline(always)]
    pub(crate) fn claimed(segment: &Arc<Segment>, number: u64, start: usize, unit: usize) -> Self {
        Self { segment: Arc::clone(segment), number, start, unit }
    }

    /// Claims the same place in another mapping of the segment.
    pub(super) fn within(&self, segment: &Arc<Segment>) -> io::Result<Self> {
        if self.number != 0 {
            if let Some(layout) = self.segment.layout_of_claims() {
                segment.begin_claims(layout);
            }
            segment.claim(self.unit)?;
        }
        Ok(Self { segment: Arc::clone(segment), number: self.number, start: self.start, unit: self.unit })
    }

    #[inline(always)]
    pub(super) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Returns the offset of an address in the segment.
    #[inline]
    pub(super) fn offset_of(&self, address: NonNull<u8>) -> usize {
        let start = self.segment.at(0, 0).map_or(0, |start| start.addr().get());
        address.addr().get() - start
    }

    #[inline(always)]
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Clone for Place {
    #[inline]
    fn clone(&self) -> Self {
        if self.number != 0 && !self.segment.claim_simply(self.unit) {
            self.segment.claim_again(self.unit);
        }
        Self { segment: Arc::clone(&self.segment), number: self.number, start: self.start, unit: self.unit }
    }
}

impl Drop for Place {
    #[inline]
    fn drop(&mut self) {
        if self.number != 0 {
            self.segment.unclaim(self.unit, self.start);
        }
    }
}
