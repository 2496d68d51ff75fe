//! `Description`: a program's description of a value, which new segments record and existing segments must match.

use crate::error::Error;
use crate::format::contents::{Shape, Typed};
use crate::format::{Difference, Invalid};

/// The expected contents of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) schema: String,
    /// The hash of the schema.
    pub(crate) fingerprint: u64,
    pub(crate) shape: Shape,
}

/// The description of a value that its arena records.
pub(crate) struct Described<'a> {
    /// The key or the id of the value, for errors.
    pub(crate) name: &'a dyn Fn() -> String,
    pub(crate) fingerprint: u64,
    pub(crate) schema: &'a dyn Fn() -> Option<String>,
    /// The bytes of the value.
    pub(crate) size: usize,
}

impl Described<'_> {
    /// Returns the facts of the value, if it is of this type. The error names the first field that differs.
    #[inline]
    pub(crate) fn expect<C: Typed + ?Sized>(&self) -> Result<C::Facts, Error> {
        let facts = C::facts(self.size).filter(|_| self.fingerprint == C::FINGERPRINT);
        facts.ok_or_else(|| self.mismatch::<C>())
    }

    #[cold]
    fn mismatch<C: Typed + ?Sized>(&self) -> Error {
        let (name, schema) = ((self.name)(), (self.schema)().unwrap_or_default());
        match Difference::between(&C::schema(), &schema) {
            Some(difference) => difference.of(&name),
            None if self.fingerprint != C::FINGERPRINT => {
                Invalid::new("fingerprint", C::FINGERPRINT, self.fingerprint).of(&name)
            }
            None => Invalid::new("size", "that of its type", self.size).of(&name),
        }
    }
}
