use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{
    GenericParam, Generics, PredicateType, Type, TypeParamBound, WherePredicate, parse_quote,
};

use crate::model::{Input, generated, value_type};

/// The names and generics that the generated items share.
pub(crate) struct Scope<'input> {
    pub(crate) input: &'input Input,
    /// The module of the runtime that generated code may name.
    pub(crate) runtime: TokenStream,
    /// The user's type with its parameters: `Account<T>`.
    pub(crate) value: TokenStream,
    /// `SynchronizedAccount`.
    pub(crate) wrapper: Ident,
    /// `AccountGuard`.
    pub(crate) guard: Ident,
    /// The user's parameters, each type bounded by `SharedValue`.
    pub(crate) generics: Generics,
    bodies: Bodies,
}

/// What the generated functions do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    Real,
    /// Nothing: the input has errors, and only the names and types of the functions matter.
    Absent,
}

impl<'input> Scope<'input> {
    pub(crate) fn new(input: &'input Input, bodies: Bodies) -> Self {
        let runtime = input.attributes.crate_path.as_ref().map_or_else(
            || quote!(::shared_value::__private),
            |path| quote!(#path::__private),
        );
        let name = input.name.unraw();
        let span = generated(input.name.span());
        Self {
            input,
            value: value_type(&input.name, &input.generics),
            wrapper: format_ident!("Synchronized{name}", span = span),
            guard: format_ident!("{name}Guard", span = span),
            generics: bounded(&input.generics, &parse_quote!(#runtime::SharedValue)),
            runtime,
            bodies,
        }
    }

    pub(crate) fn body(&self, body: &TokenStream) -> TokenStream {
        match self.bodies {
            Bodies::Real => body.clone(),
            Bodies::Absent => quote!(loop {}),
        }
    }

    /// The parameters of the wrapper: the user's and the access, which defaults to `ReadWrite`.
    pub(crate) fn wrapper_generics(&self) -> Generics {
        let mut generics = self.generics.clone();
        let (runtime, access) = (&self.runtime, &self.input.fresh.access);
        generics
            .params
            .push(parse_quote!(#access: #runtime::Access = #runtime::ReadWrite));
        generics
    }

    /// The parameters of the guard: the time that it is held and the user's.
    pub(crate) fn guard_generics(&self) -> Generics {
        let mut generics = self.generics.clone();
        generics.params.insert(0, parse_quote!('guard));
        generics
    }

    /// `SynchronizedAccount<T, Access>`.
    pub(crate) fn wrapper_with(&self, access: &impl ToTokens) -> TokenStream {
        let (wrapper, arguments) = (&self.wrapper, arguments(&self.generics));
        quote!(#wrapper<#(#arguments,)* #access>)
    }

    /// The wrapper as it must be to write: `SynchronizedAccount<T, ReadWrite>`.
    pub(crate) fn writable(&self) -> TokenStream {
        let runtime = &self.runtime;
        self.wrapper_with(&quote!(#runtime::ReadWrite))
    }

    /// `AccountGuard<'lifetime, T>`.
    pub(crate) fn guard_with(&self, lifetime: &TokenStream) -> TokenStream {
        let (guard, arguments) = (&self.guard, arguments(&self.generics));
        quote!(#guard<#lifetime #(, #arguments)*>)
    }
}

fn arguments(generics: &Generics) -> Vec<TokenStream> {
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

/// Bounds every type parameter, in the place where the user bounds it already.
fn bounded(generics: &Generics, bound: &TypeParamBound) -> Generics {
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

/// A local of a generated function: never confused with a name of the user's.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
