//! `UnderWay`: the bytes of answers that have not left yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Counts the bytes of messages that the transport still has. Followers on slow links keep them for long.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

/// The bytes of a message, which are counted until nothing needs them any more.
struct Counted {
    bytes: Vec<u8>,
    under_way: UnderWay,
}

impl UnderWay {
    /// Returns how many bytes the transport has.
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns a message that can be sent to many followers, and is counted once.
    pub(super) fn message(&self, bytes: Vec<u8>) -> Bytes {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Counted { bytes, under_way: self.clone() })
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.under_way.0.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}
