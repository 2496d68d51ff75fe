//! Spans: the places that rustc points to if generated code does not compile.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Moves `tokens` to `span`. The hygiene of their names does not change.
pub(super) fn located(tokens: TokenStream, span: Span) -> TokenStream {
    each(tokens, &|tree| tree.set_span(tree.span().located_at(span)))
}

/// Gives `tokens` the span of `original`, as if the user had written them there.
pub(super) fn in_place_of(tokens: TokenStream, original: &impl ToTokens) -> TokenStream {
    let mut originals = original.to_token_stream().into_iter();
    let Some(first) = originals.next() else {
        return tokens;
    };
    let last = originals.last().unwrap_or_else(|| first.clone()).span();
    let mut trees = each(tokens, &|tree| tree.set_span(first.span())).into_iter().collect::<Vec<_>>();
    if let Some(tree) = trees.last_mut() {
        tree.set_span(last);
    }
    trees.into_iter().collect()
}

fn each(tokens: TokenStream, change: &impl Fn(&mut TokenTree)) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            if let TokenTree::Group(group) = &tree {
                tree = Group::new(group.delimiter(), each(group.stream(), change)).into();
            }
            change(&mut tree);
            tree
        })
        .collect()
}
