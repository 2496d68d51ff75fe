use proc_macro2::TokenStream;
use quote::quote;

use super::scope::{Scope, local};

/// The handle: its type, what it forwards to, and its constructors.
pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let definition = definition(scope);
    let traits = traits(scope);
    let constructors = constructors(scope);
    let locking = locking(scope);
    let (parameters, _, clause) = scope.generics.split_for_impl();
    let writable = scope.writable();
    quote! {
        #definition
        #traits
        #[allow(deprecated)]
        impl #parameters #writable #clause {
            #constructors
            #locking
        }
    }
}

fn definition(scope: &Scope<'_>) -> TokenStream {
    let Scope {
        input,
        runtime,
        value,
        wrapper,
        guard,
        ..
    } = scope;
    let name = input.layout_name();
    let visibility = &input.visibility;
    let generics = scope.wrapper_generics();
    let clause = &generics.where_clause;
    let access = &input.fresh.access;
    let about = format!(" A handle to a shared [`{name}`]: its fields are read without a lock and");
    let about_lock = format!(" written under one. [`lock`](Self::lock) gives a [`{guard}`].");
    quote! {
        #[doc = #about]
        #[doc = #about_lock]
        #[allow(deprecated)]
        #visibility struct #wrapper #generics (#runtime::Synchronized<#value, #access>) #clause;
    }
}

fn traits(scope: &Scope<'_>) -> TokenStream {
    let (runtime, value) = (&scope.runtime, &scope.value);
    let access = &scope.input.fresh.access;
    let wrapper = scope.wrapper_with(access);
    let generics = scope.wrapper_generics();
    let (parameters, _, clause) = generics.split_for_impl();
    let (formatter, handle) = (local("formatter"), local("handle"));
    quote! {
        #[allow(deprecated)]
        const _: () = {
            #[automatically_derived]
            impl #parameters ::core::clone::Clone for #wrapper #clause {
                #[inline]
                fn clone(&self) -> Self {
                    Self(::core::clone::Clone::clone(&self.0))
                }
            }

            #[automatically_derived]
            impl #parameters ::core::fmt::Debug for #wrapper #clause {
                fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #runtime::debug(&self.0, #formatter)
                }
            }

            #[automatically_derived]
            impl #parameters ::core::ops::Deref for #wrapper #clause {
                type Target = #runtime::Synchronized<#value, #access>;

                #[inline]
                fn deref(&self) -> &Self::Target {
                    &self.0
                }
            }

            #[automatically_derived]
            impl #parameters ::core::convert::From<#runtime::Synchronized<#value, #access>>
                for #wrapper #clause
            {
                #[inline]
                fn from(#handle: #runtime::Synchronized<#value, #access>) -> Self {
                    Self(#handle)
                }
            }
        };
    }
}

fn constructors(scope: &Scope<'_>) -> TokenStream {
    let (runtime, value_type, visibility) = (&scope.runtime, &scope.value, &scope.input.visibility);
    let handle = quote!(#runtime::Synchronized::<#value_type, #runtime::ReadWrite>);
    let (name, path, value) = (local("name"), local("path"), local("value"));
    let result = quote!(::core::result::Result<Self, #runtime::Error>);
    let path_type = quote!(impl ::core::convert::AsRef<::std::path::Path>);
    quote! {
        /// Shares `value` in anonymous memory, which child processes can be given.
        ///
        /// # Errors
        ///
        /// If the system has no memory to give.
        #[inline]
        #visibility fn new(#value: #value_type) -> #result {
            #handle::new(#value).map(Self)
        }

        /// Shares `value` under `name`, which nobody may be using yet.
        ///
        /// # Errors
        ///
        /// If the name is taken or not a valid one, or the system refuses.
        #[inline]
        #visibility fn create(#name: &::core::primitive::str, #value: #value_type) -> #result {
            #handle::create(#name, #value).map(Self)
        }

        /// Opens the value that another process shares under `name`.
        ///
        /// # Errors
        ///
        /// If there is no such value, if it has another layout, or the system refuses.
        #[inline]
        #visibility fn open(#name: &::core::primitive::str) -> #result {
            #handle::open(#name).map(Self)
        }

        /// Opens the value under `name`, or shares `value` there if the name is free.
        ///
        /// # Errors
        ///
        /// If the value there has another layout, or the system refuses.
        #[inline]
        #visibility fn open_or_create(#name: &::core::primitive::str, #value: #value_type) -> #result {
            #handle::open_or_create(#name, #value).map(Self)
        }

        /// Shares `value` in a new file at `path`, which outlives every process.
        ///
        /// # Errors
        ///
        /// If the file exists, or the system refuses.
        #[inline]
        #visibility fn create_file(#path: #path_type, #value: #value_type) -> #result {
            #handle::create_file(#path, #value).map(Self)
        }

        /// Opens the value in the file at `path`.
        ///
        /// # Errors
        ///
        /// If there is no such file, if its value has another layout, or the system refuses.
        #[inline]
        #visibility fn open_file(#path: #path_type) -> #result {
            #handle::open_file(#path).map(Self)
        }

        /// Opens the value in the file at `path`, or shares `value` there if there is no file.
        ///
        /// # Errors
        ///
        /// If the value there has another layout, or the system refuses.
        #[inline]
        #visibility fn open_or_create_file(#path: #path_type, #value: #value_type) -> #result {
            #handle::open_or_create_file(#path, #value).map(Self)
        }
    }
}

fn locking(scope: &Scope<'_>) -> TokenStream {
    let (runtime, visibility) = (&scope.runtime, &scope.input.visibility);
    let (constructor, guard) = (&scope.guard, scope.guard_with(&quote!('_)));
    let result = quote!(::core::result::Result<#guard, #runtime::Error>);
    let timeout = local("timeout");
    quote! {
        /// Waits for the lock and holds it until the guard is dropped.
        ///
        /// # Errors
        ///
        /// If this thread holds too many locks, or the lock is damaged.
        #[inline]
        #visibility fn lock(&self) -> #result {
            self.0.lock().map(#constructor)
        }

        /// Takes the lock if no other thread holds it.
        ///
        /// # Errors
        ///
        /// As [`lock`](Self::lock), and if another thread holds the lock.
        #[inline]
        #visibility fn try_lock(&self) -> #result {
            self.0.try_lock().map(#constructor)
        }

        /// Waits for the lock, but not longer than `timeout`.
        ///
        /// # Errors
        ///
        /// As [`lock`](Self::lock), and if the time is up.
        #[inline]
        #visibility fn lock_timeout(&self, #timeout: ::core::time::Duration) -> #result {
            self.0.lock_timeout(#timeout).map(#constructor)
        }
    }
}
