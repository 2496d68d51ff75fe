//! `Description`: a program's description of a value, which new segments record and existing segments must match.

use std::borrow::Cow;

use crate::error::Error;
use crate::format::cell::contents::{Shape, Typed};
use crate::format::{Difference, Extent, Invalid, other_slots};

/// The expected contents of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) schema: Cow<'static, str>,
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
    /// The bytes of the value, and its slots.
    pub(crate) extent: Extent,
}

impl Described<'_> {
    /// Checks that the value has one slot, or two.
    pub(crate) fn expect_slots(&self, is_one_slot: bool) -> Result<(), Error> {
        let found = self.extent.is_one_slot();
        if found == is_one_slot { Ok(()) } else { Err(other_slots(found).of(&(self.name)())) }
    }

    /// Returns the facts of the value, if it is of this type and has two slots. The error names the first field that differs.
    #[inline]
    pub(crate) fn expect<C: Typed + ?Sized>(&self) -> Result<C::Facts, Error> {
        let facts = C::facts(self.extent.size_in_two_slots()).filter(|_| self.fingerprint == C::FINGERPRINT);
        facts.ok_or_else(|| self.mismatch::<C>())
    }

    #[cold]
    fn mismatch<C: Typed + ?Sized>(&self) -> Error {
        if let Err(error) = self.expect_slots(false) {
            return error;
        }
        let (name, schema) = ((self.name)(), (self.schema)().unwrap_or_default());
        match Difference::between(&C::schema(), &schema) {
            Some(difference) => difference.of(&name),
            None if self.fingerprint != C::FINGERPRINT => {
                Invalid::new("fingerprint", C::FINGERPRINT, self.fingerprint).of(&name)
            }
            None => Invalid::new("size", "that of its type", self.extent.size()).of(&name),
        }
    }
}
