//! The input of the macro: a struct or an enum with its fields or variants.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, Member, Type, Visibility};

use crate::attr::{self, ContainerAttributes, FieldAttributes};
use crate::context::Context;
use crate::fresh::FreshNames;
use crate::lints::Lints;
use crate::repr::Repr;
use crate::substitute::{respanned, spell_out_self};
use crate::symbol::DOC;

const NUMBERS: [&str; 12] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64"];

/// A type that derives `SharedValue`, as far as its text shows it.
pub(crate) struct Input {
    pub(crate) attributes: ContainerAttributes,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) fresh: FreshNames,
    pub(crate) repr: Option<Repr>,
    pub(crate) kind: Body,
    pub(crate) lints: Lints,
}

pub(crate) enum Body {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
    Union,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    /// Where the field stands in the source.
    pub(crate) span: Span,
    pub(crate) attributes: FieldAttributes,
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) ty: Type,
}

pub(crate) struct Variant {
    pub(crate) name: Ident,
    pub(crate) fields: Fields,
}

impl Input {
    pub(crate) fn from_syn(context: &Context, input: &DeriveInput) -> Self {
        let repr = Repr::from_input(context, input);
        let attributes = ContainerAttributes::parse(context, &input.attrs);
        let value = value_type(&input.ident, &input.generics);
        let kind = match &input.data {
            Data::Struct(data) => Body::Struct(fields(context, &data.fields, &value)),
            Data::Enum(data) => Body::Enum(variants(context, &data.variants)),
            Data::Union(data) => {
                context.at(
                    data.union_token.span,
                    "the bytes of a union do not tell what they mean: share a `#[repr(C)]` struct",
                );
                Body::Union
            }
        };
        Self {
            attributes,
            visibility: relocated(&input.vis),
            name: input.ident.clone(),
            generics: generics(&input.generics, &value),
            fresh: FreshNames::unused_in(input),
            repr,
            kind,
            lints: Lints::of(input),
        }
    }

    /// Returns the name in layouts: without `r#`.
    pub(crate) fn layout_name(&self) -> String {
        self.name.unraw().to_string()
    }
}

impl Field {
    /// Returns the name in layouts: without `r#`; for a tuple field, its number.
    pub(crate) fn layout_name(&self) -> String {
        match &self.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }

    /// Returns the name of the getter. The names of all other accessors are made from it.
    pub(crate) fn getter(&self) -> Ident {
        let mut name = match &self.member {
            Member::Named(name) => name.clone(),
            Member::Unnamed(index) => format_ident!("field_{}", index, span = self.span),
        };
        name.set_span(generated(name.span()));
        name
    }

    /// Returns the name of the accessor with this prefix.
    pub(crate) fn accessor(&self, prefix: &str) -> Ident {
        let getter = self.getter();
        format_ident!("{prefix}{}", getter.unraw(), span = getter.span())
    }

    pub(crate) fn is_atomic(&self) -> bool {
        self.attributes.atomic.is_some()
    }

    pub(crate) fn is_counter(&self) -> bool {
        self.attributes.counter.is_some()
    }

    pub(crate) fn is_pod(&self) -> bool {
        self.attributes.pod.is_some()
    }
}

impl Variant {
    pub(crate) fn layout_name(&self) -> String {
        self.name.unraw().to_string()
    }
}

/// Returns `ty` without parentheses and without the invisible groups that `macro_rules!` leaves.
pub(crate) fn unwrapped(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        }
    }
}

/// Returns the innermost element type of nested arrays, or `ty` itself.
pub(crate) fn innermost(ty: &Type) -> &Type {
    match unwrapped(ty) {
        Type::Array(array) => innermost(&array.elem),
        other => other,
    }
}

/// Returns whether `ty` is a primitive, and every bit pattern is a value of it.
pub(crate) fn is_number(ty: &Type) -> bool {
    let Type::Path(path) = unwrapped(ty) else {
        return false;
    };
    NUMBERS.iter().any(|name| path.path.is_ident(name))
}

pub(crate) fn is_primitive(ty: &Type) -> bool {
    let Type::Path(path) = unwrapped(ty) else {
        return false;
    };
    is_number(ty) || path.path.is_ident("bool") || path.path.is_ident("char")
}

/// Returns the span for a generated name, so that the user's lints do not check its spelling.
pub(crate) fn generated(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

/// Returns the type as other items name it: `Account<T, N>`.
pub(crate) fn value_type(name: &Ident, generics: &Generics) -> TokenStream {
    let (_, arguments, _) = generics.split_for_impl();
    quote!(#name #arguments)
}

fn generics(generics: &Generics, value: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    for parameter in &mut generics.params {
        *parameter = spell_out_self(parameter.clone(), value);
    }
    if let Some(clause) = &mut generics.where_clause {
        for predicate in &mut clause.predicates {
            *predicate = spell_out_self(predicate.clone(), value);
        }
    }
    generics
}

fn fields(context: &Context, fields: &Fields, value: &TokenStream) -> Vec<Field> {
    fields
        .iter()
        .zip(fields.members())
        .map(|(field, member)| Field {
            span: match &field.ident {
                Some(name) => name.span(),
                None => syn::spanned::Spanned::span(&field.ty),
            },
            member,
            attributes: FieldAttributes::parse(context, &field.attrs),
            documentation: documentation(&field.attrs),
            visibility: relocated(&field.vis),
            ty: spell_out_self(field.ty.clone(), value),
        })
        .collect()
}

/// Returns the visibility as if the macro had written it. Lints treat an item as the user's if its first token comes from
/// the user.
fn relocated(visibility: &Visibility) -> Visibility {
    if matches!(visibility, Visibility::Restricted(restricted) if restricted.in_token.is_some()) {
        return visibility.clone();
    }
    let tokens = respanned(visibility.to_token_stream(), Span::call_site());
    syn::parse2(tokens).unwrap_or_else(|_| visibility.clone())
}

fn documentation(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| DOC.is(attribute.path())).cloned().collect()
}

fn variants<'input>(context: &Context, variants: impl IntoIterator<Item = &'input syn::Variant>) -> Vec<Variant> {
    variants
        .into_iter()
        .map(|variant| {
            attr::refuse(context, &variant.attrs, "a variant");
            Variant { name: variant.ident.clone(), fields: variant.fields.clone() }
        })
        .collect()
}
