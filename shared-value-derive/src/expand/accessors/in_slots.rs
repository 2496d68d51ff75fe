//! The accessors of fields that lie in the slots.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::documentation::about;
use super::{Accessors, FieldScope};
use crate::model::{innermost, is_number};

/// Generates the accessors of a field that lies in the slots: `in_x`, `x`, `set_x`, `update_x`.
pub(super) fn expand(place: &FieldScope<'_>) -> Accessors {
    Accessors {
        parts: part(place),
        readers: getter(place).unwrap_or_default(),
        writers: [setter(place), updater(place)].into_iter().collect(),
        roots: TokenStream::new(),
    }
}

fn part(place: &FieldScope<'_>) -> TokenStream {
    let (field, number, host) = (place.field, &place.number, place.host());
    let (visibility, name, part) = (&field.visibility, field.accessor("in_"), place.scope.part(&place.stored));
    let about = about(field, "The part {}.");
    let body = place.scope.body(&quote!(#host::field(&self.0, #number)));
    quote! {
        #about
        #[inline]
        #visibility fn #name(&self) -> #part {
            #body
        }
    }
}

fn getter(place: &FieldScope<'_>) -> Option<TokenStream> {
    let (field, number, host, getter) = (place.field, &place.number, place.host(), place.getter()?);
    let (visibility, ty, arguments) = (&field.visibility, &field.ty, place.arguments(&[]));
    let about = about(field, "Reads {}.");
    let inner = field.is_pod().then(|| quote!(.0));
    let body = place.body(&quote!(#host::get_field #arguments (&self.0, #number) #inner));
    // The panic of a read that finds invalid bits names the caller's line.
    let caller = (!field.is_pod() && !is_number(innermost(ty))).then(|| quote!(#[track_caller]));
    let lint = place.lint_of_getter();
    Some(quote! {
        #about
        #lint
        #caller
        #[inline]
        #visibility fn #getter(&self) -> #ty {
            #body
        }
    })
}

fn setter(place: &FieldScope<'_>) -> TokenStream {
    let (field, number, host, runtime) = (place.field, &place.number, place.host(), &place.scope.runtime);
    let (visibility, setter, ty) = (&field.visibility, field.accessor("set_"), &field.ty);
    let (arguments, value) = (place.arguments(&[]), place.scope.local("value"));
    let about = about(field, "Writes {}.");
    let written = if field.is_pod() { quote!(#runtime::Pod(#value)) } else { value.to_token_stream() };
    let body = place.body(&quote!(#host::set_field #arguments (&self.0, #number, #written)));
    quote! {
        #about
        #[inline]
        #visibility fn #setter(&self, #value: #ty) -> ::core::result::Result<(), #runtime::Error> {
            #body
        }
    }
}

fn updater(place: &FieldScope<'_>) -> TokenStream {
    let (field, number, host, runtime) = (place.field, &place.number, place.host(), &place.scope.runtime);
    let (visibility, updater, ty) = (&field.visibility, field.accessor("update_"), &field.ty);
    let outcome = &place.scope.input.fresh.outcome;
    let (arguments, change) = (place.arguments(&[quote!(_)]), place.scope.local("change"));
    let about = about(field, "Lets the closure change {}.");
    let changed = if field.is_pod() {
        let (stored, pod) = (&place.stored, place.scope.local("pod"));
        quote!(|#pod: &mut #stored| #change(&mut #pod.0))
    } else {
        change.to_token_stream()
    };
    let body = place.body(&quote!(#host::update_field #arguments (&self.0, #number, #changed)));
    quote! {
        #about
        #[inline]
        #visibility fn #updater<#outcome>(
            &self,
            #change: impl ::core::ops::FnOnce(&mut #ty) -> #outcome,
        ) -> ::core::result::Result<#outcome, #runtime::Error> {
            #body
        }
    }
}

impl FieldScope<'_> {
    /// Returns the type arguments of a runtime function: the stored type, then `others`. Returns `None` if inference is
    /// enough: the compiler is faster without arguments, but if the type cannot be shared, its error would not point to the
    /// type.
    fn arguments(&self, others: &[TokenStream]) -> Option<TokenStream> {
        let stored = &self.stored;
        self.question.is_some().then(|| quote!(::<#stored #(, #others)*>))
    }
}
