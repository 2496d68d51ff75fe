//! Stand-ins for the handle and the guard of a type that cannot be shared. The real handle and guard would cause another
//! error at every use.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, parse_quote};

use crate::expand::{self, Accessors, Scope};
use crate::model::Field;

pub(super) fn expand<'input>(scope: &Scope<'input>, fields: impl IntoIterator<Item = &'input Field>) -> TokenStream {
    let accessors = expand::accessors(scope, fields);
    let (handle, guard) = (handle(scope, &accessors), guard(scope, &accessors));
    quote!(#handle #guard)
}

/// Generates the handle, and the type with its accessors: as functions of the handle, those of fields called `open` or `new`
/// would be defined twice.
fn handle(scope: &Scope<'_>, accessors: &Accessors) -> TokenStream {
    let Scope { input, runtime, value, handle, accessors: of_fields, .. } = scope;
    let (visibility, access) = (&input.visibility, &input.fresh.access);
    let generics = scope.generics_with(parse_quote!(#access: #runtime::Access = #runtime::ReadWrite));
    let (parameters, arguments, clause) = generics.split_for_impl();
    let forwarding = forwarding(scope, generics.clone());
    let (_, _, forwarding_clause) = forwarding.split_for_impl();
    let writable = scope.generics_with(parse_quote!(#access: #runtime::Writable));
    let (writable_parameters, _, _) = writable.split_for_impl();
    let (locking_parameters, _, _) = scope.generics.split_for_impl();
    let locking = scope.arguments();
    let (functions, load, set, update) = (functions(scope), load(scope), set(scope), update(scope));
    let Accessors { parts, readers, writers, roots } = accessors;
    quote! {
        #visibility struct #handle #generics (::core::marker::PhantomData<(#access, fn() -> #value)>) #clause;

        impl #parameters ::core::clone::Clone for #handle #arguments #clause {
            fn clone(&self) -> Self {
                loop {}
            }
        }

        impl #parameters ::core::fmt::Debug for #handle #arguments #clause {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                loop {}
            }
        }

        impl #parameters ::core::ops::Deref for #handle #arguments #clause {
            type Target = #of_fields #arguments;

            fn deref(&self) -> &Self::Target {
                loop {}
            }
        }

        impl #parameters #handle #arguments #clause {
            #load
        }

        impl #writable_parameters #handle #arguments #clause {
            #set
            #update
        }

        impl #locking_parameters #handle<#(#locking,)* #runtime::ReadWrite> #clause {
            #functions
        }

        #visibility struct #of_fields #generics (::core::marker::PhantomData<(#access, fn() -> #value)>) #clause;

        impl #parameters ::core::ops::Deref for #of_fields #arguments #forwarding_clause {
            type Target = #runtime::Synchronized<#value, #access>;

            fn deref(&self) -> &Self::Target {
                loop {}
            }
        }

        impl #parameters #of_fields #arguments #clause {
            #parts
            #readers
            #roots
        }

        impl #writable_parameters #of_fields #arguments #clause {
            #writers
        }
    }
}

fn guard(scope: &Scope<'_>, accessors: &Accessors) -> TokenStream {
    let Scope { input, runtime, value, guard, .. } = scope;
    let visibility = &input.visibility;
    let generics = guard_generics(scope);
    let (parameters, arguments, clause) = generics.split_for_impl();
    let forwarding = forwarding(scope, generics.clone());
    let (_, _, forwarding_clause) = forwarding.split_for_impl();
    let (load, set, update) = (load(scope), set(scope), update(scope));
    let Accessors { parts, readers, writers, roots } = accessors;
    quote! {
        #visibility struct #guard #generics (::core::marker::PhantomData<(&'guard (), fn() -> #value)>) #clause;

        impl #parameters ::core::fmt::Debug for #guard #arguments #clause {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                loop {}
            }
        }

        impl #parameters ::core::ops::Deref for #guard #arguments #forwarding_clause {
            type Target = #runtime::Guard<'guard, #value>;

            fn deref(&self) -> &Self::Target {
                loop {}
            }
        }

        impl #parameters #guard #arguments #clause {
            #load
            #set
            #update
            #visibility fn commit(&self) {}
            #visibility fn rollback(&self) {}
            #parts
            #readers
            #writers
            #roots
        }
    }
}

/// Generates the functions that every handle has, regardless of its fields: only their names and types matter.
fn functions(scope: &Scope<'_>) -> TokenStream {
    let Scope { input, runtime, guard, .. } = scope;
    let visibility = &input.visibility;
    let arguments = scope.arguments();
    let result = quote!(::core::result::Result);
    let guard = quote!(#result<#guard<'_ #(, #arguments)*>, #runtime::Error>);
    let opened = quote!(#result<Self, #runtime::Error>);
    let any = quote!(_: impl ::core::marker::Sized);
    quote! {
        #visibility fn new(#any) -> #opened { loop {} }
        #visibility fn create(#any, #any) -> #opened { loop {} }
        #visibility fn open(#any) -> #opened { loop {} }
        #visibility fn open_or_create(#any, #any) -> #opened { loop {} }
        #visibility fn lock(&self) -> #guard { loop {} }
        #visibility fn try_lock(&self) -> #guard { loop {} }
        #visibility fn lock_timeout(&self, _: ::core::time::Duration) -> #guard { loop {} }
    }
}

fn load(scope: &Scope<'_>) -> Option<TokenStream> {
    let Scope { input, runtime, value, .. } = scope;
    let visibility = &input.visibility;
    scope.is_sized.then(|| {
        quote! {
            #visibility fn get(&self) -> #value { loop {} }
            #visibility fn load(&self) -> ::core::result::Result<#value, #runtime::Error> { loop {} }
        }
    })
}

fn set(scope: &Scope<'_>) -> Option<TokenStream> {
    let Scope { input, runtime, value, .. } = scope;
    let visibility = &input.visibility;
    scope.is_sized.then(|| {
        quote! {
            #visibility fn set(&self, _: #value) -> ::core::result::Result<(), #runtime::Error> { loop {} }
        }
    })
}

fn update(scope: &Scope<'_>) -> TokenStream {
    let Scope { input, runtime, value, .. } = scope;
    let (visibility, outcome) = (&input.visibility, &input.fresh.outcome);
    quote! {
        #visibility fn update<#outcome>(
            &self,
            _: impl ::core::ops::FnOnce(&mut #value) -> #outcome,
        ) -> ::core::result::Result<#outcome, #runtime::Error> {
            loop {}
        }
    }
}

/// Returns the parameters of the guard: its lifetime and the user's parameters.
fn guard_generics(scope: &Scope<'_>) -> Generics {
    let mut generics = scope.generics.clone();
    generics.params.insert(0, parse_quote!('guard));
    generics
}

/// Returns the parameters of an impl that names types of the runtime, which accept shared values only. rustc checks a bound
/// on a type without parameters immediately; the extra lifetime delays the check until the impl is used.
fn forwarding(scope: &Scope<'_>, mut generics: Generics) -> Generics {
    let (runtime, value) = (&scope.runtime, &scope.value);
    generics.make_where_clause().predicates.push(parse_quote!(for<'never> #value: #runtime::SharedValue));
    generics
}
