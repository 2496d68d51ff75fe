//! The functions for single fields, for each host of the value: a handle, a guard, or a part.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Ident, parse_quote};

use super::scope::Scope;
use super::stored::{question, stored};
use crate::check::collisions;
use crate::model::Field;

mod documentation;
mod in_slots;
mod outside;

/// The accessors of one field or of all, sorted by the impl that they belong to.
#[derive(Default)]
pub(crate) struct Accessors {
    /// For all hosts.
    pub(crate) parts: TokenStream,
    /// For hosts that can be read.
    pub(crate) readers: TokenStream,
    /// For hosts that can be written.
    pub(crate) writers: TokenStream,
    /// For handles and guards.
    pub(crate) roots: TokenStream,
}

/// A field, with the pieces of the runtime calls for it.
struct FieldScope<'scope> {
    scope: &'scope Scope<'scope>,
    field: &'scope Field,
    /// Its number among the fields, from which the runtime gets its offset.
    number: Literal,
    /// The type that the runtime stores.
    stored: TokenStream,
    /// The statement that comes first and checks whether the type can be shared; `None` if the compiler surely accepts the
    /// type.
    question: Option<TokenStream>,
}

impl Accessors {
    fn extend(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.readers.extend(other.readers);
        self.writers.extend(other.writers);
        self.roots.extend(other.roots);
    }
}

impl FieldScope<'_> {
    /// Returns the body of an accessor that makes `call`.
    fn body(&self, call: &TokenStream) -> TokenStream {
        let question = &self.question;
        self.scope.body(&quote!(#question #call))
    }

    /// Returns the type that the accessors lie around.
    fn host(&self) -> &Ident {
        &self.scope.input.fresh.host
    }

    /// Returns the attribute for a getter whose name promises something to clippy: that of a collection's function.
    fn lint_of_getter(&self) -> Option<TokenStream> {
        match &*self.field.getter().unraw().to_string() {
            "len" => Some(quote!(#[allow(clippy::len_without_is_empty)])),
            "iter" | "iter_mut" => Some(quote!(#[allow(clippy::iter_not_returning_iterator)])),
            _ => None,
        }
    }

    /// Returns the name of the getter, unless a method of handles or guards would hide it.
    fn getter(&self) -> Option<Ident> {
        let getter = self.field.getter();
        (!collisions::is_hidden(&getter)).then_some(getter)
    }
}

pub(super) fn expand<'input>(scope: &Scope<'input>, fields: impl IntoIterator<Item = &'input Field>) -> Accessors {
    let mut accessors = Accessors::default();
    for (number, field) in fields.into_iter().enumerate() {
        let number = Literal::usize_unsuffixed(number);
        let place = FieldScope { scope, field, number, stored: stored(scope, field), question: question(scope, field) };
        let is_outside = field.is_atomic() || field.is_counter();
        accessors.extend(if is_outside { outside::expand(&place) } else { in_slots::expand(&place) });
    }
    accessors
}

/// Generates the type that handles, guards and parts dereference to.
///
/// Its parameter is the host. It does not need the user's parameters: the impls get them from the host's value.
pub(super) fn structure(scope: &Scope<'_>) -> TokenStream {
    let Scope { input, accessors, handle, guard, .. } = scope;
    let (visibility, host, lints) = (&input.visibility, &input.fresh.host, &input.lints.of_type);
    let link = scope.link();
    let about = format!(" The functions for the fields of a shared {link}: call them on its handle,");
    let about_types = format!(" [`{handle}`], on its guard, [`{guard}`], and on parts that are of this type.");
    quote! {
        #[doc = #about]
        #[doc = #about_types]
        #lints
        #[repr(transparent)]
        #visibility struct #accessors<#host>(#host);
    }
}

/// Generates the functions of that type.
pub(super) fn impls(scope: &Scope<'_>, fields: &[Field]) -> TokenStream {
    let Scope { input, runtime, value, accessors: name, .. } = scope;
    let host = &input.fresh.host;
    let Accessors { parts, readers, writers, roots } = expand(scope, fields);
    let (parameters, _, clause) = scope.generics.split_for_impl();
    let of = |bound: TokenStream, about: &str, functions: TokenStream| {
        if functions.is_empty() {
            return TokenStream::new();
        }
        let generics = scope.generics_with(parse_quote!(#host: #runtime::#bound<Value = #value>));
        let (parameters, _, clause) = generics.split_for_impl();
        quote! {
            #[doc = #about]
            impl #parameters #name<#host> #clause {
                #functions
            }
        }
    };
    let parts = of(quote!(Host), documentation::PARTS, parts);
    let readers = of(quote!(Reader), documentation::READERS, readers);
    let writers = of(quote!(Writer), documentation::WRITERS, writers);
    let roots = of(quote!(Root), documentation::ROOTS, roots);
    quote! {
        #[automatically_derived]
        unsafe impl #parameters #runtime::Accessible for #value #clause {
            type Accessors<#host> = #name<#host>;
        }
        #parts
        #readers
        #writers
        #roots
    }
}
