use proc_macro2::TokenStream;
use quote::quote;

use super::super::scope::local;
use super::documentation::{READS, Section, about, getter_sections};
use super::{Accessors, Place};

/// The accessors of a field as a whole: `x`, `set_x`, `update_x`.
pub(super) fn expand(place: &Place<'_>) -> Accessors {
    Accessors {
        readers: getter(place),
        writers: [setter(place), updater(place)].into_iter().collect(),
        guard: [guard_setter(place), guard_updater(place)].into_iter().collect(),
    }
}

fn getter(place: &Place<'_>) -> TokenStream {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let (visibility, getter, ty) = (&field.visibility, field.getter(), &field.ty);
    let arguments = place.arguments(ty, 1);
    let about = about(field, READS, getter_sections(field));
    let body = place.read(&quote!(#runtime::get #arguments (&self.0, #number)));
    quote! {
        #about
        #[inline]
        #visibility fn #getter(&self) -> #ty {
            #body
        }
    }
}

fn setter(place: &Place<'_>) -> TokenStream {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let (visibility, setter, ty) = (&field.visibility, field.accessor("set_", ""), &field.ty);
    let (arguments, value) = (place.arguments(ty, 2), local("value"));
    let about = about(field, "Writes {}: locks, commits and unlocks.", &[Section::Errors]);
    let written = place.written(&value);
    let body = place.body(&quote!(#runtime::set #arguments (&self.0, #number, #written)));
    quote! {
        #about
        #[inline]
        #visibility fn #setter(&self, #value: #ty) -> ::core::result::Result<(), #runtime::Error> {
            #body
        }
    }
}

fn updater(place: &Place<'_>) -> TokenStream {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let (visibility, updater, ty) = (&field.visibility, field.accessor("update_", ""), &field.ty);
    let (arguments, change) = (place.arguments(ty, 3), local("change"));
    let outcome = &place.scope.input.fresh.outcome;
    let about = about(field, "Changes {} in place under the lock, then commits.", &[Section::Errors]);
    let changed = place.changed(&change);
    let body = place.body(&quote! {
        #runtime::update #arguments (&self.0, #number, #changed)
    });
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

fn guard_setter(place: &Place<'_>) -> TokenStream {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let (visibility, setter, ty) = (&field.visibility, field.accessor("set_", ""), &field.ty);
    let (arguments, value) = (place.arguments(ty, 1), local("value"));
    let about = about(field, "Writes {}; the next commit publishes it.", &[Section::Guard]);
    let written = place.written(&value);
    let body = place.body(&quote! {
        #runtime::guard_set #arguments (&self.0, #number, #written);
    });
    quote! {
        #about
        #[inline]
        #visibility fn #setter(&self, #value: #ty) {
            #body
        }
    }
}

fn guard_updater(place: &Place<'_>) -> TokenStream {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let (visibility, updater, ty) = (&field.visibility, field.accessor("update_", ""), &field.ty);
    let (arguments, change) = (place.arguments(ty, 2), local("change"));
    let outcome = &place.scope.input.fresh.outcome;
    let about = about(field, "Changes {} in place; the next commit publishes it.", &[Section::Guard]);
    let changed = place.changed(&change);
    let body = place.body(&quote! {
        #runtime::guard_update #arguments (&self.0, #number, #changed)
    });
    quote! {
        #about
        #[inline]
        #visibility fn #updater<#outcome>(
            &self,
            #change: impl ::core::ops::FnOnce(&mut #ty) -> #outcome,
        ) -> #outcome {
            #body
        }
    }
}
