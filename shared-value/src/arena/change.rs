//! `ArenaChange`: what has happened to a key of an arena.

/// What has happened to a key of an arena; see [`Arena::changes`](crate::Arena::changes).
///
/// ```
/// use shared_value::ArenaChange;
///
/// let change = ArenaChange::Changed { key: "http.requests".to_owned() };
/// assert_eq!(change.key(), "http.requests");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArenaChange {
    /// The key leads to a value to which it did not lead before: the value was added, or has replaced another one.
    Added {
        /// The key.
        key: String,
    },
    /// The value of the key was committed.
    Changed {
        /// The key.
        key: String,
    },
    /// The key leads to no value any more.
    Removed {
        /// The key.
        key: String,
    },
}

impl ArenaChange {
    /// Returns the key.
    pub fn key(&self) -> &str {
        let (Self::Added { key } | Self::Changed { key } | Self::Removed { key }) = self;
        key
    }
}
