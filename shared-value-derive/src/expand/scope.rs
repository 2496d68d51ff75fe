use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Generics, parse_quote};

use super::generics::{arguments, bounded};
use crate::check::types;
use crate::model::{Input, Kind, generated, value_type};

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
    /// Whether functions can take and return the value.
    pub(crate) is_sized: bool,
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
        let runtime = input
            .attributes
            .crate_path
            .as_ref()
            .map_or_else(|| quote!(::shared_value::__private), |path| quote!(#path::__private));
        let name = input.name.unraw();
        let span = generated(input.name.span());
        let value = value_type(&input.name, &input.generics);
        Self {
            input,
            generics: bounded(input, &runtime),
            value,
            wrapper: format_ident!("Synchronized{name}", span = span),
            guard: format_ident!("{name}Guard", span = span),
            runtime,
            is_sized: match &input.kind {
                Kind::Struct(fields) => fields.iter().all(types::is_sized),
                Kind::Enum(_) | Kind::Union => true,
            },
            bodies,
        }
    }

    /// The user's type in documentation; rustdoc finds no link to a raw name.
    pub(crate) fn link(&self) -> String {
        let name = self.input.layout_name();
        if self.input.name == name { format!("[`{name}`]") } else { format!("`{name}`") }
    }

    pub(crate) fn body(&self, body: &TokenStream) -> TokenStream {
        match self.bodies {
            Bodies::Real => body.clone(),
            Bodies::Absent => quote!(loop {}),
        }
    }

    /// What a generated type holds: `content`, which must not be named if it may be ill-formed.
    pub(crate) fn held(&self, content: TokenStream, parameter: &impl ToTokens) -> TokenStream {
        let value = &self.value;
        match self.bodies {
            Bodies::Real => content,
            Bodies::Absent => quote!(::core::marker::PhantomData<(#parameter, fn() -> #value)>),
        }
    }

    /// The parameters of an impl that names types of the runtime, which take shared values only.
    /// A bound on a type without parameters would be checked at once; the lifetime puts it off
    /// until the impl is used.
    pub(crate) fn forwarding(&self, mut generics: Generics) -> Generics {
        let (runtime, value) = (&self.runtime, &self.value);
        if self.bodies == Bodies::Absent {
            let clause = generics.make_where_clause();
            clause.predicates.push(parse_quote!(for<'never> #value: #runtime::SharedValue));
        }
        generics
    }

    /// The parameters of the wrapper: the user's and the access, which defaults to `ReadWrite`.
    pub(crate) fn wrapper_generics(&self) -> Generics {
        let mut generics = self.generics.clone();
        let (runtime, access) = (&self.runtime, &self.input.fresh.access);
        generics.params.push(parse_quote!(#access: #runtime::Access = #runtime::ReadWrite));
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

/// A local of a generated function: never confused with a name of the user's.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
