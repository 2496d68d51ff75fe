//! Writes the generated items. Every body is a call into the runtime: what is written here is
//! compiled again by each user.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Field, Input, Kind};
use crate::repr::Repr;

mod accessors;
mod alias;
mod generics;
mod location;
mod metadata;
mod pins;
mod scope;
mod stored;

pub(crate) use accessors::Accessors;
pub(crate) use generics::bounded;
pub(crate) use scope::{Bodies, Scope};

pub(crate) fn expand(input: &Input) -> TokenStream {
    let scope = Scope::new(input, Bodies::Real);
    let (metadata, items) = match (&input.kind, &input.repr) {
        (Kind::Struct(fields), Some(Repr::C)) => {
            let metadata = metadata::structure(&scope, &quote!(structure), fields);
            (metadata, surface(&scope, fields))
        }
        (Kind::Struct(fields), Some(Repr::Transparent)) => {
            let metadata = metadata::structure(&scope, &quote!(newtype), fields);
            (metadata, surface(&scope, fields))
        }
        (Kind::Enum(variants), Some(Repr::Integer(integer))) => {
            let metadata = metadata::enumeration(&scope, variants, integer);
            (metadata, aliases(&scope))
        }
        // What is left has been reported.
        _ => return TokenStream::new(),
    };
    let pins = pins::expand(&scope);
    quote!(#metadata #pins #items)
}

/// What users of a struct see: the names of the handle and the guard, and the accessors of both.
fn surface(scope: &Scope<'_>, fields: &[Field]) -> TokenStream {
    let aliases = alias::expand(scope, &format!(" The functions for its fields are in [`{}`].", scope.accessors));
    let accessors = accessors::items(scope, &accessors::expand(scope, fields));
    quote!(#aliases #accessors)
}

/// The accessors of `fields`, which belong into an impl.
pub(crate) fn accessors<'input>(scope: &Scope<'input>, fields: impl IntoIterator<Item = &'input Field>) -> Accessors {
    accessors::expand(scope, fields)
}

/// What users of an enum see: the names of its handle and guard.
pub(crate) fn aliases(scope: &Scope<'_>) -> TokenStream {
    alias::expand(scope, "")
}
