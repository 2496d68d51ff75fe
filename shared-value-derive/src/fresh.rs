//! Keeps generated types, functions and locals from taking a name that the user's types and constants use.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Names that do not occur in the input.
pub(crate) struct FreshNames {
    pub(crate) access: Ident,
    pub(crate) host: Ident,
    pub(crate) outcome: Ident,
    pub(crate) visitor: Ident,
    taken: HashSet<String>,
}

impl FreshNames {
    pub(crate) fn unused_in(input: &syn::DeriveInput) -> Self {
        let mut taken = HashSet::new();
        collect(input.to_token_stream(), &mut taken);
        let unused = |name: &str| unused(name, &taken);
        Self { access: unused("A"), host: unused("H"), outcome: unused("R"), visitor: unused("V"), taken }
    }

    /// Returns the name of a function or a local of generated code.
    pub(crate) fn local(&self, name: &str) -> Ident {
        unused(name, &self.taken)
    }
}

fn unused(name: &str, taken: &HashSet<String>) -> Ident {
    let mut candidate = name.to_owned();
    while taken.contains(&candidate) {
        candidate.push('_');
    }
    Ident::new(&candidate, Span::mixed_site())
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
