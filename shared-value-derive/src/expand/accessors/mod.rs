//! The functions that read and write single fields, on the handle and on the guard.

use proc_macro2::TokenStream;
use quote::quote;

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
struct Accessors {
    /// On a handle of any access.
    readers: TokenStream,
    /// On a handle that may write.
    writers: TokenStream,
    guard: TokenStream,
}

impl Accessors {
    fn extend(&mut self, other: Self) {
        self.readers.extend(other.readers);
        self.writers.extend(other.writers);
        self.guard.extend(other.guard);
    }
}

/// `functions` are the others that a handle has which may write: each impl more would have to be compared with the
/// rest by the compiler.
pub(super) fn expand<'input>(
    scope: &Scope<'input>,
    fields: impl IntoIterator<Item = &'input Field>,
    functions: TokenStream,
) -> TokenStream {
    let mut accessors = Accessors { writers: functions, ..Accessors::default() };
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
    implementations(scope, &accessors)
}

fn implementations(scope: &Scope<'_>, accessors: &Accessors) -> TokenStream {
    let access = &scope.input.fresh.access;
    let readable = scope.wrapper_with(access);
    let (wrapper_generics, guard_generics) = (scope.wrapper_generics(), scope.guard_generics());
    let (reader_parameters, _, clause) = wrapper_generics.split_for_impl();
    let (guard_parameters, _, _) = guard_generics.split_for_impl();
    let (parameters, _, _) = scope.generics.split_for_impl();
    let writable = scope.writable();
    let guard_type = scope.guard_with(&quote!('guard));
    let Accessors { readers, writers, guard } = accessors;
    quote! {
        #[allow(deprecated)]
        impl #reader_parameters #readable #clause {
            #readers
        }

        #[allow(deprecated)]
        impl #parameters #writable #clause {
            #writers
        }

        #[allow(deprecated)]
        impl #guard_parameters #guard_type #clause {
            #guard
        }
    }
}
