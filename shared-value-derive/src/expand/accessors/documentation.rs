use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Member, Type};

use crate::model::{Field, is_number, unwrapped};

/// The generated sentence about `field`, which stands for `{}`, then what the user wrote.
pub(super) fn about(field: &Field, sentence: &str) -> TokenStream {
    let name = match &field.member {
        Member::Named(name) => format!("`{}`", name.unraw()),
        Member::Unnamed(index) => format!("field {}", index.index),
    };
    let sentence = format!(" {}", sentence.replace("{}", &name));
    let own = &field.documentation;
    let gap = (!own.is_empty()).then(|| quote!(#[doc = ""]));
    quote!(#[doc = #sentence] #gap #(#own)*)
}

pub(super) fn errors() -> TokenStream {
    quote! {
        ///
        /// # Errors
        ///
        /// If the lock cannot be had, or within an `update` of the value by this thread.
    }
}

/// What makes the getter of a whole field panic.
pub(super) fn panics(field: &Field) -> Option<TokenStream> {
    if is_always_valid(field, &field.ty) {
        return None;
    }
    Some(quote! {
        ///
        /// # Panics
        ///
        /// If another process wrote bits that are no value of this type.
        #[track_caller]
    })
}

/// What makes the getter of one element panic.
pub(super) fn element_panics(field: &Field, element: &Type) -> TokenStream {
    if is_always_valid(field, element) {
        return out_of_range();
    }
    quote! {
        ///
        /// # Panics
        ///
        /// If `index` is out of range, or another process wrote bits that are no value of this
        /// type.
        #[track_caller]
    }
}

/// What makes a write through the guard panic.
pub(super) fn guard_panics() -> TokenStream {
    quote! {
        ///
        /// # Panics
        ///
        /// Within an `update` of the value by this thread, and in a child process that was
        /// forked after the lock was taken.
        #[track_caller]
    }
}

/// What makes a write of one element through the guard panic.
pub(super) fn element_guard_panics() -> TokenStream {
    quote! {
        ///
        /// # Panics
        ///
        /// If `index` is out of range, within an `update` of the value by this thread, and in a
        /// child process that was forked after the lock was taken.
        #[track_caller]
    }
}

pub(super) fn out_of_range() -> TokenStream {
    quote! {
        ///
        /// # Panics
        ///
        /// If `index` is out of range.
        #[track_caller]
    }
}

/// Whether every pattern of bits is a value of `ty`, the type of `field` or of its elements.
fn is_always_valid(field: &Field, ty: &Type) -> bool {
    match unwrapped(ty) {
        Type::Array(array) => is_always_valid(field, &array.elem),
        other => field.is_pod() || is_number(other),
    }
}
