use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Lit, LitStr, Member, Meta, Type};

use crate::model::{Field, is_number, unwrapped};

/// What a getter does, of a handle and of a guard.
pub(super) const READS: &str = "Reads {} without a lock: what is committed, or what this thread has written since.";

/// The same of one element.
pub(super) const READS_ELEMENT: &str =
    "Reads element `index` of {} without a lock: what is committed, or what this thread has written since.";

/// The same of several elements.
pub(super) const READS_RANGE: &str = "Reads a range of the elements of {} into a slice, all of one version and without a \
                                      lock: what is committed, or what this thread has written since.";

/// What follows the description of an accessor.
#[derive(Clone, Copy)]
pub(super) enum Section {
    /// Of what takes the lock.
    Errors,
    /// Of a compare-exchange.
    ExchangeErrors,
    /// Of a read that finds bits that are no value.
    InvalidBits,
    /// Of an access to one element.
    OutOfRange,
    /// Of a read of one element that finds bits that are no value.
    ElementInvalidBits,
    /// Of a write of several elements.
    RangeOutOfRange,
    /// Of a read of several elements.
    RangeRead,
    /// The same, where it may find bits that are no value.
    RangeInvalidBits,
    /// Of a write of several elements through the guard.
    RangeGuard,
    /// Of a write through the guard.
    Guard,
    /// Of a write of one element through the guard.
    ElementGuard,
}

impl Section {
    fn text(self) -> &'static str {
        match self {
            Self::Errors => {
                " # Errors\n\n If the lock cannot be had, or within an `update` of the value by this thread."
            }
            Self::ExchangeErrors => " # Errors\n\n The value found, if it is not `current`; then nothing is written.",
            Self::InvalidBits => " # Panics\n\n If another process wrote bits that are no value of this type.",
            Self::OutOfRange => " # Panics\n\n If `index` is out of range.",
            Self::ElementInvalidBits => {
                " # Panics\n\n If `index` is out of range, or another process wrote bits that are no value of this type."
            }
            Self::RangeOutOfRange => " # Panics\n\n If there are not so many elements behind `start`.",
            Self::RangeRead => " # Panics\n\n If there are no such elements, or not as many as `to` has.",
            Self::RangeInvalidBits => {
                " # Panics\n\n If there are no such elements, or not as many as `to` has, or another process wrote bits \
                 that are no value of this type."
            }
            Self::RangeGuard => {
                " # Panics\n\n If there are not so many elements behind `start`, within an `update` of the value by this \
                 thread, and in a child process that was forked after the lock was taken."
            }
            Self::Guard => {
                " # Panics\n\n Within an `update` of the value by this thread, and in a child process that was forked \
                 after the lock was taken."
            }
            Self::ElementGuard => {
                " # Panics\n\n If `index` is out of range, within an `update` of the value by this thread, and in a \
                 child process that was forked after the lock was taken."
            }
        }
    }

    fn is_about_panics(self) -> bool {
        !matches!(self, Self::Errors | Self::ExchangeErrors)
    }
}

/// The generated sentence about `field`, which stands for `{}`, then what the user wrote, then the sections; in one
/// attribute if possible, because there is one of these for each of very many functions.
pub(super) fn about(field: &Field, sentence: &str, sections: &[Section]) -> TokenStream {
    let name = match &field.member {
        Member::Named(name) => format!("`{}`", name.unraw()),
        Member::Unnamed(index) => format!("field {}", index.index),
    };
    let sentence = format!(" {}", sentence.replace("{}", &name));
    let after = sections.iter().map(|section| section.text()).collect::<Vec<_>>();
    let caller = sections.iter().any(|section| section.is_about_panics()).then(|| quote!(#[track_caller]));
    let own = field.documentation.iter().map(literal).collect::<Option<Vec<_>>>();
    let Some(own) = own else {
        let after = after.join("\n\n");
        let own = &field.documentation;
        return quote!(#[doc = #sentence] #[doc = ""] #(#own)* #[doc = ""] #[doc = #after] #caller);
    };
    let span = own.first().map_or_else(Span::call_site, LitStr::span);
    let own = own.iter().map(LitStr::value).collect::<Vec<_>>().join("\n");
    let paragraphs = [&*sentence, &*own].into_iter().filter(|text| !text.is_empty()).chain(after);
    let text = LitStr::new(&paragraphs.collect::<Vec<_>>().join("\n\n"), span);
    quote!(#[doc = #text] #caller)
}

/// The text of `#[doc = ".."]`, unless it is computed.
fn literal(attribute: &Attribute) -> Option<LitStr> {
    let Meta::NameValue(text) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(literal) = &text.value else {
        return None;
    };
    match &literal.lit {
        Lit::Str(text) => Some(text.clone()),
        _ => None,
    }
}

/// What makes the getter of a whole field panic.
pub(super) fn getter_sections(field: &Field) -> &'static [Section] {
    if is_always_valid(field, &field.ty) { &[] } else { &[Section::InvalidBits] }
}

/// What makes the getter of one element panic.
pub(super) fn element_getter_sections(field: &Field, element: &Type) -> &'static [Section] {
    if is_always_valid(field, element) { &[Section::OutOfRange] } else { &[Section::ElementInvalidBits] }
}

/// What makes a read of several elements panic.
pub(super) fn range_getter_sections(field: &Field, element: &Type) -> &'static [Section] {
    if is_always_valid(field, element) { &[Section::RangeRead] } else { &[Section::RangeInvalidBits] }
}

/// Whether every pattern of bits is a value of `ty`, the type of `field` or of its elements.
fn is_always_valid(field: &Field, ty: &Type) -> bool {
    match unwrapped(ty) {
        Type::Array(array) => is_always_valid(field, &array.elem),
        other => field.is_pod() || is_number(other),
    }
}
