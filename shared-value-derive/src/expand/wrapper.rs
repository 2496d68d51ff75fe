use proc_macro2::TokenStream;
use quote::quote;

use super::scope::{Scope, local};

/// The handle: its type and what it forwards to.
pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let definition = definition(scope);
    let traits = traits(scope);
    quote!(#definition #traits)
}

fn definition(scope: &Scope<'_>) -> TokenStream {
    let Scope { input, runtime, value, wrapper, guard, .. } = scope;
    let link = scope.link();
    let visibility = &input.visibility;
    let generics = scope.wrapper_generics();
    let clause = &generics.where_clause;
    let access = &input.fresh.access;
    let held = scope.held(quote!(#runtime::Synchronized<#value, #access>), access);
    let about = format!(" A handle to a shared {link}: its fields are read without a lock and");
    let about_lock = format!(" written under one. [`lock`](Self::lock) gives the guard, [`{guard}`].");
    quote! {
        #[doc = #about]
        #[doc = #about_lock]
        #[allow(deprecated)]
        #visibility struct #wrapper #generics (#held) #clause;
    }
}

fn traits(scope: &Scope<'_>) -> TokenStream {
    let (runtime, value) = (&scope.runtime, &scope.value);
    let access = &scope.input.fresh.access;
    let wrapper = scope.wrapper_with(access);
    let generics = scope.wrapper_generics();
    let (parameters, _, clause) = generics.split_for_impl();
    let forwarding = scope.forwarding(generics.clone());
    let (_, _, forwarding_clause) = forwarding.split_for_impl();
    let target = quote!(#runtime::Synchronized<#value, #access>);
    let (formatter, handle) = (local("formatter"), local("handle"));
    let clone = scope.body(&quote!(Self(::core::clone::Clone::clone(&self.0))));
    let debug = scope.body(&quote!(#runtime::debug(&self.0, #formatter)));
    let deref = scope.body(&quote!(&self.0));
    let from = scope.body(&quote!(Self(#handle)));
    quote! {
        #[allow(deprecated)]
        const _: () = {
            #[automatically_derived]
            impl #parameters ::core::clone::Clone for #wrapper #clause {
                #[inline]
                fn clone(&self) -> Self {
                    #clone
                }
            }

            #[automatically_derived]
            impl #parameters ::core::fmt::Debug for #wrapper #clause {
                #[inline]
                fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #debug
                }
            }

            #[automatically_derived]
            impl #parameters ::core::ops::Deref for #wrapper #forwarding_clause {
                type Target = #target;

                #[inline]
                fn deref(&self) -> &Self::Target {
                    #deref
                }
            }

            #[automatically_derived]
            impl #parameters ::core::convert::From<#target> for #wrapper #forwarding_clause {
                #[inline]
                fn from(#handle: #target) -> Self {
                    #from
                }
            }
        };
    }
}
