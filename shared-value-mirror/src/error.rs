//! `MirrorError`: why a value cannot be published or followed.

use shared_value::Error;
use thiserror::Error;

/// Why a value cannot be published or followed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// A shared value could not be opened, read or written.
    #[error(transparent)]
    Value(#[from] Error),

    /// The transport has failed.
    #[error("the transport cannot {what}: {reason}")]
    Transport {
        /// The task in which it failed.
        what: &'static str,
        /// Its own message.
        reason: String,
    },

    /// A message is not one of this protocol, or of another version of it. It has changed nothing.
    #[error("a message was expected to have {expected}, but it has {found}")]
    Message {
        /// The expected content.
        expected: String,
        /// The content that was found.
        found: String,
    },

    /// The name is taken by a value that is not a replica.
    #[error("`{name}` exists and is not a replica: unlink it, or follow under another name")]
    NotAReplica {
        /// The name.
        name: String,
    },

    /// Another process follows into this name.
    #[error("another process already follows into `{name}`: stop it, or follow under another name")]
    AlreadyFollowed {
        /// The name.
        name: String,
    },

    /// The value is larger than the limit.
    #[error("`{name}` needs {needed} bytes, which is more than the limit of {limit}: raise the limit on both sides")]
    TooLarge {
        /// The name.
        name: String,
        /// How many bytes it needs.
        needed: usize,
        /// The limit.
        limit: usize,
    },

    /// A value of this kind cannot be carried.
    #[error("`{name}` cannot be mirrored: {reason}")]
    Unsupported {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },

    /// A thread could not be started.
    #[error("no thread could be started")]
    Thread(#[source] std::io::Error),
}
