//! `Tracked`: a copy of a value, with the moment at which each block of it changed last.

use crate::message::{Blocks, Bytes, fingerprint};

/// The bytes of a block. Changes are found and sent by blocks.
const BLOCK: usize = 4096;

/// A copy of a value as it was sent last. So a follower of any state since then can be told what it lacks, and the publisher
/// keeps nothing for each follower.
#[derive(Debug)]
pub(super) struct Tracked {
    schema: String,
    fingerprint: u64,
    /// The capacity, if it is a vector.
    capacity: Option<u64>,
    pub(super) bytes: Vec<u8>,
    /// The sequence at which each block changed last.
    changed: Vec<u64>,
    /// The sequence of the first copy.
    first: u64,
}

impl Tracked {
    pub(super) fn new(schema: String, capacity: Option<u64>, bytes: Vec<u8>, sequence: u64) -> Self {
        let changed = vec![sequence; bytes.len().div_ceil(BLOCK)];
        Self { fingerprint: fingerprint(&schema), schema, capacity, bytes, changed, first: sequence }
    }

    /// Takes the bytes of a later state, and gives the earlier ones back.
    pub(super) fn update(&mut self, bytes: Vec<u8>, sequence: u64) -> Vec<u8> {
        if bytes.len() == self.bytes.len() {
            let blocks = bytes.chunks(BLOCK).zip(self.bytes.chunks(BLOCK));
            for ((new, old), changed) in blocks.zip(&mut self.changed) {
                if new != old {
                    *changed = sequence;
                }
            }
        } else {
            self.changed = vec![sequence; bytes.len().div_ceil(BLOCK)];
            self.first = sequence;
        }
        std::mem::replace(&mut self.bytes, bytes)
    }

    /// Returns whether anything has changed since a state.
    pub(super) fn has_changed(&self, base: u64) -> bool {
        self.changed.iter().any(|changed| *changed > base) || self.first > base
    }

    /// Returns what a follower of this state lacks: everything if it has none, or an older one than the first copy.
    pub(super) fn since(&self, base: Option<u64>) -> Bytes<'_> {
        let Some(base) = base.filter(|base| *base >= self.first && self.capacity.is_none()) else {
            return Bytes::Whole { schema: &self.schema, bytes: &self.bytes, capacity: self.capacity };
        };
        let mut blocks: Vec<(u64, &[u8])> = Vec::new();
        let mut sum = 0;
        let mut start = None;
        for (index, changed) in self.changed.iter().chain([&0]).enumerate() {
            match (*changed > base, start) {
                (true, None) => start = Some(index),
                (false, Some(first)) => {
                    let range = first * BLOCK..(index * BLOCK).min(self.bytes.len());
                    sum += range.len();
                    blocks.push((range.start as u64, &self.bytes[range]));
                    start = None;
                }
                _ => {}
            }
        }
        if sum > self.bytes.len() / 2 {
            blocks = vec![(0, &self.bytes)];
        }
        Bytes::Blocks(Blocks { fingerprint: self.fingerprint, length: self.bytes.len() as u64, parts: blocks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(tracked: &Tracked, base: u64) -> Vec<(u64, usize)> {
        match tracked.since(Some(base)) {
            Bytes::Blocks(blocks) => blocks.parts.iter().map(|(start, bytes)| (*start, bytes.len())).collect(),
            Bytes::Whole { bytes, .. } => vec![(u64::MAX, bytes.len())],
        }
    }

    /// A follower of an older state would keep blocks that changed before the last message.
    #[test]
    fn each_follower_gets_the_blocks_since_its_own_state() {
        let mut bytes = vec![0; 10 * BLOCK + 8];
        let mut tracked = Tracked::new("[u8]\n".to_owned(), None, bytes.clone(), 5);
        bytes[3 * BLOCK] = 1;
        tracked.update(bytes.clone(), 7);
        bytes[4 * BLOCK] = 1;
        bytes[10 * BLOCK + 7] = 1;
        tracked.update(bytes.clone(), 9);
        assert_eq!(blocks(&tracked, 9), []);
        assert_eq!(blocks(&tracked, 8), [(4 * 4096, 4096), (10 * 4096, 8)]);
        assert_eq!(blocks(&tracked, 7), [(4 * 4096, 4096), (10 * 4096, 8)]);
        assert_eq!(blocks(&tracked, 6), [(3 * 4096, 2 * 4096), (10 * 4096, 8)]);
        assert_eq!(blocks(&tracked, 5), [(3 * 4096, 2 * 4096), (10 * 4096, 8)]);
        assert_eq!(blocks(&tracked, 4), [(u64::MAX, 10 * 4096 + 8)]);
        assert!(tracked.has_changed(8) && !tracked.has_changed(9));
    }

    /// Without this, a value of which everything changes would be sent as many small pieces.
    #[test]
    fn a_value_of_which_most_has_changed_is_sent_as_one_block() {
        let mut tracked = Tracked::new("[u8]\n".to_owned(), None, vec![0; 4 * BLOCK], 1);
        let mut bytes = vec![1; 4 * BLOCK];
        bytes[..BLOCK].fill(0);
        tracked.update(bytes, 2);
        assert_eq!(blocks(&tracked, 1), [(0, 4 * 4096)]);
    }
}
