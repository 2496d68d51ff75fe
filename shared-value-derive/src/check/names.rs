use std::collections::HashMap;

use proc_macro2::Span;
use syn::ext::IdentExt;

use crate::context::Context;
use crate::model::Field;

/// Functions of the handle that the fallback generates in place of the runtime's.
const GENERATED: [&str; 13] = [
    "new",
    "create",
    "open",
    "open_or_create",
    "create_file",
    "open_file",
    "open_or_create_file",
    "lock",
    "try_lock",
    "lock_timeout",
    "load",
    "store",
    "update",
];

/// Functions of the handle that would hide an accessor, and those that each type has by a trait of the prelude.
const HANDLE: [&str; 48] = [
    "version",
    "get",
    "set",
    "at",
    "set_at",
    "clone",
    "clone_from",
    "deref",
    "drop",
    "into",
    "to_owned",
    "try_into",
    "segment_name",
    "lock_state",
    "recoveries",
    "read_only",
    "wait_for",
    "changes",
    "changed",
    "pass_to",
    "inherited",
    "token",
    "from_token",
    "send_to",
    "receive_from",
    "unlink",
    "create_unlocked",
    "from_token_read_only",
    "from_token_unlocked",
    "inherited_read_only",
    "inherited_unlocked",
    "open_file_read_only",
    "open_read_only",
    "open_unlocked",
    "receive_read_only_from",
    "receive_unlocked_from",
    "try_update",
    "unlocked",
    "from_ref",
    "zeroed",
    "create_from",
    "create_zeroed",
    "open_or_create_zeroed",
    "create_file_from",
    "create_file_zeroed",
    "load_boxed",
    "store_from",
    "update_boxed",
];

/// The same of the guard, where the handle has none of this name.
const GENERATED_GUARD: [&str; 2] = ["commit", "rollback"];
const GUARD: [&str; 1] = ["recovered"];

/// A field one of whose accessors has a name that is taken.
pub(crate) struct Collision {
    /// The number of the field.
    pub(crate) field: usize,
    /// Whether the accessor would be defined twice in one impl.
    pub(crate) is_redefinition: bool,
    span: Span,
    message: String,
}

pub(super) fn check(context: &Context, fields: &[Field]) {
    for collision in collisions(fields) {
        context.at(collision.span, &collision.message);
    }
}

/// At most one collision for each field: the later of two fields is at fault.
pub(crate) fn collisions(fields: &[Field]) -> Vec<Collision> {
    let mut owners = HashMap::new();
    let mut collisions = Vec::new();
    for (number, field) in fields.iter().enumerate() {
        let names = accessors(field);
        let problem = names.iter().find_map(|name| taken(name, field, &owners));
        if let Some((is_redefinition, message)) = problem {
            collisions.push(Collision { field: number, is_redefinition, span: field.span_of_name(), message });
        } else {
            owners.extend(names.into_iter().map(|name| (name, field)));
        }
    }
    collisions
}

/// Whether `name` is taken in the same impl, and by whom.
fn taken(name: &str, field: &Field, owners: &HashMap<String, &Field>) -> Option<(bool, String)> {
    const CURE: &str = "with `#[shared(rename = \"..\")]`";
    let methods = [
        (true, "handle", GENERATED.as_slice()),
        (false, "handle", HANDLE.as_slice()),
        (true, "guard", GENERATED_GUARD.as_slice()),
        (false, "guard", GUARD.as_slice()),
    ];
    for (is_redefinition, owner, methods) in methods {
        if methods.contains(&name) {
            let message = format!("the {owner} has a method `{name}` already: give the accessors another name {CURE}");
            return Some((is_redefinition, message));
        }
    }
    let owner = owners.get(name)?;
    let message = format!(
        "`{}` and `{}` would both have an accessor `{name}`: give one of them another name {CURE}",
        owner.layout_name(),
        field.layout_name(),
    );
    Some((true, message))
}

/// All functions that are generated for `field`, on the handle and on the guard.
fn accessors(field: &Field) -> Vec<String> {
    let whole: &[(&str, &str)] = &[("", ""), ("set_", ""), ("update_", "")];
    let element: &[(&str, &str)] = &[("", "_at"), ("set_", "_at"), ("", "_read"), ("", "_write")];
    let atomic: &[(&str, &str)] = &[
        ("", ""),
        ("", "_store"),
        ("", "_fetch_add"),
        ("", "_fetch_sub"),
        ("", "_fetch_max"),
        ("", "_fetch_min"),
        ("", "_compare_exchange"),
    ];
    let affixes = match (field.is_atomic(), field.element()) {
        (true, _) => atomic.to_vec(),
        (false, Some(_)) => [whole, element].concat(),
        (false, None) => whole.to_vec(),
    };
    affixes
        .into_iter()
        .map(|(prefix, suffix)| field.accessor(prefix, suffix))
        .map(|accessor| accessor.unraw().to_string())
        .collect()
}
