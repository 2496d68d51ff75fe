use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::Fields;

use crate::model::{Field, Variant};

use super::generics::in_where_clause;
use super::scope::{Scope, local};
use super::stored::{describe, question, stored_field};

/// The impl of `SharedValue` for a struct.
pub(super) fn structure(scope: &Scope<'_>, shape: &TokenStream, fields: &[Field]) -> TokenStream {
    let runtime = &scope.runtime;
    let name = scope.input.layout_name();
    let descriptions = fields.iter().map(|field| describe(scope, field));
    let types = fields.iter().map(|field| stored_field(scope, field));
    let questions = fields.iter().map(|field| question(scope, field));
    let numbers = (0..fields.len()).map(Literal::usize_unsuffixed);
    let (visitor, visitor_type) = (local("visitor"), &scope.input.fresh.visitor);
    let (fields_of, unchanged) = (fields_of(scope), unchanged(scope, fields));
    let description = &scope.input.fresh.description;
    implementation(
        scope,
        &quote! {
            const FIELDS: &'static [#runtime::Field] = &[#(#descriptions),*];
            const LAYOUT: &'static #runtime::TypeLayout = &#runtime::TypeLayout::#shape::<Self>(
                #name,
                fields_of::<Self>(),
            );

            #[inline(always)]
            fn fields<#visitor_type: #runtime::FieldVisitor>(#visitor: &mut #visitor_type) {
                #(
                    #questions
                    #runtime::visit::<Self, #types, #visitor_type>(#visitor, #numbers);
                )*
            }
        },
        &quote!(type #description = #runtime::Field; #fields_of #unchanged),
    )
}

/// The impl of `SharedValue` for an enum.
pub(super) fn enumeration(scope: &Scope<'_>, variants: &[Variant], integer: &Ident) -> TokenStream {
    let runtime = &scope.runtime;
    let name = scope.input.layout_name();
    let values = variants.iter().map(value).collect::<Vec<_>>();
    let names = variants.iter().map(Variant::layout_name);
    let unsigned = unsigned(integer);
    let bits = local("bits");
    implementation(
        scope,
        &quote! {
            const LAYOUT: &'static #runtime::TypeLayout =
                &#runtime::TypeLayout::enumeration::<Self, ::core::primitive::#integer>(
                    #name,
                    const {
                        &[#(#runtime::Variant::new(
                            #names,
                            #values as ::core::primitive::#integer as ::core::primitive::i128,
                        )),*]
                    },
                );

            #[inline(always)]
            fn valid_bits(#bits: ::core::primitive::u64) -> ::core::primitive::bool {
                #(#bits == #values as ::core::primitive::#integer #unsigned as ::core::primitive::u64)||*
            }
        },
        &TokenStream::new(),
    )
}

fn implementation(scope: &Scope<'_>, items: &TokenStream, beside: &TokenStream) -> TokenStream {
    let (runtime, value) = (&scope.runtime, &scope.value);
    let (parameters, _, clause) = scope.generics.split_for_impl();
    quote! {
        #[allow(deprecated)]
        const _: () = {
            #[automatically_derived]
            unsafe impl #parameters #runtime::SharedValue for #value #clause {
                #items
            }
            #beside
        };
    }
}

/// Asks for the fields of a type in general: if the type cannot be shared, because it is not `Copy`, its impl says so,
/// and a mention of its own fields would say it again. In the runtime, an error in a constant would be noted there too.
fn fields_of(scope: &Scope<'_>) -> TokenStream {
    let runtime = &scope.runtime;
    quote! {
        const fn fields_of<Value: #runtime::SharedValue>() -> &'static [#runtime::Field] {
            Value::FIELDS
        }
    }
}

/// Compiles only if the struct still has the fields that were described: an attribute macro
/// below the derive may have changed it since.
fn unchanged(scope: &Scope<'_>, fields: &[Field]) -> TokenStream {
    let value = &scope.value;
    let generics = in_where_clause(scope.generics.clone());
    let (parameters, _, clause) = generics.split_for_impl();
    let pattern = &scope.input.name;
    let members = fields.iter().map(|field| &field.member);
    let types = fields.iter().map(|field| &field.ty);
    let locals =
        (0..fields.len()).map(|index| format_ident!("field_{index}", span = local("field").span())).collect::<Vec<_>>();
    let described = local("value");
    quote! {
        fn unchanged #parameters (#described: &#value) #clause {
            let #pattern { #(#members: #locals),* } = #described;
            #(let _: &#types = #locals;)*
        }
    }
}

/// The only value of a variant, which may be written `Variant`, `Variant()` or `Variant {}`.
fn value(variant: &Variant) -> TokenStream {
    let name = &variant.name;
    match variant.fields {
        Fields::Unit => quote!(Self::#name),
        Fields::Named(_) | Fields::Unnamed(_) => quote!(Self::#name {}),
    }
}

/// The cast that keeps a negative discriminant from being extended with ones.
fn unsigned(integer: &Ident) -> Option<TokenStream> {
    let unsigned = format_ident!("u{}", integer.to_string().strip_prefix('i')?);
    Some(quote!(as ::core::primitive::#unsigned))
}
