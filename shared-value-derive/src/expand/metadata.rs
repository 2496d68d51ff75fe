//! The impl of `SharedValue`: the layout, the fields and the check of bits.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::Fields;

use crate::model::{Field, Variant};

use super::generics::in_where_clause;
use super::scope::Scope;
use super::stored::{describe, question};

/// Generates the impl of `SharedValue` for a struct.
pub(super) fn structure(scope: &Scope<'_>, shape: &TokenStream, fields: &[Field]) -> TokenStream {
    let (Scope { runtime, shared_value, .. }, library) = (scope, scope.library());
    let name = scope.input.layout_name();
    let (describing, visitor, fields_of) = (scope.local("describe"), scope.local("visitor"), scope.local("fields_of"));
    let descriptions = fields.iter().map(|field| describe(field, &describing));
    let types = fields.iter().map(|field| &field.ty);
    let visits = fields.iter().map(|field| if field.is_pod() { quote!(visit_pod) } else { quote!(visit) });
    let questions = fields.iter().map(|field| question(scope, field)).collect::<Vec<_>>();
    let numbers = (0..fields.len()).map(Literal::usize_unsuffixed);
    let visitor_type = &scope.input.fresh.visitor;
    let lanes = scope.input.attributes.lanes.iter();
    let implementation = implementation(
        scope,
        &quote! {
            const FIELDS: &'static [#runtime::Field] = {
                #(#questions)*
                let #describing = #library::DESCRIBE;
                &[#(#descriptions),*]
            };
            const LAYOUT: &'static #runtime::TypeLayout =
                &#library::DESCRIBE.#shape::<Self>(#name, #fields_of::<Self>()) #(.with_lanes(#lanes))*;

            #[inline(always)]
            fn fields<#visitor_type: #runtime::FieldVisitor>(#visitor: &mut #visitor_type) {
                #(
                    #questions
                    #library::#visits::<Self, #types, #visitor_type>(#visitor, #numbers);
                )*
            }
        },
    );
    let unchanged = unchanged(scope, fields);
    // Asks for the fields through a generic function. If the type is not `Copy`, the impl reports that already, and a direct
    // mention of the fields would report it again. The function is not in the runtime, because rustc would then point a note
    // there for each error in a constant.
    quote! {
        #implementation
        const fn #fields_of<Value: #shared_value>() -> &'static [#runtime::Field] {
            Value::FIELDS
        }
        #unchanged
    }
}

/// Generates the impl of `SharedValue` for an enum.
pub(super) fn enumeration(scope: &Scope<'_>, variants: &[Variant], integer: &Ident) -> TokenStream {
    let (runtime, library) = (&scope.runtime, scope.library());
    let name = scope.input.layout_name();
    let values = variants.iter().map(value).collect::<Vec<_>>();
    let names = variants.iter().map(Variant::layout_name);
    let unsigned = unsigned(integer);
    let bits = scope.local("bits");
    implementation(
        scope,
        &quote! {
            const LAYOUT: &'static #runtime::TypeLayout =
                &#library::DESCRIBE.enumeration::<Self, ::core::primitive::#integer>(
                    #name,
                    const {
                        &[#(#library::DESCRIBE.variant(
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
    )
}

fn implementation(scope: &Scope<'_>, items: &TokenStream) -> TokenStream {
    let Scope { shared_value, value, .. } = scope;
    let (parameters, _, clause) = scope.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        unsafe impl #parameters #shared_value for #value #clause {
            #items
        }
    }
}

/// Generates code that compiles only if the struct still has the described fields: an attribute macro below the derive may
/// have changed the struct. The code takes the fields by value, because a reference to a field could be coerced to another
/// type.
fn unchanged(scope: &Scope<'_>, fields: &[Field]) -> TokenStream {
    let value = &scope.value;
    let generics = in_where_clause(scope.generics.clone());
    let (parameters, _, clause) = generics.split_for_impl();
    let (pattern, unchanged) = (&scope.input.name, scope.local("unchanged"));
    let members = fields.iter().map(|field| &field.member);
    let types = fields.iter().map(|field| &field.ty);
    let locals = (0..fields.len()).map(|index| scope.local(&format!("field_{index}"))).collect::<Vec<_>>();
    quote! {
        fn #unchanged #parameters (#pattern { #(#members: #locals),* }: #value) #clause {
            #(let _: #types = #locals;)*
        }
    }
}

/// Returns the expression for a variant, which may be declared as `Variant`, `Variant()` or `Variant {}`.
fn value(variant: &Variant) -> TokenStream {
    let name = &variant.name;
    match variant.fields {
        Fields::Unit => quote!(Self::#name),
        Fields::Named(_) | Fields::Unnamed(_) => quote!(Self::#name {}),
    }
}

/// Returns the cast that prevents the sign extension of a negative discriminant.
fn unsigned(integer: &Ident) -> Option<TokenStream> {
    let unsigned = format_ident!("u{}", integer.to_string().strip_prefix('i')?);
    Some(quote!(as ::core::primitive::#unsigned))
}
