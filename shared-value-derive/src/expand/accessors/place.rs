use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::Type;

use super::super::scope::{Scope, local};
use super::super::stored::{is_known_to_be_shared, question, stored_element, stored_field};
use crate::model::Field;

/// Where a field lies, and how the runtime is asked for it.
pub(super) struct Place<'scope> {
    pub(super) scope: &'scope Scope<'scope>,
    pub(super) field: &'scope Field,
    /// Its number among the fields, by which the runtime knows its offset.
    pub(super) number: Literal,
}

impl<'scope> Place<'scope> {
    pub(super) fn new(scope: &'scope Scope<'scope>, field: &'scope Field, number: usize) -> Self {
        Self { scope, field, number: Literal::usize_unsuffixed(number) }
    }

    /// The body of an accessor that makes `call`.
    pub(super) fn body(&self, call: &TokenStream) -> TokenStream {
        let question = question(self.scope, self.field);
        self.scope.body(&quote!(#question #call))
    }

    /// The body of an accessor that returns what `call` reads.
    pub(super) fn read(&self, call: &TokenStream) -> TokenStream {
        if self.field.is_pod() { self.body(&quote!(#call.0)) } else { self.body(call) }
    }

    /// The type arguments of a runtime function for `ty`, the type of the field or of an element; all but the first
    /// are inferred. None where that too can be inferred: the compiler is faster without, but if the type cannot be
    /// shared, it would not point to the type.
    pub(super) fn arguments(&self, ty: &Type, inferred: usize) -> Option<TokenStream> {
        if is_known_to_be_shared(self.scope, self.field) {
            return None;
        }
        let inferred = vec![quote!(_); inferred];
        let stored = stored_element(self.scope, self.field, ty);
        Some(quote!(::<#stored, #(#inferred),*>))
    }

    /// The user's `value` as the runtime stores it.
    pub(super) fn written(&self, value: &Ident) -> TokenStream {
        let runtime = &self.scope.runtime;
        if self.field.is_pod() { quote!(#runtime::Pod(#value)) } else { value.to_token_stream() }
    }

    /// The user's `change` as a change of what the runtime stores.
    pub(super) fn changed(&self, change: &Ident) -> TokenStream {
        if self.field.is_pod() {
            let (stored, pod) = (stored_field(self.scope, self.field), local("pod"));
            quote!(|#pod: &mut #stored| #change(&mut #pod.0))
        } else {
            change.to_token_stream()
        }
    }
}
