//! Finds every problem that the text of the input shows. Problems that need type information
//! are left to rustc, which reports them through the bounds of the runtime's functions.

use crate::context::Context;
use crate::model::{Body, Field, Input, Variant};
use crate::repr::Repr;

pub(crate) mod collisions;
pub(crate) mod types;

mod generics;
mod standard;

pub(crate) fn check(context: &Context, input: &Input) {
    match &input.kind {
        Body::Struct(fields) => check_struct(context, input, fields),
        Body::Enum(variants) => check_enum(context, input, variants),
        Body::Union => {}
    }
    generics::check(context, input);
}

fn check_struct(context: &Context, input: &Input, fields: &[Field]) {
    check_evolution(context, input);
    if fields.is_empty() {
        let message = format!("`{}` has nothing to share: add a field", input.layout_name());
        context.at(input.name.span(), &message);
    }
    let is_newtype = matches!(input.repr, Some(Repr::Transparent));
    for (number, field) in fields.iter().enumerate() {
        if let (true, Some(atomic)) = (is_newtype, field.attributes.atomic) {
            context.at(atomic, "the field of a newtype lies in it and has no word of its own: write `#[repr(C)]`");
        }
        if let (true, Some(counter)) = (is_newtype, field.attributes.counter) {
            context.at(counter, "the field of a newtype lies in it and has no lanes: write `#[repr(C)]`");
        }
        if is_newtype && number > 0 {
            context.at(
                field.span,
                "a `#[repr(transparent)]` newtype shares one field: remove this one, or write \
                 `#[repr(C)]`",
            );
        } else {
            check_field(context, input, field);
        }
    }
    if let Some(lanes) = &input.attributes.lanes
        && !fields.iter().any(Field::is_counter)
    {
        context
            .at(lanes.span(), "only counters have lanes: write `#[shared(counter)]` above a field, or remove `lanes`");
    }
    collisions::check(context, fields);
}

/// Checks the words about versions of a struct.
fn check_evolution(context: &Context, input: &Input) {
    let attributes = &input.attributes;
    match (attributes.evolves, attributes.released.first()) {
        (Some(evolves), _) if matches!(input.repr, Some(Repr::Transparent)) => {
            context.at(
                evolves,
                "a newtype has no room for later fields: write `#[repr(C)]`, or let the type inside evolve",
            );
        }
        (None, Some(released)) => {
            context.on(released, "only a struct that evolves fits other versions: write `evolves` too");
        }
        _ => {}
    }
}

fn check_field(context: &Context, input: &Input, field: &Field) {
    if types::is_reserved(field) && input.attributes.evolves.is_none() && matches!(input.repr, Some(Repr::C)) {
        context.on(
            types::spelled(field),
            "only a struct that evolves can use reserved bytes later: write `#[shared(evolves)]` above the struct",
        );
    }
    if let (Some(_), Some(pod)) = (field.attributes.atomic, field.attributes.pod) {
        context.at(pod, "`pod` is for foreign types and `atomic` for numbers and `bool`: remove one of them");
    }
    for (other, word) in [(field.attributes.atomic, "atomic"), (field.attributes.pod, "pod")] {
        if let (Some(counter), Some(_)) = (field.attributes.counter, other) {
            context.at(counter, &format!("a field is `counter` or `{word}`: remove one of them"));
        }
    }
    if let (Some(typecode), None) = (&field.attributes.typecode, field.attributes.pod) {
        let message = if field.is_atomic() {
            "the typecode of an atomic field is known: remove it"
        } else if field.is_counter() {
            "the typecode of a counter is known: remove it"
        } else {
            "the typecode of a `SharedValue` is known: remove it, or write `pod` too if the type is a foreign one"
        };
        context.at(typecode.span(), message);
    }
    if let Some(refusal) = types::refusal(&input.generics, field) {
        context.on(refusal.ty, &refusal.message);
    }
}

fn check_enum(context: &Context, input: &Input, variants: &[Variant]) {
    if let Some(evolves) = input.attributes.evolves {
        context.at(evolves, "an enum cannot evolve, because old programs do not know new variants: only a struct can");
    }
    if let Some(lanes) = &input.attributes.lanes {
        context.at(lanes.span(), "only counters have lanes, and an enum has none: remove `lanes`");
    }
    if let Some(released) = input.attributes.released.first() {
        context.on(released, "an enum cannot evolve: pin it by `fingerprint`");
    }
    if variants.is_empty() {
        let message = format!("`{}` has no value that could be shared: add a variant", input.layout_name());
        context.at(input.name.span(), &message);
    }
    for variant in variants.iter().filter(|variant| !variant.fields.is_empty()) {
        context.on(
            &variant.fields,
            "an enum with data has no fixed layout: remove the data, and store it in a struct \
             beside the enum",
        );
    }
}
