//! Names of accessors that are taken.

use super::problems;

const CURE: &str = "with `#[shared(rename = \"..\")]`";

#[track_caller]
fn fields(fields: &str) -> Vec<String> {
    problems(&format!("#[repr(C)] struct S {{ {fields} }}"))
}

/// Without this, a function of the handle or the guard would hide an accessor.
#[test]
fn methods() {
    for name in
        ["new", "lock", "lock_timeout", "load", "update", "version", "get", "clone", "from_token", "into", "drop"]
    {
        let message = format!("the handle has a method `{name}` already: give the accessors another name {CURE}");
        assert_eq!(fields(&format!("{name}: u8")), [format!("1:22 {message}")]);
        assert_eq!(fields(&format!("r#{name}: u8")), [format!("1:22 {message}")]);
        assert_eq!(
            fields(&format!("#[shared(rename = \"{name}\")] x: u8")),
            [format!("1:40 {message}")],
            "the name that was chosen is at fault"
        );
        assert_eq!(fields(&format!("#[shared(rename = \"x\")] {name}: u8")), [""; 0]);
    }
    for name in ["commit", "rollback", "recovered"] {
        let message = format!("the guard has a method `{name}` already: give the accessors another name {CURE}");
        assert_eq!(fields(&format!("{name}: u8")), [format!("1:22 {message}")]);
    }
}

/// Without this, rustc would report two functions that nobody wrote.
#[test]
fn other_fields() {
    let message = |one, other, accessor| {
        format!(
            "`{one}` and `{other}` would both have an accessor `{accessor}`: give one of them \
             another name {CURE}"
        )
    };
    for (source, column, one, other, accessor) in [
        ("x: u8, set_x: u8", 29, "x", "set_x", "set_x"),
        ("set_x: u8, x: u8", 33, "set_x", "x", "set_x"),
        ("x: u8, update_x: u8", 29, "x", "update_x", "update_x"),
        ("x: [u8; 2], x_at: u8", 34, "x", "x_at", "x_at"),
        ("x: [u8; 2], set_x_at: u8", 34, "x", "set_x_at", "set_x_at"),
        ("#[shared(atomic)] x: u64, x_store: u8", 48, "x", "x_store", "x_store"),
        ("x: u8, #[shared(rename = \"x\")] y: u8", 47, "x", "y", "x"),
    ] {
        assert_eq!(fields(source), [format!("1:{column} {}", message(one, other, accessor))], "{source}");
    }
    assert_eq!(
        problems("#[repr(C)] struct S(u8, #[shared(rename = \"field_0\")] u8);"),
        [format!("1:42 {}", message("0", "1", "field_0"))]
    );
}

/// Without this, names that only look alike would be refused.
#[test]
fn free_names() {
    for source in [
        "x: u8, x_at: u8",
        "x: u64, x_store: u8",
        "#[shared(atomic)] x: u64, set_x: u8",
        "value: u8, index: u8, self_: u8, visitor: u8, change: u8",
        "locked: u8, from: u8, to: u8, as_ref: u8, check: u8, writable: u8",
    ] {
        assert_eq!(fields(source), [""; 0], "{source}");
    }
}

/// All sources below `folder`.
fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    // A published copy of this package lies alone.
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| match path.extension() {
            Some(end) if end == "rs" => vec![path],
            _ => sources(&path),
        })
        .collect()
}

/// Without this, a function that the handle or the guard gets in the runtime would hide an accessor in silence.
#[test]
fn every_function_of_the_runtime_is_known() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-value/src");
    let mut unknown = std::collections::BTreeSet::new();
    for path in sources(&folder) {
        let file = syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap();
        for item in file.items {
            let syn::Item::Impl(implementation) = item else { continue };
            let syn::Type::Path(ty) = &*implementation.self_ty else { continue };
            let segment = ty.path.segments.last().unwrap();
            let name = segment.ident.to_string();
            if implementation.trait_.is_some() || (name != "Synchronized" && name != "Guard") {
                continue;
            }
            // Those of an array hide nothing: it has no fields.
            let is_array = |argument: &_| matches!(argument, syn::GenericArgument::Type(syn::Type::Slice(_)));
            if let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments
                && arguments.args.iter().any(is_array)
            {
                continue;
            }
            for item in implementation.items {
                let syn::ImplItem::Fn(function) = item else { continue };
                let name = function.sig.ident.to_string();
                if matches!(function.vis, syn::Visibility::Public(_)) && fields(&format!("{name}: u8")).is_empty() {
                    unknown.insert(name);
                }
            }
        }
    }
    assert!(unknown.is_empty(), "accessors could be hidden by {unknown:?}");
}
