//! `Handover`: handing a subject to another process.

use anyhow::Result;

/// Something that another process attaches to by a token.
pub trait Handover: Sized {
    /// Returns a text without spaces, by which another process of this user attaches while this process lives.
    ///
    /// # Errors
    /// If the system does not show this process where another one can find it.
    fn token(&self) -> Result<String>;

    /// Attaches to what the token was made for.
    ///
    /// # Errors
    /// If the token leads nowhere.
    fn attach(token: &str) -> Result<Self>;
}
