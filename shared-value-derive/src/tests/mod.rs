use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::check;
use crate::context::Context;
use crate::model::Input;

mod attributes;
mod collisions;
mod enums;
mod golden;
mod hygiene;
mod metadata;
mod structs;
mod types;

/// Returns the output of the derive for `source`.
fn expand(source: &str) -> TokenStream {
    crate::derive(&parse(source))
}

/// Returns the errors for `source`, each as `line:column message`.
#[track_caller]
fn problems(source: &str) -> Vec<String> {
    let (context, input) = (Context::default(), parse(source));
    check::check(&context, &Input::from_syn(&context, &input));
    let Err(errors) = context.finish() else {
        return Vec::new();
    };
    let stub = crate::derive(&input);
    assert!(syn::parse2::<syn::File>(stub).is_ok(), "the fallback for {source} is not Rust");
    errors
        .into_iter()
        .map(|error| {
            let start = error.span().start();
            format!("{}:{} {error}", start.line, start.column)
        })
        .collect()
}

#[track_caller]
fn parse(source: &str) -> DeriveInput {
    syn::parse_str(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}
