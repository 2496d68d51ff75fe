//! Reads `#[repr(..)]`.

use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DataEnum, DeriveInput, Ident, Meta, Token};

use crate::context::Context;
use crate::discriminant;
use crate::symbol::REPR;

const INTEGERS: [&str; 10] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];

/// The layouts that can be shared. Other contents of `#[repr(..)]` have no variant here.
pub(crate) enum Repr {
    /// `#[repr(C)]`, with or without `align(N)`: the compiler reports size and alignment.
    C,
    Transparent,
    /// An enum, stored as this integer.
    Integer(Ident),
}

impl Repr {
    /// Reads the `#[repr(..)]` attributes. If they are wrong, reports the error and returns `None`.
    pub(crate) fn from_input(context: &Context, input: &DeriveInput) -> Option<Self> {
        let words = words(context, &input.attrs);
        match &input.data {
            Data::Struct(_) => of_struct(context, &input.ident, &words),
            Data::Enum(data) => of_enum(context, &input.ident, data, &words),
            Data::Union(_) => None,
        }
    }
}

fn words(context: &Context, attributes: &[Attribute]) -> Vec<Meta> {
    let mut words = Vec::new();
    for attribute in attributes.iter().filter(|attribute| REPR.is(attribute.path())) {
        match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            Ok(list) => words.extend(list),
            Err(error) => context.push(error),
        }
    }
    words
}

fn of_struct(context: &Context, name: &Ident, words: &[Meta]) -> Option<Repr> {
    if let Some(packed) = find(words, "packed") {
        context.on(
            packed,
            "a `packed` field can straddle two words, and shared memory is accessed in whole words: \
             write `#[repr(C)]` and order the fields by size",
        );
        return None;
    }
    if find(words, "transparent").is_some() {
        return Some(Repr::Transparent);
    }
    if find(words, "C").is_some() {
        return Some(Repr::C);
    }
    match words.iter().find(|word| !word.path().is_ident("align")) {
        Some(word) => context.on(word.path(), "`SharedValue` needs a fixed layout: write `#[repr(C)]`"),
        None => context.at(name.span(), "`SharedValue` needs a fixed layout: add `#[repr(C)]`"),
    }
    None
}

fn of_enum(context: &Context, name: &Ident, data: &DataEnum, words: &[Meta]) -> Option<Repr> {
    if let Some(align) = find(words, "align") {
        context.on(
            align,
            "a shared enum is exactly as large as its integer: remove `align`, and align the \
             struct that holds the enum",
        );
        return None;
    }
    if let Some(integer) = words.iter().find_map(integer) {
        return Some(Repr::Integer(integer));
    }
    if data.variants.is_empty() {
        // The missing variants are reported elsewhere, and that error is more important.
        return None;
    }
    let cure = discriminant::smallest_integer(data);
    if let Some(word) = words.first() {
        let message = format!("a shared enum is an integer of at most 64 bits: write `#[repr({cure})]`");
        context.on(word.path(), &message);
    } else {
        let message = format!("`SharedValue` needs a fixed layout: add `#[repr({cure})]`");
        context.at(name.span(), &message);
    }
    None
}

fn find<'words>(words: &'words [Meta], name: &str) -> Option<&'words Meta> {
    words.iter().find(|word| word.path().get_ident().is_some_and(|ident| ident.unraw() == name))
}

fn integer(word: &Meta) -> Option<Ident> {
    let ident = word.path().get_ident()?;
    INTEGERS.contains(&ident.unraw().to_string().as_str()).then(|| ident.clone())
}
