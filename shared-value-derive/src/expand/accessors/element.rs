use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::Type;

use super::super::scope::local;
use super::documentation::{
    READS_ELEMENT, READS_RANGE, Section, about, element_getter_sections, range_getter_sections,
};
use super::{Accessors, Place};

/// The accessors of elements of an array: `x_at`, `set_x_at`, `x_read`, `x_write`. None for other fields.
pub(super) fn expand(place: &Place<'_>) -> Accessors {
    let Some(element) = place.field.element() else {
        return Accessors::default();
    };
    let array = Array { place, element };
    let mut accessors = Accessors { readers: array.getter(), writers: array.setter(), guard: array.guard_setter() };
    accessors.extend(Accessors { readers: array.reader(), writers: array.writer(), guard: array.guard_writer() });
    accessors
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
    fn reader(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
        let (visibility, reader) = (&field.visibility, field.accessor("", "_read"));
        let (arguments, range, to) = (place.arguments(element, 2), local("range"), local("to"));
        let about = about(field, READS_RANGE, range_getter_sections(field, element));
        let stored = if field.is_pod() { quote!(#runtime::pods_mut(#to)) } else { quote!(#to) };
        let body = place.body(&quote! {
            #runtime::read_at #arguments (&self.0, #number, #range, #stored);
        });
        quote! {
            #about
            #[inline]
            #visibility fn #reader(
                &self,
                #range: impl ::core::ops::RangeBounds<::core::primitive::usize>,
                #to: &mut [#element],
            ) {
                #body
            }
        }
    }

    fn writer(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
        let (visibility, writer) = (&field.visibility, field.accessor("", "_write"));
        let (arguments, start, values) = (place.arguments(element, 2), local("start"), local("values"));
        let about = about(
            field,
            "Writes elements of {} from number `start` on: locks, commits all of them and unlocks.",
            &[Section::Errors, Section::RangeOutOfRange],
        );
        let stored = self.stored(&values);
        let body = place.body(&quote! {
            #runtime::write_at #arguments (&self.0, #number, #start, #stored)
        });
        quote! {
            #about
            #[inline]
            #visibility fn #writer(
                &self,
                #start: ::core::primitive::usize,
                #values: &[#element],
            ) -> ::core::result::Result<(), #runtime::Error> {
                #body
            }
        }
    }

    fn guard_writer(&self) -> TokenStream {
        let Self { place, element, .. } = self;
        let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
        let (visibility, writer) = (&field.visibility, field.accessor("", "_write"));
        let (arguments, start, values) = (place.arguments(element, 1), local("start"), local("values"));
        let about = about(
            field,
            "Writes elements of {} from number `start` on; the next commit publishes them.",
            &[Section::RangeGuard],
        );
        let stored = self.stored(&values);
        let body = place.body(&quote! {
            #runtime::guard_write_at #arguments (&self.0, #number, #start, #stored);
        });
        quote! {
            #about
            #[inline]
            #visibility fn #writer(
                &self,
                #start: ::core::primitive::usize,
                #values: &[#element],
            ) {
                #body
            }
        }
    }

    /// The user's `values` as the runtime stores them.
    fn stored(&self, values: &Ident) -> TokenStream {
        let runtime = &self.place.scope.runtime;
        if self.place.field.is_pod() { quote!(#runtime::pods(#values)) } else { values.to_token_stream() }
    }
}
