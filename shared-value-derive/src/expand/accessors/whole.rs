use proc_macro2::TokenStream;
use quote::quote;

use super::super::scope::local;
use super::super::stored::stored_field;
use super::documentation::{about, errors, guard_panics, panics};
use super::{Accessors, Place};

/// The accessors of a field as a whole: `x`, `set_x`, `update_x`.
pub(super) fn expand(place: &Place<'_>) -> Accessors {
    Accessors {
        readers: getter(place),
        writers: [setter(place), updater(place)].into_iter().collect(),
        guard: [guard_getter(place), guard_setter(place), guard_updater(place)].into_iter().collect(),
    }
}

fn getter(place: &Place<'_>) -> TokenStream {
    let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
    let (visibility, getter, ty) = (&field.visibility, field.getter(), &field.ty);
    let stored = stored_field(place.scope, field);
    let about = about(field, "Reads {} without a lock.");
    let panics = panics(field);
    let body = place.read(&quote!(#runtime::get::<#stored, _, _>(&self.0, #offset)));
    quote! {
        #about
        #panics
        #[inline]
        #visibility fn #getter(&self) -> #ty {
            #body
        }
    }
}

fn setter(place: &Place<'_>) -> TokenStream {
    let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
    let (visibility, setter, ty) = (&field.visibility, field.accessor("set_", ""), &field.ty);
    let (stored, value) = (stored_field(place.scope, field), local("value"));
    let about = about(field, "Writes {}: locks, commits and unlocks.");
    let errors = errors();
    let written = place.written(&value);
    let body = place.body(&quote!(#runtime::set::<#stored, _>(&self.0, #offset, #written)));
    quote! {
        #about
        #errors
        #[inline]
        #visibility fn #setter(&self, #value: #ty) -> ::core::result::Result<(), #runtime::Error> {
            #body
        }
    }
}

fn updater(place: &Place<'_>) -> TokenStream {
    let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
    let (visibility, updater, ty) = (&field.visibility, field.accessor("update_", ""), &field.ty);
    let (stored, change) = (stored_field(place.scope, field), local("change"));
    let outcome = &place.scope.input.fresh.outcome;
    let about = about(field, "Changes {} in place under the lock, then commits.");
    let errors = errors();
    let changed = place.changed(&change);
    let body = place.body(&quote! {
        #runtime::update::<#stored, _, #outcome>(&self.0, #offset, #changed)
    });
    quote! {
        #about
        #errors
        #[inline]
        #visibility fn #updater<#outcome>(
            &self,
            #change: impl ::core::ops::FnOnce(&mut #ty) -> #outcome,
        ) -> ::core::result::Result<#outcome, #runtime::Error> {
            #body
        }
    }
}

fn guard_getter(place: &Place<'_>) -> TokenStream {
    let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
    let (visibility, getter, ty) = (&field.visibility, field.getter(), &field.ty);
    let stored = stored_field(place.scope, field);
    let about = about(field, "Reads {}, with the changes made under this lock.");
    let panics = panics(field);
    let body = place.read(&quote!(#runtime::guard_get::<#stored, _>(&self.0, #offset)));
    quote! {
        #about
        #panics
        #[inline]
        #visibility fn #getter(&self) -> #ty {
            #body
        }
    }
}

fn guard_setter(place: &Place<'_>) -> TokenStream {
    let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
    let (visibility, setter, ty) = (&field.visibility, field.accessor("set_", ""), &field.ty);
    let (stored, value) = (stored_field(place.scope, field), local("value"));
    let about = about(field, "Writes {}; the next commit publishes it.");
    let panics = guard_panics();
    let written = place.written(&value);
    let body = place.body(&quote! {
        #runtime::guard_set::<#stored, _>(&mut self.0, #offset, #written);
    });
    quote! {
        #about
        #panics
        #[inline]
        #visibility fn #setter(&mut self, #value: #ty) {
            #body
        }
    }
}

fn guard_updater(place: &Place<'_>) -> TokenStream {
    let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
    let (visibility, updater, ty) = (&field.visibility, field.accessor("update_", ""), &field.ty);
    let (stored, change) = (stored_field(place.scope, field), local("change"));
    let outcome = &place.scope.input.fresh.outcome;
    let about = about(field, "Changes {} in place; the next commit publishes it.");
    let panics = guard_panics();
    let changed = place.changed(&change);
    let body = place.body(&quote! {
        #runtime::guard_update::<#stored, _, #outcome>(&mut self.0, #offset, #changed)
    });
    quote! {
        #about
        #panics
        #[inline]
        #visibility fn #updater<#outcome>(
            &mut self,
            #change: impl ::core::ops::FnOnce(&mut #ty) -> #outcome,
        ) -> #outcome {
            #body
        }
    }
}
