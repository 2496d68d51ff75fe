//! The checks of a pinned layout, fingerprint or size.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;

use super::scope::Scope;
use super::spans::located;
use crate::model::unwrapped;

/// Generates the compile-time checks for `#[shared(layout = .., fingerprint = .., size = .., released = ..)]`.
pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let attributes = &scope.input.attributes;
    let layout = attributes.layout.as_ref().map(|layout| pin(scope, &quote!(assert_layout), layout, layout.span()));
    let fingerprint =
        attributes.fingerprint.map(|pinned| pin(scope, &quote!(assert_fingerprint), &pinned.value, pinned.span));
    let size = attributes.size.as_ref().map(|size| pin(scope, &quote!(assert_size), size, size.span()));
    let released = attributes.released.iter().map(|released| {
        let Scope { runtime, value, .. } = scope;
        let span = unwrapped(released).span();
        let function = located(quote!(#runtime::assert_released::), span);
        let call = located(quote!(()), span);
        quote!(const _: () = #function <#value, #released> #call;)
    });
    quote!(#layout #fingerprint #size #(#released)*)
}

fn pin(scope: &Scope<'_>, assertion: &TokenStream, pinned: &impl ToTokens, span: Span) -> TokenStream {
    let (runtime, value) = (&scope.runtime, &scope.value);
    let call = located(quote!(#runtime::#assertion::<#value>(#pinned)), span);
    quote!(const _: () = #call;)
}
