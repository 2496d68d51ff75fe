//! The output for an input with errors: the errors, and stand-ins for the items that code would use.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, Type};

use crate::check::{collisions, types};
use crate::expand::{self, Bodies, Scope};
use crate::model::{Body, Field, Input, unwrapped};

mod stand_in;

/// Generates the errors, and replacements for the real items with the same names and types. Code that uses the items still
/// compiles, so the user sees only the errors to fix.
///
/// The errors stop the build, so none of this ever runs.
pub(crate) fn expand(input: &Input, errors: &syn::Error) -> TokenStream {
    let errors = errors.to_compile_error();
    let scope = Scope::new(input, Bodies::Absent);
    let metadata = metadata(&scope);
    let items = match &input.kind {
        Body::Struct(fields) => stand_in::expand(&scope, usable(&input.generics, fields)),
        Body::Enum(_) | Body::Union => expand::aliases(&scope),
    };
    quote!(#errors #metadata #items)
}

/// Generates an impl that applies only if the type is `Copy`, but does not require `Copy`: a type with a refused field can
/// rarely be `Copy`.
fn metadata(scope: &Scope<'_>) -> TokenStream {
    if scope.input.generics.lifetimes().next().is_some() {
        return TokenStream::new();
    }
    let (runtime, value) = (&scope.runtime, &scope.value);
    let mut generics = expand::bounded(scope.input, runtime);
    generics.make_where_clause().predicates.push(syn::parse_quote!(for<'never> #value: ::core::marker::Copy));
    let (parameters, _, clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        unsafe impl #parameters #runtime::SharedValue for #value #clause {
            const LAYOUT: &'static #runtime::TypeLayout =
                <::core::primitive::u8 as #runtime::SharedValue>::LAYOUT;
        }
    }
}

/// Returns the fields whose accessors can be declared without further errors.
fn usable<'input>(generics: &Generics, fields: &'input [Field]) -> Vec<&'input Field> {
    let collisions = collisions::collisions(fields);
    fields
        .iter()
        .enumerate()
        .filter(|(number, field)| {
            let collides = collisions.iter().any(|collision| collision.field == *number);
            let refusal = types::refusal(generics, field);
            !collides && refusal.is_none_or(|refusal| can_be_returned(refusal.ty))
        })
        .map(|(_, field)| field)
        .collect()
}

fn can_be_returned(ty: &Type) -> bool {
    match unwrapped(ty) {
        Type::Path(path) => !path.path.is_ident("str"),
        Type::Reference(reference) => reference.lifetime.is_some(),
        Type::Ptr(_) | Type::Tuple(_) | Type::FnPtr(_) => true,
        _ => false,
    }
}
