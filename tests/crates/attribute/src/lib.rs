//! Attribute macros that change a struct after a derive above them has read it, for `tests/crates/compilation/ui/sound`.

use proc_macro::{Group, TokenStream, TokenTree};

/// Makes each field of type `u64` a reference.
#[proc_macro_attribute]
pub fn by_reference(_: TokenStream, item: TokenStream) -> TokenStream {
    replace(item, &|word| (word == "u64").then_some("&'static u64"))
}

/// Removes the `repr`, so that the compiler may order the fields as it likes.
///
/// # Panics
/// Never: the text that it parses consists of valid tokens.
#[proc_macro_attribute]
pub fn in_any_order(_: TokenStream, item: TokenStream) -> TokenStream {
    replace(item, &|word| (word == "repr").then_some("doc")).to_string().replace("doc(C)", "allow()").parse().unwrap()
}

/// Packs the struct, so that its fields may lie at any address.
#[proc_macro_attribute]
pub fn packed(_: TokenStream, item: TokenStream) -> TokenStream {
    replace(item, &|word| (word == "C").then_some("C, packed"))
}

fn replace(tokens: TokenStream, replacement: &dyn Fn(&str) -> Option<&'static str>) -> TokenStream {
    let replace = |tree| match tree {
        TokenTree::Ident(word) => match replacement(&word.to_string()) {
            Some(text) => text.parse().unwrap(),
            None => TokenTree::Ident(word).into(),
        },
        TokenTree::Group(group) => {
            TokenTree::Group(Group::new(group.delimiter(), replace(group.stream(), replacement))).into()
        }
        other => TokenStream::from(other),
    };
    tokens.into_iter().flat_map(replace).collect()
}
