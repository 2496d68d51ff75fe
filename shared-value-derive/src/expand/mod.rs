//! Writes the generated items. Every body is a call into the runtime: what is written here is
//! compiled again by each user.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Input, Kind};
use crate::repr::Repr;

mod accessors;
mod alias;
mod guard;
mod location;
mod metadata;
mod pins;
mod scope;
mod stored;
mod wrapper;

use scope::{Bodies, Scope};

pub(crate) fn expand(input: &Input) -> TokenStream {
    let scope = Scope::new(input, Bodies::Real);
    let pins = pins::expand(&scope);
    match (&input.kind, &input.repr) {
        (Kind::Struct(fields), Some(repr)) => {
            let metadata = metadata::structure(&scope, fields, matches!(repr, Repr::Transparent));
            let wrapper = wrapper::expand(&scope);
            let guard = guard::expand(&scope);
            let accessors = accessors::expand(&scope, fields);
            quote!(#metadata #pins #wrapper #guard #accessors)
        }
        (Kind::Enum(variants), Some(Repr::Integer(integer))) => {
            let metadata = metadata::enumeration(&scope, variants, integer);
            let aliases = alias::expand(&scope);
            quote!(#metadata #pins #aliases)
        }
        _ => TokenStream::new(),
    }
}
