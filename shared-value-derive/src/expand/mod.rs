//! Writes the generated items. Every body is a call into the runtime, because generated code is compiled again by each user.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Body, Field, Input};
use crate::repr::Repr;

mod accessors;
mod alias;
mod generics;
mod metadata;
mod pins;
mod scope;
mod spans;
mod stored;

pub(crate) use accessors::Accessors;
pub(crate) use generics::bounded;
pub(crate) use scope::{Bodies, Scope};

pub(crate) fn expand(input: &Input) -> TokenStream {
    let scope = Scope::new(input, Bodies::Real);
    match (&input.kind, &input.repr) {
        (Body::Struct(fields), Some(Repr::C)) => {
            let shape = if input.attributes.evolves.is_some() { quote!(evolving) } else { quote!(structure) };
            structure(&scope, &shape, fields)
        }
        (Body::Struct(fields), Some(Repr::Transparent)) => structure(&scope, &quote!(newtype), fields),
        (Body::Enum(variants), Some(Repr::Integer(integer))) => {
            let metadata = metadata::enumeration(&scope, variants, integer);
            let (aliases, block) = (aliases(&scope), block(&scope, &metadata));
            quote!(#aliases #block)
        }
        // All other cases have been reported as errors.
        _ => TokenStream::new(),
    }
}

fn structure(scope: &Scope<'_>, shape: &TokenStream, fields: &[Field]) -> TokenStream {
    let aliases = alias::expand(scope, &format!(" The functions for its fields are in [`{}`].", scope.accessors));
    let accessors = accessors::structure(scope);
    let (metadata, impls) = (metadata::structure(scope, shape, fields), accessors::impls(scope, fields));
    let block = block(scope, &quote!(#metadata #impls));
    quote!(#aliases #accessors #block)
}

/// Generates the block with all items that need no name outside of it.
fn block(scope: &Scope<'_>, items: &TokenStream) -> TokenStream {
    let (pins, lints) = (pins::expand(scope), &scope.input.lints.of_parts);
    quote! {
        #lints
        const _: () = {
            #items
            #pins
        };
    }
}

/// Generates the accessors of `fields`, to be put into an impl.
pub(crate) fn accessors<'input>(scope: &Scope<'input>, fields: impl IntoIterator<Item = &'input Field>) -> Accessors {
    accessors::expand(scope, fields)
}

/// Generates the public items of an enum: the names of its handle and guard.
pub(crate) fn aliases(scope: &Scope<'_>) -> TokenStream {
    alias::expand(scope, "")
}
