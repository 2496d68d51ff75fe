//! Functions of the handle that return a generated type where the runtime's return its own.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::scope::{Scope, local};

/// Where a constructor puts the value, or finds it.
enum Place {
    Anonymous,
    Name,
    Path,
}

struct Constructor {
    name: &'static str,
    place: Place,
    takes_value: bool,
    about: &'static str,
    errors: &'static str,
}

const CONSTRUCTORS: [Constructor; 7] = [
    Constructor {
        name: "new",
        place: Place::Anonymous,
        takes_value: true,
        about: "Shares `value` in memory without a name, which child processes can be given.",
        errors: "If the system refuses.",
    },
    Constructor {
        name: "create",
        place: Place::Name,
        takes_value: true,
        about: "Shares `value` under `name`.",
        errors: "If the name is taken or cannot be one, or the system refuses.",
    },
    Constructor {
        name: "open",
        place: Place::Name,
        takes_value: false,
        about: "Opens the value that is shared under `name`.",
        errors: "If there is none, if it has another layout, or the system refuses.",
    },
    Constructor {
        name: "open_or_create",
        place: Place::Name,
        takes_value: true,
        about: "Opens the value that is shared under `name`; if there is none, shares `value`.",
        errors: "If the value found has another layout, or the system refuses.",
    },
    Constructor {
        name: "create_file",
        place: Place::Path,
        takes_value: true,
        about: "Shares `value` in a new file, which outlives every process.",
        errors: "If the file exists, or the system refuses.",
    },
    Constructor {
        name: "open_file",
        place: Place::Path,
        takes_value: false,
        about: "Opens the value in the file at `path`.",
        errors: "If there is none, if it has another layout, or the system refuses.",
    },
    Constructor {
        name: "open_or_create_file",
        place: Place::Path,
        takes_value: true,
        about: "Opens the value in the file at `path`; if there is none, shares `value` there.",
        errors: "If the value found has another layout, or the system refuses.",
    },
];

struct Locking {
    name: &'static str,
    takes_timeout: bool,
    about: &'static str,
    errors: &'static str,
}

const LOCKING: [Locking; 3] = [
    Locking {
        name: "lock",
        takes_timeout: false,
        about: "Waits for the lock, and holds it until the guard is dropped.",
        errors: "If the lock cannot be had.",
    },
    Locking {
        name: "try_lock",
        takes_timeout: false,
        about: "Takes the lock, unless another thread holds it.",
        errors: "If the lock cannot be had at once.",
    },
    Locking {
        name: "lock_timeout",
        takes_timeout: true,
        about: "Waits for the lock, but not longer than `timeout`.",
        errors: "If the lock cannot be had in time.",
    },
];

pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    CONSTRUCTORS
        .iter()
        .filter(|constructor| scope.is_sized || !constructor.takes_value)
        .map(|constructor| construct(scope, constructor))
        .chain(LOCKING.iter().map(|locking| lock(scope, locking)))
        .collect()
}

fn construct(scope: &Scope<'_>, constructor: &Constructor) -> TokenStream {
    let Scope { input, runtime, value: value_type, .. } = scope;
    let visibility = &input.visibility;
    let documentation = documentation(constructor.about, constructor.errors);
    let function = local(constructor.name);
    let mut parameters = Vec::new();
    let mut arguments: Vec<Ident> = Vec::new();
    match constructor.place {
        Place::Anonymous => {}
        Place::Name => {
            let name = local("name");
            parameters.push(quote!(#name: &::core::primitive::str));
            arguments.push(name);
        }
        Place::Path => {
            let path = local("path");
            parameters.push(quote!(#path: impl ::core::convert::AsRef<::std::path::Path>));
            arguments.push(path);
        }
    }
    if constructor.takes_value {
        let value = local("value");
        parameters.push(quote!(#value: #value_type));
        arguments.push(value);
    }
    let body = scope.body(&quote! {
        #runtime::Synchronized::<#value_type, #runtime::ReadWrite>::#function(#(#arguments),*)
            .map(Self)
    });
    quote! {
        #documentation
        #[inline]
        #visibility fn #function(#(#parameters),*) -> ::core::result::Result<Self, #runtime::Error> {
            #body
        }
    }
}

fn lock(scope: &Scope<'_>, locking: &Locking) -> TokenStream {
    let (runtime, visibility) = (&scope.runtime, &scope.input.visibility);
    let (constructor, guard) = (&scope.guard, scope.guard_with(&quote!('_)));
    let documentation = documentation(locking.about, locking.errors);
    let function = local(locking.name);
    let timeout = locking.takes_timeout.then(|| local("timeout"));
    let parameter = timeout.as_ref().map(|timeout| quote!(, #timeout: ::core::time::Duration));
    let body = scope.body(&quote!(self.0.#function(#timeout).map(#constructor)));
    quote! {
        #documentation
        #[inline]
        #visibility fn #function(
            &self #parameter
        ) -> ::core::result::Result<#guard, #runtime::Error> {
            #body
        }
    }
}

fn documentation(about: &str, errors: &str) -> TokenStream {
    let text = format!(" {about}\n\n # Errors\n\n {errors}");
    quote!(#[doc = #text])
}
