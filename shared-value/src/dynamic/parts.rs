//! `DynParts`: every part of a value that has a path of its own.

use crate::dynamic::{DynKind, DynLayout};

/// The parts of a value, as [`DynLayout::fields`] lists them.
///
/// They are made one by one: a value of a million structs can be listed without memory for as many.
#[derive(Clone, Debug)]
#[must_use = "iterators do nothing unless they are asked"]
pub struct DynParts<'l> {
    /// Those whose parts are being listed, from the value inwards.
    open: Vec<Open<'l>>,
    /// Whether atomic fields of the outermost struct are such: not where a newtype is the value.
    has_atomics: bool,
}

/// A struct or an array of structs, of which some parts were listed.
#[derive(Clone, Debug)]
struct Open<'l> {
    path: String,
    layout: &'l DynLayout,
    offset: usize,
    next: usize,
}

/// A part of a value: where it lies, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynPart<'l> {
    pub(super) path: String,
    pub(super) layout: &'l DynLayout,
    pub(super) offset: usize,
    pub(super) is_atomic: bool,
}

impl<'l> DynParts<'l> {
    pub(super) fn of(value: &'l DynLayout) -> Self {
        let has_atomics = matches!(value.kind, DynKind::Struct { .. });
        let value = value.unwrapped();
        let open = Open { path: String::new(), layout: value, offset: 0, next: 0 };
        Self { open: if has_structs(value) { vec![open] } else { Vec::new() }, has_atomics }
    }
}

impl<'l> Iterator for DynParts<'l> {
    type Item = DynPart<'l>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let has_atomics = self.has_atomics && self.open.len() == 1;
            let open = self.open.last_mut()?;
            let Some(part) = open.next_part(has_atomics) else {
                self.open.pop();
                continue;
            };
            let layout = part.layout.unwrapped();
            if has_structs(layout) {
                self.open.push(Open { path: part.path.clone(), layout, offset: part.offset, next: 0 });
            }
            return Some(part);
        }
    }
}

impl<'l> Open<'l> {
    fn next_part(&mut self, has_atomics: bool) -> Option<DynPart<'l>> {
        let next = self.next;
        self.next += 1;
        match &self.layout.kind {
            DynKind::Struct { fields } => {
                let field = fields.get(next)?;
                let separator = if self.path.is_empty() { "" } else { "." };
                Some(DynPart {
                    path: format!("{}{separator}{}", self.path, field.name),
                    layout: &field.layout,
                    offset: self.offset + field.offset,
                    is_atomic: field.is_atomic && has_atomics,
                })
            }
            DynKind::Array { length, element } if next < *length => Some(DynPart {
                path: format!("{}[{next}]", self.path),
                layout: element,
                offset: self.offset + next * element.size,
                is_atomic: false,
            }),
            _ => None,
        }
    }
}

/// Whether it is a struct, or an array of such at whatever depth.
fn has_structs(layout: &DynLayout) -> bool {
    match &layout.unwrapped().kind {
        DynKind::Struct { .. } => true,
        DynKind::Array { element, .. } => has_structs(element),
        _ => false,
    }
}

impl<'l> DynPart<'l> {
    /// Its path, as [`DynValue::get`](crate::DynValue::get) takes it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it is.
    pub fn layout(&self) -> &'l DynLayout {
        self.layout
    }

    /// Where it starts in the value, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether it is changed without the lock, and never rolled back: a `#[shared(atomic)]` field of the value itself.
    pub fn is_atomic(&self) -> bool {
        self.is_atomic
    }
}
