//! The generic parameters of the generated items.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{GenericParam, Generics, PredicateType, Type, TypeParamBound, TypePath, WherePredicate, parse_quote};

use crate::model::{Body, Input, innermost, unwrapped};

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

/// Returns the parameters of the input, with the bound `SharedValue` on each type parameter, at the place where the user
/// wrote its bounds. Types of fields that belong to a parameter get the bound too.
pub(crate) fn bounded(input: &Input, runtime: &TokenStream) -> Generics {
    let generics = &input.generics;
    let bound: TypeParamBound = parse_quote!(#runtime::SharedValue);
    let mut bounded = generics.clone();
    for parameter in generics.type_params() {
        let name = &parameter.ident;
        if is_bounded_in_where_clause(generics, name) {
            let clause = bounded.make_where_clause();
            clause.predicates.push(parse_quote!(#name: #bound));
        }
    }
    for parameter in bounded.type_params_mut() {
        if !is_bounded_in_where_clause(generics, &parameter.ident) {
            parameter.bounds.push(bound.clone());
        }
    }
    if let Body::Struct(fields) = &input.kind {
        for ty in fields.iter().map(|field| innermost(&field.ty)).filter(|ty| is_associated(generics, ty)) {
            bounded.make_where_clause().predicates.push(parse_quote!(#ty: #bound));
        }
    }
    bounded
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
