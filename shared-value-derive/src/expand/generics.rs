//! The generic parameters of the generated items.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericParam, Generics, PredicateType, Type, TypeParamBound, TypePath, WherePredicate, parse_quote};

use crate::model::{Body, Field, Input, innermost, unwrapped};

/// Returns the parameters as arguments: `T, N` for `<T: Copy, const N: usize>`.
pub(super) fn arguments(generics: &Generics) -> Vec<TokenStream> {
    generics
        .params
        .iter()
        .map(|parameter| match parameter {
            GenericParam::Lifetime(lifetime) => lifetime.lifetime.to_token_stream(),
            GenericParam::Type(ty) => ty.ident.to_token_stream(),
            GenericParam::Const(constant) => constant.ident.to_token_stream(),
        })
        .collect()
}

/// Returns the parameters of the input, with the bounds that their fields need, at the place where the user wrote bounds. Types
/// of fields that belong to a parameter get bounds too.
pub(crate) fn bounded(input: &Input, runtime: &TokenStream) -> Generics {
    let generics = &input.generics;
    let fields: &[Field] = if let Body::Struct(fields) = &input.kind { fields } else { &[] };
    let mut bounded = generics.clone();
    for parameter in generics.type_params() {
        let (name, bounds) = (&parameter.ident, bounds(fields, &parameter.ident, runtime));
        if is_bounded_in_where_clause(generics, name) {
            bounded.make_where_clause().predicates.push(parse_quote!(#name: #(#bounds)+*));
        } else if let Some(parameter) = bounded.type_params_mut().find(|parameter| parameter.ident == *name) {
            parameter.bounds.extend(bounds);
        }
    }
    for field in fields.iter().filter(|field| is_associated(generics, innermost(&field.ty))) {
        let (ty, bound) = (innermost(&field.ty), bound(field, runtime));
        bounded.make_where_clause().predicates.push(parse_quote!(#ty: #bound));
    }
    bounded
}

/// Returns the bounds of a parameter: `SharedValue`, unless only `#[shared(pod)]` fields mention it, because it may then stand for
/// a type of another crate.
fn bounds(fields: &[Field], name: &Ident, runtime: &TokenStream) -> Vec<TypeParamBound> {
    let is_name = |field: &&Field| matches!(innermost(&field.ty), Type::Path(ty) if ty.path.is_ident(name));
    let needed = |field: &&Field| !field.is_pod() && mentions(field.ty.to_token_stream(), name);
    let shared = fields.iter().find(needed).map(|_| parse_quote!(#runtime::SharedValue));
    let pod = fields.iter().filter(is_name).find(|field| field.is_pod()).map(|field| bound(field, runtime));
    let bounds = shared.into_iter().chain(pod).collect::<Vec<_>>();
    // Both of these bounds include what a shared value itself must be.
    if bounds.is_empty() { vec![parse_quote!(::core::marker::Copy), parse_quote!('static)] } else { bounds }
}

/// Returns the bound of the field's type.
fn bound(field: &Field, runtime: &TokenStream) -> TypeParamBound {
    if field.is_pod() { parse_quote!(#runtime::PodType) } else { parse_quote!(#runtime::SharedValue) }
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Moves all bounds of the parameters to the where clause: clippy wants the bounds of a function in one place.
pub(super) fn in_where_clause(mut generics: Generics) -> Generics {
    let mut predicates = Vec::<WherePredicate>::new();
    for parameter in generics.type_params_mut() {
        let (name, bounds) = (&parameter.ident, std::mem::take(&mut parameter.bounds));
        predicates.push(parse_quote!(#name: #bounds));
    }
    if !predicates.is_empty() {
        generics.make_where_clause().predicates.extend(predicates);
    }
    generics
}

/// Returns whether `ty` is an associated type of a parameter, as in `T::Item` and `<T as Iterator>::Item`.
fn is_associated(generics: &Generics, ty: &Type) -> bool {
    let Type::Path(TypePath { qself, path, .. }) = ty else {
        return false;
    };
    let is_parameter = |name: &Ident| generics.type_params().any(|parameter| parameter.ident == *name);
    match (qself, path.segments.first()) {
        (Some(qself), _) => {
            matches!(unwrapped(&qself.ty), Type::Path(base) if base.path.get_ident().is_some_and(is_parameter))
        }
        (None, Some(first)) => path.segments.len() > 1 && is_parameter(&first.ident),
        (None, None) => false,
    }
}

fn is_bounded_in_where_clause(generics: &Generics, name: &Ident) -> bool {
    let Some(clause) = &generics.where_clause else {
        return false;
    };
    clause.predicates.iter().any(|predicate| {
        matches!(
            predicate,
            WherePredicate::Type(PredicateType { bounded_ty: Type::Path(ty), .. })
                if ty.path.is_ident(name)
        )
    })
}
