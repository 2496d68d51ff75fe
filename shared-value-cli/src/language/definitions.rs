//! `Definitions`: the types with names in a layout, in an order in which each can be defined.

use shared_value::{DynKind, DynLayout};

/// The types with names: structs, enums and newtypes. A type comes after the types that it contains.
pub(super) struct Definitions<'l> {
    types: Vec<(String, &'l DynLayout)>,
}

impl<'l> Definitions<'l> {
    /// Collects the types of a layout. `name` makes a name that the language can have.
    pub(super) fn of(layout: &'l DynLayout, name: impl Fn(&str) -> String) -> Self {
        let mut types = Vec::new();
        collect(layout, &name, &mut types);
        Self { types }
    }

    /// Returns the name of a type.
    pub(super) fn name(&self, layout: &DynLayout) -> String {
        let found = self.types.iter().find(|(_, known)| *known == layout);
        found.map_or_else(|| layout.name().to_owned(), |(name, _)| name.clone())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'l DynLayout)> {
        self.types.iter().map(|(name, layout)| (name.as_str(), *layout))
    }
}

fn collect<'l>(layout: &'l DynLayout, name: &impl Fn(&str) -> String, types: &mut Vec<(String, &'l DynLayout)>) {
    match layout.kind() {
        DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
            return collect(element, name, types);
        }
        // `SharedString` and `SharedBytes` are types of the library.
        DynKind::Newtype { inner } if matches!(inner.kind(), DynKind::Vector { .. }) => {}
        DynKind::Newtype { inner } => collect(inner, name, types),
        DynKind::Struct { fields } => fields.iter().for_each(|field| collect(field.layout(), name, types)),
        DynKind::Enum { .. } => {}
        _ => return,
    }
    if types.iter().any(|(_, known)| *known == layout) {
        return;
    }
    // Schemas leave out generic arguments, so two types may have one name.
    let plain = name(layout.name());
    let mut unique = plain.clone();
    let mut number = 2;
    while types.iter().any(|(known, _)| *known == unique) {
        unique = format!("{plain}_{number}");
        number += 1;
    }
    types.push((unique, layout));
}
