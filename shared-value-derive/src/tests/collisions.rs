//! Names of accessors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use syn::{FnArg, GenericArgument, ImplItem, Item, ItemImpl, PathArguments, Type, Visibility};

use super::{expand, problems};
use crate::check::collisions::METHODS;

#[track_caller]
fn fields(fields: &str) -> Vec<String> {
    problems(&format!("#[repr(C)] struct S {{ {fields} }}"))
}

/// Without this, users would have to rename fields.
#[test]
fn any_name_will_do() {
    for name in METHODS.into_iter().chain(["open", "create", "new", "options", "clone", "len", "at", "element", "0"]) {
        let field = if name == "0" { "struct S(u8);".to_owned() } else { format!("struct S {{ {name}: u8 }}") };
        assert_eq!(problems(&format!("#[repr(C)] {field}")), [""; 0], "{name}");
    }
    let prices = "open: f64, high: f64, low: f64, close: f64, volume: u64";
    assert_eq!(fields(prices), [""; 0]);
}

/// Without this, a method of the handle would be called in place of a getter, and return something else.
#[test]
fn a_getter_that_would_be_hidden_is_left_out() {
    for (name, is_hidden) in [("version", true), ("r#lock", true), ("clone", true), ("open", false), ("balance", false)]
    {
        let output = expand(&format!("#[repr(C)] struct S {{ {name}: u8 }}")).to_string();
        let bare = name.trim_start_matches("r#");
        assert_eq!(output.contains(&format!("fn {name} (& self) -> u8")), !is_hidden, "{name}");
        for accessor in ["in", "set", "update"] {
            assert!(output.contains(&format!("fn {accessor}_{bare}")), "{accessor}_{bare}");
        }
    }
    let atomic = |name| expand(&format!("#[repr(C)] struct S {{ #[shared(atomic)] {name}: u64 }}")).to_string();
    assert!(atomic("requests").contains("fn requests (& self)"));
    assert!(atomic("version").contains("fn in_version (& self)") && !atomic("version").contains("fn version"));
}

/// Without this, rustc would report two functions that the user did not write.
#[test]
fn two_fields_with_one_accessor() {
    for (source, column, one, other, accessor) in [
        ("x: u8, set_x: u8", 29, "x", "set_x", "set_x"),
        ("set_x: u8, x: u8", 33, "set_x", "x", "set_x"),
        ("x: u8, update_x: u8", 29, "x", "update_x", "update_x"),
        ("in_x: u8, r#x: u8", 32, "in_x", "x", "in_x"),
        ("#[shared(atomic)] version: u64, in_version: u8", 54, "version", "in_version", "in_version"),
    ] {
        let message =
            format!("`{one}` and `{other}` would both have an accessor `{accessor}`: give one of them another name");
        assert_eq!(fields(source), [format!("1:{column} {message}")], "{source}");
    }
}

/// Without this, names that only look alike would be refused.
#[test]
fn names_that_look_alike() {
    for source in [
        "x: [u8; 2], x_at: u8, x_read: u8",
        "#[shared(atomic)] x: u64, x_store: u8, set_x: u8",
        "value: u8, index: u8, self_: u8, visitor: u8, change: u8",
    ] {
        assert_eq!(fields(source), [""; 0], "{source}");
    }
}

/// Without this, a new method of handles, guards or parts in the runtime would silently hide an accessor, or an accessor
/// would be left out because of a method that no longer exists.
#[test]
fn the_methods_of_the_runtime_are_known() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-value/src");
    let mut methods = BTreeSet::new();
    for path in sources(&folder) {
        let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
        for item in file.items {
            if let Item::Impl(implementation) = item
                && is_of_hosts(&implementation)
            {
                methods.extend(implementation.items.iter().filter_map(method));
            }
        }
    }
    // A published copy of this package does not have the runtime's sources beside it.
    if folder.exists() {
        assert_eq!(methods, METHODS.into_iter().map(str::to_owned).collect());
    }
    // A getter that a method would hide is left out. Setters, updaters and parts have no other names.
    let prefixes = ["in_", "set_", "update_"];
    let hidden = METHODS.into_iter().filter(|method| prefixes.iter().any(|prefix| method.starts_with(prefix)));
    assert_eq!(hidden.collect::<Vec<_>>(), [""; 0]);
}

/// Returns all source files below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| match path.extension() {
            Some(end) if end == "rs" => vec![path],
            _ => sources(&path),
        })
        .collect()
}

/// Whether the impl adds methods to types that have a struct's fields: handles, with or without a limit, guards and parts.
fn is_of_hosts(implementation: &ItemImpl) -> bool {
    let Type::Path(ty) = &*implementation.self_ty else { return false };
    let segment = ty.path.segments.last().unwrap();
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return false };
    // The methods of an array or a dynamic value hide nothing, because these have no fields.
    let is_other = |argument: &GenericArgument| match argument {
        GenericArgument::Type(Type::Slice(_) | Type::Array(_)) => true,
        GenericArgument::Type(Type::Path(ty)) => ty.path.is_ident("Dyn"),
        _ => false,
    };
    implementation.trait_.is_none()
        && ["Synchronized", "Within", "Guard", "Part", "View"].iter().any(|host| segment.ident == host)
        && !arguments.args.iter().any(is_other)
}

/// Returns the name of a method that can be called from outside.
fn method(item: &ImplItem) -> Option<String> {
    let ImplItem::Fn(function) = item else { return None };
    let is_method = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
    (is_method && matches!(function.vis, Visibility::Public(_))).then(|| function.sig.ident.to_string())
}
