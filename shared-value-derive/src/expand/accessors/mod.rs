//! The functions that read and write single fields, on the handle and on the guard.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use super::scope::Scope;
use crate::model::Field;

mod atomic;
mod documentation;
mod element;
mod place;
mod whole;

use place::Place;

/// The accessors of one field or of all, sorted by the impl that they belong to.
#[derive(Default)]
pub(crate) struct Accessors {
    /// On a handle of any access, and on the guard.
    pub(crate) readers: TokenStream,
    /// On a handle that may write.
    pub(crate) writers: TokenStream,
    pub(crate) guard: TokenStream,
}

impl Accessors {
    fn extend(&mut self, other: Self) {
        self.readers.extend(other.readers);
        self.writers.extend(other.writers);
        self.guard.extend(other.guard);
    }
}

pub(super) fn expand<'input>(scope: &Scope<'input>, fields: impl IntoIterator<Item = &'input Field>) -> Accessors {
    let mut accessors = Accessors::default();
    let mut atomics = 0_usize;
    for (number, field) in fields.into_iter().enumerate() {
        let place = Place::new(scope, field, number);
        if field.is_atomic() {
            accessors.extend(atomic::expand(&place, atomics));
            atomics += 1;
        } else {
            accessors.extend(whole::expand(&place));
            accessors.extend(element::expand(&place));
        }
    }
    accessors
}

/// The type that handles and guards dereference to, with an impl for both and one for each.
///
/// Its parameter is what it is reached from. The user's parameters need not be its own too: the impls find them in the
/// value of that.
pub(super) fn items(scope: &Scope<'_>, accessors: &Accessors) -> TokenStream {
    let Scope { input, runtime, value, accessors: name, handle, guard, .. } = scope;
    let visibility = &input.visibility;
    let (access, reader) = (&input.fresh.access, &input.fresh.reader);
    let reader_generics = scope.generics_with(parse_quote!(#reader: #runtime::Reader<Value = #value>));
    let (reader_parameters, _, clause) = reader_generics.split_for_impl();
    let writer_generics = scope.generics_with(parse_quote!(#access: #runtime::Writable));
    let (writer_parameters, _, _) = writer_generics.split_for_impl();
    let (parameters, _, _) = scope.generics.split_for_impl();
    let link = scope.link();
    let about = format!(" The functions for the fields of a shared {link}: call them on its handle,");
    let about_types = format!(" [`{handle}`], and on its guard, [`{guard}`], which dereference to this type.");
    let Accessors { readers, writers, guard } = accessors;
    let guard = (!guard.is_empty()).then(|| {
        quote! {
            /// On the guard.
            #[allow(deprecated)]
            impl #parameters #name<#runtime::Guard<'_, #value>> #clause {
                #guard
            }
        }
    });
    quote! {
        #[doc = #about]
        #[doc = #about_types]
        #[repr(transparent)]
        #visibility struct #name<#reader>(#reader);

        #[allow(deprecated)]
        #[automatically_derived]
        unsafe impl #parameters #runtime::Accessible for #value #clause {
            type Accessors<#reader> = #name<#reader>;
        }

        /// On the handle and on the guard.
        #[allow(deprecated)]
        impl #reader_parameters #name<#reader> #clause {
            #readers
        }

        /// On a handle that can write.
        #[allow(deprecated)]
        impl #writer_parameters #name<#runtime::Synchronized<#value, #access>> #clause {
            #writers
        }

        #guard
    }
}
