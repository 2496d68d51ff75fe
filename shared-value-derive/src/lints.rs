//! The lints that the user has switched off, and those that the output must not cause.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Meta};

use crate::symbol::DEPRECATED;

/// The attributes for generated items, so that they cause no lint that the user allows or cannot mend.
///
/// `allow(deprecated)` is written only where something is deprecated: a crate that forbids the lint could not use the macro.
pub(crate) struct Lints {
    /// For items that name the type.
    pub(crate) of_type: TokenStream,
    /// For items that name its fields or variants too.
    pub(crate) of_parts: TokenStream,
}

impl Lints {
    pub(crate) fn of(input: &DeriveInput) -> Self {
        let mut all = input.attrs.iter().collect::<Vec<_>>();
        let of_type = allowed(&all);
        match &input.data {
            Data::Struct(data) => all.extend(data.fields.iter().flat_map(|field| &field.attrs)),
            Data::Enum(data) => all.extend(data.variants.iter().flat_map(|variant| &variant.attrs)),
            Data::Union(_) => {}
        }
        Self { of_type, of_parts: allowed(&all) }
    }
}

fn allowed(attributes: &[&Attribute]) -> TokenStream {
    let deprecated = attributes.iter().any(|attribute| DEPRECATED.is(attribute.path()));
    let deprecated = deprecated.then(|| quote!(#[allow(deprecated)]));
    let mut seen = HashSet::new();
    let own = attributes.iter().filter_map(|attribute| allow(attribute)).chain(deprecated);
    own.filter(|attribute| seen.insert(attribute.to_string())).collect()
}

/// Returns the attribute as one that allows. An `expect` would not be fulfilled in generated code.
fn allow(attribute: &Attribute) -> Option<TokenStream> {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("allow") => Some(attribute.to_token_stream()),
        Meta::List(list) if list.path.is_ident("expect") => {
            let lints = &list.tokens;
            Some(quote!(#[allow(#lints)]))
        }
        _ => None,
    }
}
