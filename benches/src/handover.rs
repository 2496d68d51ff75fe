//! `Handover`: what another process can get at.

use anyhow::Result;

/// Something that another process attaches to by a text.
pub trait Handover: Sized {
    /// A text without spaces, by which another process of this user attaches while this one has it.
    ///
    /// # Errors
    /// If there is none.
    fn token(&self) -> Result<String>;

    /// Attaches.
    ///
    /// # Errors
    /// If it is gone, or another.
    fn attach(token: &str) -> Result<Self>;
}
