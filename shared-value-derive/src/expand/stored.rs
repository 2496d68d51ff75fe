//! The description of one field, which decides whether its type can be shared.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{LitStr, Type};

use crate::model::{Field, innermost, is_primitive, unwrapped};

use super::scope::Scope;
use super::spans::{in_place_of, located};

/// Returns the type that the runtime stores for `field`.
pub(super) fn stored(scope: &Scope<'_>, field: &Field) -> TokenStream {
    let (runtime, ty) = (&scope.runtime, &field.ty);
    if field.is_pod() { in_place_of(quote!(#runtime::Pod<#ty>), unwrapped(ty)) } else { ty.to_token_stream() }
}

/// Generates the description of `field`, which compiles only if the type can be shared. Its tokens have the spans of the
/// user's code that an error is about.
pub(super) fn describe(field: &Field, describing: &Ident) -> TokenStream {
    let (name, ty, member, constructor) = (field.layout_name(), &field.ty, &field.member, constructor(field));
    let typecode = &field.attributes.typecode;
    let span = typecode.as_ref().map_or_else(|| unwrapped(ty).span(), LitStr::span);
    let typecode = typecode.iter();
    let function = located(quote!(#describing.#constructor::), span);
    let arguments = located(quote!((#name, ::core::mem::offset_of!(Self, #member) #(, #typecode)*)), span);
    quote!(#function <#ty> #arguments)
}

/// Returns the statement that comes first in every function and makes the same check as `describe`: whether the type of
/// `field` can be shared. rustc reports an identical error at the same place only once. Without the statement, it would
/// report one error for each function that reads or writes the field.
pub(super) fn question(scope: &Scope<'_>, field: &Field) -> Option<TokenStream> {
    if is_known_to_be_shared(scope, field) {
        return None;
    }
    let (runtime, constructor, ty) = (&scope.runtime, constructor(field), &field.ty);
    Some(quote!(let _ = #runtime::Describe::#constructor::<#ty>;))
}

fn constructor(field: &Field) -> Ident {
    let name = match (field.is_atomic(), field.is_pod(), &field.attributes.typecode) {
        _ if field.is_counter() => "counter",
        (true, _, _) => "atomic",
        (false, true, Some(_)) => "pod_as",
        (false, true, None) => "pod",
        (false, false, _) => "field",
    };
    Ident::new(name, Span::call_site())
}

/// Returns whether the text of the type shows that the compiler will not refuse it.
pub(super) fn is_known_to_be_shared(scope: &Scope<'_>, field: &Field) -> bool {
    let ty = innermost(&field.ty);
    let is_parameter = |ty: &Type| {
        let mut parameters = scope.input.generics.type_params();
        matches!(ty, Type::Path(path) if parameters.any(|parameter| path.path.is_ident(&parameter.ident)))
    };
    !field.is_pod() && (is_primitive(ty) || !field.is_atomic() && !field.is_counter() && is_parameter(ty))
}
