//! Checks the generic parameters.

use syn::{Lifetime, Type};

use super::types;
use crate::context::Context;
use crate::model::{Body, Input};

pub(super) fn check(context: &Context, input: &Input) {
    let reported = lifetimes_of_refused_references(input);
    for parameter in input.generics.lifetimes() {
        if !reported.contains(&&parameter.lifetime) {
            let message = format!("a shared value borrows nothing from its process: remove `{}`", parameter.lifetime);
            context.at(parameter.lifetime.span(), &message);
        }
    }
    check_pins(context, input);
}

/// Returns the lifetimes of refused references. They go away together with the references, so they need no error of their
/// own.
fn lifetimes_of_refused_references(input: &Input) -> Vec<&Lifetime> {
    let Body::Struct(fields) = &input.kind else {
        return Vec::new();
    };
    fields
        .iter()
        .filter_map(|field| types::refusal(&input.generics, field))
        .filter_map(|refusal| match refusal.ty {
            Type::Reference(reference) => reference.lifetime.as_ref(),
            _ => None,
        })
        .collect()
}

fn check_pins(context: &Context, input: &Input) {
    let parameters = &input.generics;
    if parameters.type_params().next().is_none() && parameters.const_params().next().is_none() {
        return;
    }
    let attributes = &input.attributes;
    let pins = [
        ("layout", attributes.layout.as_ref().map(syn::LitStr::span)),
        ("fingerprint", attributes.fingerprint.map(|fingerprint| fingerprint.span)),
        ("size", attributes.size.as_ref().map(syn::LitInt::span)),
    ];
    let message = |word| format!("a generic type has many layouts: remove `{word}`, or pin a type without parameters");
    for (word, span) in pins {
        if let Some(span) = span {
            context.at(span, &message(word));
        }
    }
    if let Some(released) = attributes.released.first() {
        context.on(released, &message("released"));
    }
}
