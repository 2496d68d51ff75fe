//! The words that the macro knows in attributes.

use syn::Path;
use syn::ext::IdentExt;

/// A word that this macro knows in an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol(pub(crate) &'static str);

pub(crate) const SHARED: Symbol = Symbol("shared");
pub(crate) const REPR: Symbol = Symbol("repr");
pub(crate) const DOC: Symbol = Symbol("doc");
pub(crate) const DEPRECATED: Symbol = Symbol("deprecated");

pub(crate) const CRATE: Symbol = Symbol("crate");
pub(crate) const LAYOUT: Symbol = Symbol("layout");
pub(crate) const FINGERPRINT: Symbol = Symbol("fingerprint");
pub(crate) const SIZE: Symbol = Symbol("size");
pub(crate) const EVOLVES: Symbol = Symbol("evolves");
pub(crate) const RELEASED: Symbol = Symbol("released");
pub(crate) const LANES: Symbol = Symbol("lanes");

pub(crate) const ATOMIC: Symbol = Symbol("atomic");
pub(crate) const COUNTER: Symbol = Symbol("counter");
pub(crate) const POD: Symbol = Symbol("pod");
pub(crate) const TYPECODE: Symbol = Symbol("typecode");

pub(crate) const CONTAINER_WORDS: [Symbol; 7] = [CRATE, LAYOUT, FINGERPRINT, SIZE, EVOLVES, RELEASED, LANES];
pub(crate) const FIELD_WORDS: [Symbol; 4] = [ATOMIC, COUNTER, POD, TYPECODE];

impl Symbol {
    pub(crate) fn is(self, path: &Path) -> bool {
        path.get_ident().is_some_and(|ident| ident.unraw() == self.0)
    }
}
