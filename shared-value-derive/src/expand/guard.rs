use proc_macro2::TokenStream;
use quote::quote;

use super::scope::{Scope, local};

/// The guard: its type and what it forwards to.
pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let Scope { input, runtime, value, guard: name, .. } = scope;
    let visibility = &input.visibility;
    let generics = scope.guard_generics();
    let (parameters, _, clause) = generics.split_for_impl();
    let guard = scope.guard_with(&quote!('guard));
    let formatter = local("formatter");
    let forwarding = scope.forwarding(generics.clone());
    let (_, _, forwarding_clause) = forwarding.split_for_impl();
    let target = quote!(#runtime::Guard<'guard, #value>);
    let held = scope.held(target.clone(), &quote!(&'guard ()));
    let debug = scope.body(&quote!(#runtime::debug_guard(&self.0, #formatter)));
    let deref = scope.body(&quote!(&self.0));
    let deref_mut = scope.body(&quote!(&mut self.0));
    let link = scope.link();
    let about = format!(" Holds the lock of a shared {link}: dropping it commits and unlocks.");
    quote! {
        #[doc = #about]
        #[must_use = "if unused the lock is released at once"]
        #[allow(deprecated)]
        #visibility struct #name #generics (#held) #clause;

        #[allow(deprecated)]
        const _: () = {
            #[automatically_derived]
            impl #parameters ::core::fmt::Debug for #guard #clause {
                #[inline]
                fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #debug
                }
            }

            #[automatically_derived]
            impl #parameters ::core::ops::Deref for #guard #forwarding_clause {
                type Target = #target;

                #[inline]
                fn deref(&self) -> &Self::Target {
                    #deref
                }
            }

            #[automatically_derived]
            impl #parameters ::core::ops::DerefMut for #guard #forwarding_clause {
                #[inline]
                fn deref_mut(&mut self) -> &mut Self::Target {
                    #deref_mut
                }
            }
        };
    }
}
