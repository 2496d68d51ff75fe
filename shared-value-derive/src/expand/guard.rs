use proc_macro2::TokenStream;
use quote::quote;

use super::scope::{Scope, local};

/// The guard: its type and what it forwards to.
pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let Scope {
        input,
        runtime,
        value,
        guard: name,
        ..
    } = scope;
    let visibility = &input.visibility;
    let generics = scope.guard_generics();
    let (parameters, _, clause) = generics.split_for_impl();
    let guard = scope.guard_with(&quote!('guard));
    let formatter = local("formatter");
    let about = format!(
        " Holds the lock of a shared [`{}`]: dropping it commits and unlocks.",
        input.layout_name()
    );
    quote! {
        #[doc = #about]
        #[must_use = "if unused the lock is released at once"]
        #[allow(deprecated)]
        #visibility struct #name #generics (#runtime::Guard<'guard, #value>) #clause;

        #[allow(deprecated)]
        const _: () = {
            #[automatically_derived]
            impl #parameters ::core::fmt::Debug for #guard #clause {
                fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #runtime::debug_guard(&self.0, #formatter)
                }
            }

            #[automatically_derived]
            impl #parameters ::core::ops::Deref for #guard #clause {
                type Target = #runtime::Guard<'guard, #value>;

                #[inline]
                fn deref(&self) -> &Self::Target {
                    &self.0
                }
            }

            #[automatically_derived]
            impl #parameters ::core::ops::DerefMut for #guard #clause {
                #[inline]
                fn deref_mut(&mut self) -> &mut Self::Target {
                    &mut self.0
                }
            }
        };
    }
}
