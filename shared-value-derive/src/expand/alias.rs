//! The aliases for the handle and the guard.

use proc_macro2::TokenStream;
use quote::quote;

use super::scope::Scope;

/// Generates the aliases for the handle and the guard. `fields` is a sentence about their fields.
pub(super) fn expand(scope: &Scope<'_>, fields: &str) -> TokenStream {
    let Scope { input, runtime, value, handle, guard, .. } = scope;
    let (visibility, access, lints) = (&input.visibility, &input.fresh.access, &input.lints.of_type);
    let parameters = scope.alias_parameters();
    let link = scope.link();
    let about_handle = format!(" A handle to a shared {link}.{fields}");
    let about_guard = format!(" Holds the lock of a shared {link}: dropping it commits and unlocks.{fields}");
    quote! {
        #[doc = #about_handle]
        #lints
        #visibility type #handle<#(#parameters,)* #access = #runtime::ReadWrite> =
            #runtime::Synchronized<#value, #access>;

        #[doc = #about_guard]
        #lints
        #visibility type #guard<'guard #(, #parameters)*> = #runtime::Guard<'guard, #value>;
    }
}
