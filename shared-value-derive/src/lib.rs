//! The derive macro of `shared-value`: see [`macro@SharedValue`].

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod attr;
mod check;
mod context;
mod discriminant;
mod expand;
mod fallback;
mod fresh;
mod model;
mod nearest;
mod repr;
mod substitute;
mod symbol;

/// Makes a type shareable between processes.
#[proc_macro_derive(SharedValue, attributes(shared))]
pub fn derive_shared_value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).into()
}

fn derive(input: &DeriveInput) -> proc_macro2::TokenStream {
    let context = context::Context::default();
    let input = model::Input::from_syn(&context, input);
    check::check(&context, &input);
    match context.finish() {
        Ok(()) => expand::expand(&input),
        Err(errors) => fallback::expand(&input, &errors),
    }
}
