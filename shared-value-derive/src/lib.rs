//! The derive macro of `shared-value`: see [`macro@SharedValue`].

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod attr;
mod check;
mod context;
mod discriminant;
mod expand;
mod fallback;
mod fresh;
mod lints;
mod model;
mod nearest;
mod repr;
mod substitute;
mod symbol;
#[cfg(test)]
mod tests;

/// Makes a type shareable between processes.
///
/// ```text
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// pub struct Account {
///     balance: i64,
///     limits: [u32; 4],
///     #[shared(atomic)]
///     requests: u64,
/// }
/// ```
///
/// implements the trait `SharedValue`, and generates, with the visibility of the type,
///
/// - the handle `SynchronizedAccount`, an alias of `Synchronized<Account>`, which takes the access as a parameter:
///   `SynchronizedAccount<ReadOnly>`,
/// - the guard `AccountGuard`, an alias of `Guard<Account>`,
/// - `AccountAccessors`: both dereference to it. Programs do not need this name: rustdoc lists the accessors there.
///
/// # What it accepts
///
/// - `#[repr(C)]` structs with named or numbered fields, with or without `align(N)`. They may have const parameters, and
///   type parameters, which get the bound `SharedValue`, or `bytemuck::Pod` if only `#[shared(pod)]` fields have this type.
/// - `#[repr(transparent)]` structs with one field.
/// - Fieldless enums with an integer of at most 64 bits as `repr`. Their handle and guard are
///   aliases, without accessors.
///
/// The type must be `Copy`, and the type of every field must implement `SharedValue`. Some types of the standard library
/// cannot be shared. The derive recognizes them by name, and its errors propose replacements. If a type of your own has such
/// a name, write its path, as in `self::Duration`.
///
/// # Accessors
///
/// They have the visibility and the documentation of their field. The handle, its guard and every part of this type have
/// them. A handle that cannot write has only those that read. The accessors of field number 0 of a tuple struct are named
/// after `field_0`.
///
/// | field | accessors |
/// |---|---|
/// | `x` | `x`, `set_x`, `update_x`, and `in_x`, the part |
/// | atomic `x` | `x`, which has the functions of `std::sync::atomic` |
/// | counter `x` | `x`, with `add`, `increment`, `get` and `reset` |
///
/// A field may have any name. If the handle or the guard has a method with that name, such as `lock` or `version`, the name
/// calls that method; read the field by `in_version().get()`.
///
/// # Attributes of a field
///
/// - `#[shared(atomic)]`: a `u64`, `i64`, `f64` or `bool`, or an array of them, which is changed without the lock, and is
///   neither committed nor rolled back.
/// - `#[shared(counter)]`: a `u64`, or a `[u64; N]` for a histogram, to which many threads and processes add at once, without the
///   lock, each in a lane of its own. A struct with counters cannot be a part of another value.
/// - `#[shared(pod)]`: the type implements `bytemuck::Pod`, not `SharedValue`.
/// - `#[shared(pod, typecode = "(3)<f")]`: also gives the typecode of its bytes, for readers in other languages. It must
///   describe as many bytes as the type has.
///
/// # Attributes of a type
///
/// - `#[shared(size = 64)]`, `#[shared(layout = "T{<q:balance:}")]` and
///   `#[shared(fingerprint = "0x0123456789abcdef")]` pin the layout: if a change of the type changes the layout, the program
///   does not compile.
/// - `#[shared(lanes = 4)]`: the number of lanes of its counters; without this, 16.
/// - `#[shared(evolves)]`: programs with other versions of the struct may share its values, if the versions fit. A field of
///   type `Reserved<N>` is room for later fields.
/// - `#[shared(evolves, released = v1::Account)]`, or `released = (v1::Account, v2::Account)`: if the struct no longer fits
///   these versions, the program does not compile.
/// - `#[shared(crate = "path")]`: the path of `shared_value`, if another crate re-exports it.
#[proc_macro_derive(SharedValue, attributes(shared))]
pub fn derive_shared_value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).into()
}

fn derive(input: &DeriveInput) -> proc_macro2::TokenStream {
    let context = context::Context::default();
    let input = model::Input::from_syn(&context, input);
    check::check(&context, &input);
    match context.finish() {
        Ok(()) => expand::expand(&input),
        Err(errors) => fallback::expand(&input, &errors),
    }
}
