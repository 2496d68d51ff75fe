//! Writes the generated items. Every body is a call into the runtime: what is written here is
//! compiled again by each user.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Field, Input, Kind};
use crate::repr::Repr;

mod accessors;
mod alias;
mod functions;
mod generics;
mod guard;
mod location;
mod metadata;
mod pins;
mod scope;
mod stored;
mod wrapper;

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

/// What users of a struct see: the handle, the guard and the accessors.
pub(crate) fn surface<'input>(scope: &Scope<'input>, fields: impl IntoIterator<Item = &'input Field>) -> TokenStream {
    let wrapper = wrapper::expand(scope);
    let guard = guard::expand(scope);
    let accessors = accessors::expand(scope, fields, functions::expand(scope));
    quote!(#wrapper #guard #accessors)
}

/// What users of an enum see: the names of its handle and guard.
pub(crate) fn aliases(scope: &Scope<'_>) -> TokenStream {
    alias::expand(scope)
}
