use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::super::scope::local;
use super::documentation::{READS_ELEMENT, Section, about, element_getter_sections};
use super::{Accessors, Place};

/// The accessors of one element of an array: `x_at`, `set_x_at`. None for other fields.
pub(super) fn expand(place: &Place<'_>) -> Accessors {
    let Some(element) = place.field.element() else {
        return Accessors::default();
    };
    let array = Array { place, element };
    Accessors { readers: array.getter(), writers: array.setter(), guard: array.guard_setter() }
}

struct Array<'place> {
    place: &'place Place<'place>,
    element: &'place Type,
}

impl Array<'_> {
    fn getter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
        let (visibility, getter) = (&field.visibility, field.accessor("", "_at"));
        let (arguments, index) = (place.arguments(element, 1), local("index"));
        let about = about(field, READS_ELEMENT, element_getter_sections(field, element));
        let body = place.read(&quote! {
            #runtime::get_at #arguments (&self.0, #number, #index)
        });
        quote! {
            #about
            #[inline]
            #visibility fn #getter(&self, #index: ::core::primitive::usize) -> #element {
                #body
            }
        }
    }

    fn setter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
        let (visibility, setter) = (&field.visibility, field.accessor("set_", "_at"));
        let (arguments, index, value) = (place.arguments(element, 2), local("index"), local("value"));
        let about = about(
            field,
            "Writes element `index` of {}: locks, commits and unlocks.",
            &[Section::Errors, Section::OutOfRange],
        );
        let written = place.written(&value);
        let body = place.body(&quote! {
            #runtime::set_at #arguments (&self.0, #number, #index, #written)
        });
        quote! {
            #about
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

    fn guard_setter(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
        let (visibility, setter) = (&field.visibility, field.accessor("set_", "_at"));
        let (arguments, index, value) = (place.arguments(element, 1), local("index"), local("value"));
        let about =
            about(field, "Writes element `index` of {}; the next commit publishes it.", &[Section::ElementGuard]);
        let written = place.written(&value);
        let body = place.body(&quote! {
            #runtime::guard_set_at #arguments (&self.0, #number, #index, #written);
        });
        quote! {
            #about
            #[inline]
            #visibility fn #setter(
                &self,
                #index: ::core::primitive::usize,
                #value: #element,
            ) {
                #body
            }
        }
    }
}
