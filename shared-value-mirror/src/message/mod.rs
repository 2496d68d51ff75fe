//! The messages: a follower asks, and a publisher answers.
//!
//! | bytes | |
//! |---|---|
//! | 4 | `svmi` |
//! | 1 | the version of the protocol |
//! | rest | a [`Request`] or an [`Answer`] in the format of `postcard` |
//!
//! Decoding takes memory in proportion to the number of bytes, whatever they are, and does nothing else. Their meaning is checked
//! where it is used.

mod answer;

pub(crate) use answer::{Answer, Blocks, Bytes, Entry, News, Position, REMOVED, Shape, VALUES, fingerprint};

use serde::{Deserialize, Serialize};

use crate::error::MirrorError;

const MAGIC: &[u8; 4] = b"svmi";

/// The version of the protocol.
const PROTOCOL: u8 = 1;

const ENVELOPE: usize = MAGIC.len() + 1;

/// What a follower says of itself: it wants the first state that is newer than its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The state that its replica shows; `None` if it needs all of it.
    pub(crate) base: Option<Position>,
    /// How many milliseconds the publisher may hold the request while there is nothing newer.
    pub(crate) patience: u32,
}

/// Returns the bytes of a message.
pub(crate) fn encode(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend(MAGIC);
    bytes.push(PROTOCOL);
    postcard::to_extend(message, bytes).expect("a vector takes all bytes, and all lengths are known")
}

/// Returns the message that the bytes are.
///
/// # Errors
/// `Message` if they are not a message, or of another version of the protocol.
pub(crate) fn decode<'m, M: Deserialize<'m>>(bytes: &'m [u8]) -> Result<M, MirrorError> {
    let wrong = |expected: &str, found: String| MirrorError::Message { expected: expected.to_owned(), found };
    if bytes.len() < ENVELOPE || &bytes[..MAGIC.len()] != MAGIC {
        return Err(wrong("the beginning `svmi`", format!("{:02x?}", &bytes[..bytes.len().min(ENVELOPE)])));
    }
    if bytes[MAGIC.len()] != PROTOCOL {
        let expected = format!("version {PROTOCOL} of the protocol");
        return Err(wrong(&expected, format!("version {}: run the same release on both sides", bytes[MAGIC.len()])));
    }
    match postcard::take_from_bytes(&bytes[ENVELOPE..]) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(wrong("nothing behind its end", format!("{} bytes", rest.len()))),
        Err(error) => Err(wrong("the parts of a message", error.to_string())),
    }
}

#[cfg(test)]
mod tests;
