//! Finds fields whose accessors would get the same name, and getters that a method would hide.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;

use crate::context::Context;
use crate::model::Field;

/// Methods of handles, guards and parts. Each would hide a getter with its name.
pub(crate) const METHODS: [&str; 42] = [
    "as_fd",
    "as_ptr",
    "atomic_at",
    "atomic_part",
    "changes",
    "commit",
    "copy_from",
    "counter_at",
    "counter_part",
    "get",
    "inherited_entry",
    "is_current",
    "is_retired",
    "load",
    "load_boxed",
    "load_timeout",
    "lock",
    "lock_id",
    "lock_owned",
    "lock_owned_timeout",
    "lock_state",
    "lock_timeout",
    "part",
    "part_at",
    "pass_to",
    "read",
    "read_only",
    "recovered",
    "recoveries",
    "rollback",
    "segment_name",
    "send_to",
    "set",
    "token",
    "try_lock",
    "try_lock_owned",
    "try_update",
    "unlink",
    "update",
    "version",
    "wait_for",
    "within",
];

/// Methods that handles, guards and parts have from traits which are always in scope.
const OF_TRAITS: [&str; 8] = ["clone", "clone_from", "clone_into", "deref", "drop", "into", "to_owned", "try_into"];

/// Two fields whose accessors would have the same name.
pub(crate) struct Collision {
    /// The number of the later field, which gets the error.
    pub(crate) field: usize,
    span: Span,
    message: String,
}

pub(super) fn check(context: &Context, fields: &[Field]) {
    for collision in collisions(fields) {
        context.at(collision.span, &collision.message);
    }
}

/// Returns whether a method of handles, guards or parts would hide an accessor of this name.
pub(crate) fn is_hidden(accessor: &Ident) -> bool {
    let accessor = accessor.unraw();
    METHODS.iter().chain(&OF_TRAITS).any(|method| accessor == method)
}

/// Returns the collisions, at most one for each field.
pub(crate) fn collisions(fields: &[Field]) -> Vec<Collision> {
    let mut owners = HashMap::<String, &Field>::new();
    let mut collisions = Vec::new();
    for (number, field) in fields.iter().enumerate() {
        let names = accessors(field);
        if let Some((name, owner)) = names.iter().find_map(|name| Some((name, owners.get(name)?))) {
            let message = format!(
                "`{}` and `{}` would both have an accessor `{name}`: give one of them another name",
                owner.layout_name(),
                field.layout_name(),
            );
            collisions.push(Collision { field: number, span: field.span, message });
        } else {
            owners.extend(names.into_iter().map(|name| (name, field)));
        }
    }
    collisions
}

/// Returns the names of all functions that are generated for `field`.
fn accessors(field: &Field) -> Vec<String> {
    let getter = field.getter();
    let is_hidden = is_hidden(&getter);
    let prefixes: &[&str] = match (field.is_atomic() || field.is_counter(), is_hidden) {
        (true, true) => &["in_"],
        (true, false) => &[""],
        (false, true) => &["in_", "set_", "update_"],
        (false, false) => &["", "in_", "set_", "update_"],
    };
    prefixes.iter().map(|prefix| field.accessor(prefix).unraw().to_string()).collect()
}
