use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::super::scope::local;
use super::documentation::{Section, about};
use super::{Accessors, Place};

/// Operations that return the value before; the runtime knows them by the same names.
const FETCHES: [(&str, &str); 4] = [
    ("fetch_add", "Adds to {} without a lock, wrapping around; returns the value before."),
    ("fetch_sub", "Subtracts from {} without a lock, wrapping around; returns the value before."),
    ("fetch_max", "Raises {} to `value` without a lock, unless it is higher; returns the value before."),
    ("fetch_min", "Lowers {} to `value` without a lock, unless it is lower; returns the value before."),
];

/// The accessors of an atomic field, the `number`th of its struct.
pub(super) fn expand(place: &Place<'_>, number: usize) -> Accessors {
    let number = Literal::usize_unsuffixed(number);
    let fetches = FETCHES.iter().map(|(operation, sentence)| fetch(place, &number, operation, sentence));
    Accessors {
        readers: getter(place, &number),
        writers: [store(place, &number)].into_iter().chain(fetches).chain([compare_exchange(place, &number)]).collect(),
        guard: TokenStream::new(),
    }
}

fn getter(place: &Place<'_>, number: &Literal) -> TokenStream {
    let (runtime, field) = (&place.scope.runtime, place.field);
    let (visibility, getter, ty) = (&field.visibility, field.getter(), &field.ty);
    let about = about(field, "Reads {} atomically, without a lock.", &[]);
    let body = place.body(&quote!(#runtime::atomic_load(&self.0, #number)));
    quote! {
        #about
        #[inline]
        #visibility fn #getter(&self) -> #ty {
            #body
        }
    }
}

fn store(place: &Place<'_>, number: &Literal) -> TokenStream {
    let (runtime, field) = (&place.scope.runtime, place.field);
    let (visibility, ty) = (&field.visibility, &field.ty);
    let (accessor, value) = (field.accessor("", "_store"), local("value"));
    let about = about(field, "Writes {} atomically, without a lock.", &[]);
    let body = place.body(&quote! {
        #runtime::atomic_store(&self.0, #number, #value);
    });
    quote! {
        #about
        #[inline]
        #visibility fn #accessor(&self, #value: #ty) {
            #body
        }
    }
}

fn fetch(place: &Place<'_>, number: &Literal, operation: &str, sentence: &str) -> TokenStream {
    let (runtime, field) = (&place.scope.runtime, place.field);
    let (visibility, ty) = (&field.visibility, &field.ty);
    let accessor = field.accessor("", &format!("_{operation}"));
    let function = format_ident!("atomic_{operation}");
    let (about, value) = (about(field, sentence, &[]), local("value"));
    let body = place.body(&quote!(#runtime::#function(&self.0, #number, #value)));
    quote! {
        #about
        #[inline]
        #visibility fn #accessor(&self, #value: #ty) -> #ty {
            #body
        }
    }
}

fn compare_exchange(place: &Place<'_>, number: &Literal) -> TokenStream {
    let (runtime, field) = (&place.scope.runtime, place.field);
    let (visibility, ty) = (&field.visibility, &field.ty);
    let accessor = field.accessor("", "_compare_exchange");
    let about = about(
        field,
        "Writes `new` into {} if it is `current`, without a lock; returns the value before.",
        &[Section::ExchangeErrors],
    );
    let (current, new) = (local("current"), local("new"));
    let body = place.body(&quote! {
        #runtime::atomic_compare_exchange(&self.0, #number, #current, #new)
    });
    quote! {
        #about
        #[inline]
        #visibility fn #accessor(
            &self,
            #current: #ty,
            #new: #ty,
        ) -> ::core::result::Result<#ty, #ty> {
            #body
        }
    }
}
