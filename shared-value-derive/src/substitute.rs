//! `Self` in a field's type means the user's struct. In the impls of the accessors it would mean the accessors.

use proc_macro2::{Group, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;

/// Returns `node` with every `Self` replaced by `value`.
pub(crate) fn spell_out_self<Node: Parse + ToTokens>(node: Node, value: &TokenStream) -> Node {
    let tokens = node.to_token_stream();
    if !mentions_self(tokens.clone()) {
        return node;
    }
    syn::parse2(replace(tokens, value)).unwrap_or(node)
}

/// Returns `tokens`, all with the span `span`.
pub(crate) fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            if let TokenTree::Group(group) = &tree {
                tree = Group::new(group.delimiter(), respanned(group.stream(), span)).into();
            }
            tree.set_span(span);
            tree
        })
        .collect()
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn replace(tokens: TokenStream, value: &TokenStream) -> TokenStream {
    let mut trees = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(ident) if ident == "Self" => {
                replaced.extend(if trees.peek().is_some_and(opens_path_separator) {
                    quote!(<#value>)
                } else {
                    value.clone()
                });
            }
            TokenTree::Group(group) => {
                let mut copy = Group::new(group.delimiter(), replace(group.stream(), value));
                copy.set_span(group.span());
                replaced.extend([TokenTree::Group(copy)]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}

/// Returns whether `tree` is the first half of `::`, and not the colon of a bound.
fn opens_path_separator(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}
