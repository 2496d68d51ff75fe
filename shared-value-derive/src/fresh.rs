//! Generated types and type parameters must not shadow a name that the user's types mention.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Names for generated types and type parameters that occur nowhere in the input.
pub(crate) struct FreshNames {
    pub(crate) access: Ident,
    pub(crate) reader: Ident,
    pub(crate) outcome: Ident,
    pub(crate) visitor: Ident,
    pub(crate) description: Ident,
}

impl FreshNames {
    pub(crate) fn unused_in(input: &syn::DeriveInput) -> Self {
        let mut taken = HashSet::new();
        collect(input.to_token_stream(), &mut taken);
        let unused = |name: &str| {
            let mut candidate = name.to_owned();
            while taken.contains(&candidate) {
                candidate.push('_');
            }
            Ident::new(&candidate, Span::mixed_site())
        };
        Self {
            access: unused("A"),
            reader: unused("H"),
            outcome: unused("R"),
            visitor: unused("V"),
            description: unused("Description"),
        }
    }
}

fn collect(tokens: TokenStream, names: &mut HashSet<String>) {
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) => {
                names.insert(ident.to_string());
            }
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
