//! Checks the types of fields, as far as their text shows them.

use quote::ToTokens;
use syn::{Expr, ExprLit, GenericArgument, Generics, Lit, Path, PathArguments, PathSegment, Type, TypePath};

use super::standard;
use crate::model::{Field, innermost, is_primitive, unwrapped};

/// A type that cannot be shared, and what to do instead.
pub(crate) struct Unshareable<'field> {
    pub(crate) ty: &'field Type,
    pub(crate) message: String,
}

/// Returns why the field's type, or the type of its elements, cannot be shared, if its text shows that.
pub(crate) fn refusal<'field>(generics: &Generics, field: &'field Field) -> Option<Unshareable<'field>> {
    let mut ty = unwrapped(&field.ty);
    while let Type::Array(array) = ty {
        if is_zero(&array.len) {
            let message = "an empty array has no bytes that could be shared: remove the field".to_owned();
            return Some(Unshareable { ty: &field.ty, message });
        }
        ty = unwrapped(&array.elem);
    }
    let message = match ty {
        Type::Path(path) => of_path(generics, field, path),
        other => of_shape(other).map(str::to_owned),
    };
    match message {
        Some(message) => Some(Unshareable { ty, message }),
        None => of_atomic(field).or_else(|| of_counter(field)),
    }
}

/// Returns whether the text of the field's type is that of `Reserved<N>`, or of an array of it.
pub(crate) fn is_reserved(field: &Field) -> bool {
    let Type::Path(path) = spelled(field) else { return false };
    let segments = &path.path.segments;
    let is_ours = segments.len() == 1 || segments.first().is_some_and(|first| first.ident == "shared_value");
    let is_named = |segment: &PathSegment| segment.ident == "Reserved" && !segment.arguments.is_empty();
    is_ours && segments.last().is_some_and(is_named)
}

/// Returns the type of the field, or the type of its elements.
pub(crate) fn spelled(field: &Field) -> &Type {
    innermost(&field.ty)
}

fn is_zero(length: &Expr) -> bool {
    matches!(length, Expr::Lit(ExprLit { lit: Lit::Int(length), .. }) if length.base10_digits() == "0")
}

/// Returns whether the compiler knows the size of the type's values.
pub(crate) fn is_sized(field: &Field) -> bool {
    match unwrapped(&field.ty) {
        Type::Slice(_) | Type::TraitObject(_) => false,
        Type::Path(path) => !path.path.is_ident("str"),
        _ => true,
    }
}

fn of_path(generics: &Generics, field: &Field, path: &TypePath) -> Option<String> {
    let segment = path.path.segments.last()?;
    let name = segment.ident.to_string();
    if path.qself.is_some() || !may_be_standard(generics, &path.path) {
        return None;
    }
    let standard = standard::find(&name)?;
    let arguments = arguments(segment);
    let is_bare = path.path.segments.len() == 1;
    if is_bare && standard.is_generic == arguments.is_empty() {
        return None;
    }
    if name == "Option" && arguments.first().is_some_and(|ty| has_no_zero(ty)) {
        return None;
    }
    if field.is_pod() && matches!(&*name, "Option" | "MaybeUninit" | "u128" | "i128") {
        return None;
    }
    let parameter = match arguments.first() {
        Some(Type::Path(path)) if path.path.get_ident().is_some() => path.to_token_stream().to_string(),
        _ => "T".to_owned(),
    };
    let message = standard.message.replace("{T}", &parameter);
    Some(format!("`{name}` {message}"))
}

/// Returns whether `path` may name a type of the standard library rather than a type of the user.
fn may_be_standard(generics: &Generics, path: &Path) -> bool {
    let Some(first) = path.segments.first() else {
        return false;
    };
    if path.segments.len() > 1 {
        return ["std", "core", "alloc"].iter().any(|library| first.ident == library);
    }
    generics.type_params().all(|parameter| parameter.ident != first.ident)
}

fn arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    arguments
        .args
        .iter()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(unwrapped(ty)),
            _ => None,
        })
        .collect()
}

/// Returns whether the type is a `NonZero` integer or the `Id` of a value in an arena. These are never zero, so zero can
/// stand for `None`.
fn has_no_zero(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "Id" || segment.ident.to_string().starts_with("NonZero"))
}

fn of_atomic(field: &Field) -> Option<Unshareable<'_>> {
    const ATOMIC: [&str; 4] = ["u64", "i64", "f64", "bool"];
    let ty = innermost(&field.ty);
    let is_atomic = |path: &TypePath| ATOMIC.iter().any(|name| path.path.is_ident(name));
    // A type that is not a primitive by its name may be an alias of one.
    let is_other = matches!(ty, Type::Path(path) if is_primitive(ty) && !is_atomic(path));
    (field.is_atomic() && is_other).then(|| Unshareable {
        ty: &field.ty,
        message: "`#[shared(atomic)]` works on `u64`, `i64`, `f64` and `bool`, and on arrays of them: use one of them"
            .to_owned(),
    })
}

fn of_counter(field: &Field) -> Option<Unshareable<'_>> {
    let ty = innermost(&field.ty);
    let is_other = is_primitive(ty) && !matches!(ty, Type::Path(path) if path.path.is_ident("u64"));
    (field.is_counter() && is_other).then(|| Unshareable {
        ty: &field.ty,
        message: "`#[shared(counter)]` works on `u64` and `[u64; N]`: use one of them".to_owned(),
    })
}

fn of_shape(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Reference(reference) => Some(of_reference(&reference.elem)),
        Type::Ptr(_) => Some(
            "a pointer is an address in one process: hold the value itself, or its index in an \
             array",
        ),
        Type::FnPtr(_) => Some(
            "a function pointer is an address in one process: hold a fieldless enum that selects \
             the function",
        ),
        Type::Slice(_) => Some("a slice has no fixed size: use `[T; N]`"),
        Type::TraitObject(_) => Some(
            "a trait object points to the code of one process: hold a type that derives \
             `SharedValue`",
        ),
        Type::ImplTrait(_) | Type::Infer(_) => Some("a field needs a type that is written out"),
        Type::Tuple(tuple) if tuple.elems.is_empty() => {
            Some("`()` holds nothing that could be shared: remove the field")
        }
        Type::Tuple(_) => Some("a tuple has no fixed layout: use a `#[repr(C)]` struct that derives `SharedValue`"),
        Type::Never(_) => Some("`!` has no value that could be shared: remove the field"),
        _ => None,
    }
}

fn of_reference(referent: &Type) -> &'static str {
    match unwrapped(referent) {
        Type::Path(path) if path.path.is_ident("str") => {
            "a reference points into the memory of one process: use `FixedStr<N>`"
        }
        Type::Slice(_) => "a reference points into the memory of one process: use `[T; N]`",
        _ => "a reference points into the memory of one process: hold the value itself",
    }
}
