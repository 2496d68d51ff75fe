use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Type;
use syn::spanned::Spanned;

use crate::model::{Field, innermost, is_primitive, unwrapped};

use super::location::{in_place_of, located};
use super::scope::Scope;

/// The type that the runtime stores for `field`.
pub(super) fn stored_field(scope: &Scope<'_>, field: &Field) -> TokenStream {
    if field.is_pod() { stored_element(scope, field, &field.ty) } else { field.ty.to_token_stream() }
}

/// The type that the runtime stores for one `element` of `field`.
pub(super) fn stored_element(scope: &Scope<'_>, field: &Field, element: &Type) -> TokenStream {
    let runtime = &scope.runtime;
    let stored = if field.is_pod() { quote!(#runtime::Pod<#element>) } else { element.to_token_stream() };
    in_place_of(stored, unwrapped(&field.ty))
}

/// The description of `field`, at `offset`, from which its type's fitness is known.
pub(super) fn describe(scope: &Scope<'_>, field: &Field) -> TokenStream {
    let (name, ty, member) = (field.layout_name(), &field.ty, &field.member);
    let offset = quote!(::core::mem::offset_of!(Self, #member));
    let (runtime, span) = (&scope.runtime, unwrapped(ty).span());
    if let Some(typecode) = &field.attributes.typecode {
        let function = located(quote!(#runtime::Field::pod_as), typecode.span());
        return quote!(#function::<#ty>(#name, #offset, #typecode));
    }
    let function = located(constructor(scope, field), span);
    quote!(#function::<#ty>(#name, #offset))
}

/// A statement that asks first, in every function, what `describe` asks: whether the type of
/// `field` can be shared. To the same question at the same place rustc answers once, and
/// otherwise once for each function that reads or writes the field.
pub(super) fn question(scope: &Scope<'_>, field: &Field) -> Option<TokenStream> {
    if is_known_to_be_shared(scope, field) {
        return None;
    }
    let (constructor, ty) = (constructor(scope, field), &field.ty);
    Some(quote!(let _ = #constructor::<#ty>;))
}

fn constructor(scope: &Scope<'_>, field: &Field) -> TokenStream {
    let runtime = &scope.runtime;
    if field.is_atomic() {
        quote!(#runtime::Field::atomic)
    } else if field.is_pod() {
        quote!(#runtime::Field::pod)
    } else {
        quote!(#runtime::Field::new)
    }
}

fn is_known_to_be_shared(scope: &Scope<'_>, field: &Field) -> bool {
    let ty = innermost(&field.ty);
    let is_parameter = |ty: &Type| {
        let mut parameters = scope.input.generics.type_params();
        matches!(ty, Type::Path(path) if parameters.any(|parameter| path.path.is_ident(&parameter.ident)))
    };
    field.is_atomic() || !field.is_pod() && (is_primitive(ty) || is_parameter(ty))
}
