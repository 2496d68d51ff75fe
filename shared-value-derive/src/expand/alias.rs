use proc_macro2::TokenStream;
use quote::quote;

use super::scope::Scope;

/// The names of an enum's handle and guard, which have no accessors of their own.
pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let Scope { input, runtime, value, wrapper, guard, .. } = scope;
    let (visibility, access) = (&input.visibility, &input.fresh.access);
    let parameters = input.generics.params.iter().collect::<Vec<_>>();
    let link = scope.link();
    let about_wrapper = format!(" A handle to a shared {link}.");
    let about_guard = format!(" Holds the lock of a shared {link}: dropping it commits and unlocks.");
    quote! {
        #[doc = #about_wrapper]
        #[allow(deprecated)]
        #visibility type #wrapper<#(#parameters,)* #access = #runtime::ReadWrite> =
            #runtime::Synchronized<#value, #access>;

        #[doc = #about_guard]
        #[allow(deprecated)]
        #visibility type #guard<'guard #(, #parameters)*> = #runtime::Guard<'guard, #value>;
    }
}
