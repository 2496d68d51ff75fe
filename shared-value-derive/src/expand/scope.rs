//! The names that the generated items use, chosen so that no name of the user hides them.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics};

use super::generics::{arguments, bounded};
use crate::check::types;
use crate::model::{Body, Input, generated, value_type};

/// The names and generics that the generated items share.
pub(crate) struct Scope<'input> {
    pub(crate) input: &'input Input,
    /// The module of the runtime that generated code may name.
    pub(crate) runtime: TokenStream,
    /// The trait that is implemented.
    pub(crate) shared_value: TokenStream,
    /// The user's type with its parameters: `Account<T>`.
    pub(crate) value: TokenStream,
    /// `SynchronizedAccount`.
    pub(crate) handle: Ident,
    /// `AccountGuard`.
    pub(crate) guard: Ident,
    /// `AccountAccessors`.
    pub(crate) accessors: Ident,
    /// The user's parameters, with the bounds that the fields need.
    pub(crate) generics: Generics,
    /// Whether functions can take and return the value.
    pub(crate) is_sized: bool,
    bodies: Bodies,
}

/// The bodies of the generated functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    Real,
    /// No bodies: the input has errors, and only the names and types of the functions matter.
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
            handle: format_ident!("Synchronized{name}", span = span),
            guard: format_ident!("{name}Guard", span = span),
            accessors: format_ident!("{name}Accessors", span = span),
            shared_value: quote!(#runtime::SharedValue),
            runtime,
            is_sized: match &input.kind {
                Body::Struct(fields) => fields.iter().all(types::is_sized),
                Body::Enum(_) | Body::Union => true,
            },
            bodies,
        }
    }

    /// Returns the user's type as a link for documentation. A raw name stays without a link, because rustdoc would not find
    /// it.
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

    /// Returns the user's parameters as arguments: `T, N`.
    pub(crate) fn arguments(&self) -> Vec<TokenStream> {
        arguments(&self.generics)
    }

    /// Returns the user's parameters and one more.
    pub(crate) fn generics_with(&self, parameter: GenericParam) -> Generics {
        let mut generics = self.generics.clone();
        generics.params.push(parameter);
        generics
    }

    /// Returns the path through which an impl calls the library: the implemented trait, as the primitive `u8` implements it.
    /// If the trait is the library's, its functions are the library's too, so a module that `#[shared(crate = "..")]` names
    /// cannot substitute functions of its own.
    ///
    /// The user's own type is not used here: if it is not `Copy`, its impl reports that, and each mention would report it
    /// again.
    pub(crate) fn library(&self) -> TokenStream {
        let shared_value = &self.shared_value;
        quote!(<::core::primitive::u8 as #shared_value>)
    }

    /// Returns the type of a part of the accessors' host.
    pub(crate) fn part(&self, ty: &TokenStream) -> TokenStream {
        let (runtime, host) = (&self.runtime, &self.input.fresh.host);
        match self.bodies {
            Bodies::Real => quote!(#host::Part<'_, #ty>),
            Bodies::Absent => quote!(#runtime::Part<'_, #runtime::Synchronized<::core::primitive::u8>, #ty>),
        }
    }

    /// Returns the type of an atomic field or a counter of the accessors' host.
    pub(crate) fn outside(&self, kind: &TokenStream, ty: &TokenStream) -> TokenStream {
        let (runtime, host) = (&self.runtime, &self.input.fresh.host);
        match self.bodies {
            Bodies::Real => quote!(#runtime::#kind<'_, #host, #ty>),
            Bodies::Absent => quote!(#runtime::#kind<'_, #runtime::Synchronized<::core::primitive::u8>, #ty>),
        }
    }

    /// Returns the name of a local of a generated function. It never collides with a name of the user's.
    pub(crate) fn local(&self, name: &str) -> Ident {
        self.input.fresh.local(name)
    }

    /// Returns the user's parameters for an alias, which cannot have bounds.
    pub(crate) fn alias_parameters(&self) -> Vec<GenericParam> {
        let mut parameters = self.input.generics.params.iter().cloned().collect::<Vec<_>>();
        for parameter in &mut parameters {
            if let GenericParam::Type(parameter) = parameter {
                parameter.colon_token = None;
                parameter.bounds.clear();
            }
        }
        parameters
    }
}
