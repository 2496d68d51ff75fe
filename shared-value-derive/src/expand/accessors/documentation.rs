//! The documentation of the accessors.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Lit, LitStr, Member, Meta};

use crate::model::Field;

/// Stands once, above the impl block with all functions of its kind. Above each function, it would be parsed again and again
/// by every user's compiler.
pub(super) const PARTS: &str = " Parts, each of which has the functions that the whole has.";
pub(super) const READERS: &str = " Reading, without the lock: what is committed, or what this thread has written since. \
                                  It panics if another process wrote bytes that are not a value of the type.";
pub(super) const WRITERS: &str = " Writing: a handle locks, commits and unlocks, unless this thread has a guard; what is \
                                  written with a guard is published by its next commit. The errors are those of `update`.";
pub(super) const ROOTS: &str = " Atomic fields and counters, which are changed at once, and without the lock.";

/// Returns the generated sentence, in which `field` replaces `{}`, followed by the user's documentation. It is one attribute
/// if possible, because very many functions have one.
pub(super) fn about(field: &Field, sentence: &str) -> TokenStream {
    let name = match &field.member {
        Member::Named(name) => format!("`{}`", name.unraw()),
        Member::Unnamed(index) => format!("field {}", index.index),
    };
    let sentence = format!(" {}", sentence.replace("{}", &name));
    let own = field.documentation.iter().map(literal).collect::<Option<Vec<_>>>();
    let Some(own) = own else {
        let own = &field.documentation;
        return quote!(#[doc = #sentence] #[doc = ""] #(#own)*);
    };
    let span = own.first().map_or_else(Span::call_site, LitStr::span);
    let own = own.iter().map(LitStr::value).collect::<Vec<_>>().join("\n");
    let text = if own.is_empty() { sentence } else { format!("{sentence}\n\n{own}") };
    let text = LitStr::new(&text, span);
    quote!(#[doc = #text])
}

/// Returns the text of `#[doc = ".."]`, unless it is computed.
fn literal(attribute: &Attribute) -> Option<LitStr> {
    let Meta::NameValue(text) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(literal) = &text.value else {
        return None;
    };
    match &literal.lit {
        Lit::Str(text) => Some(text.clone()),
        _ => None,
    }
}
