//! Collects the errors of one input.

use std::cell::RefCell;

use proc_macro2::Span;
use quote::ToTokens;

/// Collects every problem of one input, so that the user sees all of them in one run.
#[derive(Default)]
pub(crate) struct Context {
    errors: RefCell<Option<syn::Error>>,
}

impl Context {
    pub(crate) fn at(&self, span: Span, message: &str) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn on(&self, tokens: impl ToTokens, message: &str) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn push(&self, error: syn::Error) {
        match &mut *self.errors.borrow_mut() {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.errors.into_inner().map_or(Ok(()), Err)
    }
}
