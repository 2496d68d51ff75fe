use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{GenericParam, Generics, PredicateType, Type, TypeParamBound, WherePredicate, parse_quote};

use crate::model::Input;

/// The parameters as arguments: `T, N` of `<T: Copy, const N: usize>`.
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

/// The parameters of the input, each type bounded by `SharedValue`, in the place where the user
/// bounds it already.
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
    bounded
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
