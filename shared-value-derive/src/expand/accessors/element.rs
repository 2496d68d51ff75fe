use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Type};

use super::super::scope::local;
use super::super::stored::stored_element;
use super::documentation::{about, element_guard_panics, element_panics, errors, out_of_range};
use super::{Accessors, Place};

/// The accessors of one element of an array: `x_at`, `set_x_at`. None for other fields.
pub(super) fn expand(place: &Place<'_>) -> Accessors {
    let Some((element, length)) = place.field.array() else {
        return Accessors::default();
    };
    let array = Array { place, element, length };
    Accessors {
        readers: array.getter(),
        writers: array.setter(),
        guard: [array.guard_getter(), array.guard_setter()].into_iter().collect(),
    }
}

struct Array<'place> {
    place: &'place Place<'place>,
    element: &'place Type,
    length: &'place Expr,
}

impl Array<'_> {
    /// Element and length, as the runtime's functions take them.
    fn arguments(&self) -> TokenStream {
        let Self { place, element, length } = self;
        let stored = stored_element(place.scope, place.field, element);
        quote!(#stored, { #length })
    }

    fn getter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
        let (visibility, getter) = (&field.visibility, field.accessor("", "_at"));
        let (arguments, index) = (self.arguments(), local("index"));
        let about = about(field, "Reads element `index` of {} without a lock.");
        let panics = element_panics(field, element);
        let body = place.read(&quote! {
            #runtime::get_at::<#arguments, _, _>(&self.0, #offset, #index)
        });
        quote! {
            #about
            #panics
            #[inline]
            #visibility fn #getter(&self, #index: ::core::primitive::usize) -> #element {
                #body
            }
        }
    }

    fn setter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
        let (visibility, setter) = (&field.visibility, field.accessor("set_", "_at"));
        let (arguments, index, value) = (self.arguments(), local("index"), local("value"));
        let about = about(field, "Writes element `index` of {}: locks, commits and unlocks.");
        let (errors, panics) = (errors(), out_of_range());
        let written = place.written(&value);
        let body = place.body(&quote! {
            #runtime::set_at::<#arguments, _>(&self.0, #offset, #index, #written)
        });
        quote! {
            #about
            #errors
            #panics
            #[inline]
            #visibility fn #setter(
                &self,
                #index: ::core::primitive::usize,
                #value: #element,
            ) -> ::core::result::Result<(), #runtime::Error> {
                #body
            }
        }
    }

    fn guard_getter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
        let (visibility, getter) = (&field.visibility, field.accessor("", "_at"));
        let (arguments, index) = (self.arguments(), local("index"));
        let about = about(field, "Reads element `index` of {}, with the changes made under this lock.");
        let panics = element_panics(field, element);
        let body = place.read(&quote! {
            #runtime::guard_get_at::<#arguments, _>(&self.0, #offset, #index)
        });
        quote! {
            #about
            #panics
            #[inline]
            #visibility fn #getter(&self, #index: ::core::primitive::usize) -> #element {
                #body
            }
        }
    }

    fn guard_setter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, offset, runtime) = (place.field, &place.offset, &place.scope.runtime);
        let (visibility, setter) = (&field.visibility, field.accessor("set_", "_at"));
        let (arguments, index, value) = (self.arguments(), local("index"), local("value"));
        let about = about(field, "Writes element `index` of {}; the next commit publishes it.");
        let panics = element_guard_panics();
        let written = place.written(&value);
        let body = place.body(&quote! {
            #runtime::guard_set_at::<#arguments, _>(&mut self.0, #offset, #index, #written);
        });
        quote! {
            #about
            #panics
            #[inline]
            #visibility fn #setter(
                &mut self,
                #index: ::core::primitive::usize,
                #value: #element,
            ) {
                #body
            }
        }
    }
}
