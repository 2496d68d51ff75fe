//! `DynParts`: every part of a value that has a path of its own.

use crate::error::Error;
use crate::schema::place::Place;
use crate::schema::{DynKind, DynLayout};

impl DynLayout {
    /// Lists every part that has a path, in the order of memory: fields at every depth, and the elements of arrays of
    /// structs. The elements of other arrays have paths too, but are not listed.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Point { x: f64, y: f64 }
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Line { ends: [Point; 2], weights: [u16; 4] }
    ///
    /// let layout = DynLayout::of::<Line>()?;
    /// let parts: Vec<_> = layout.fields().map(|part| format!("{} @{}", part.path(), part.offset())).collect();
    /// assert_eq!(parts, [
    ///     "ends @0", "ends[0] @0", "ends[0].x @0", "ends[0].y @8", "ends[1] @16", "ends[1].x @16", "ends[1].y @24",
    ///     "weights @32",
    /// ]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn fields(&self) -> DynParts<'_> {
        DynParts::of(self)
    }

    /// Returns the part at a path such as `corners[1].x`; the empty path is the whole value.
    ///
    /// # Errors
    /// `NoSuchPart` if the value has no part at this path.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Point { x: f64, y: f64 }
    ///
    /// let layout = DynLayout::of::<[Point; 2]>()?;
    /// assert_eq!(layout.part("[1].y")?.offset(), 24);
    /// let error = layout.part("[1].z").unwrap_err();
    /// assert_eq!(error.to_string(), "no part `[1].z`: `[1]` has no such field, but `x`, `y`");
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn part(&self, path: &str) -> Result<DynPart<'_>, Error> {
        let Place { layout, offset, atomic, counters, .. } = Place::at(self, path)?;
        let (is_atomic, is_counter) = (atomic.is_some(), counters.is_some());
        Ok(DynPart { path: path.to_owned(), layout, offset, is_atomic, is_counter })
    }
}

/// The parts of a value, as [`DynLayout::fields`] lists them.
///
/// They are made one at a time: listing the parts of a million structs does not take memory for a million parts.
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct DynParts<'l> {
    /// The structs and arrays whose parts are being listed, from the value inwards.
    open: Vec<Open<'l>>,
    /// Whether the atomic fields of the outermost struct have words of their own. They do not if the value is a newtype.
    has_atomics: bool,
}

/// A struct or an array of structs whose parts are being listed.
#[derive(Clone, Debug)]
struct Open<'l> {
    path: String,
    layout: &'l DynLayout,
    offset: usize,
    next: usize,
}

/// A part of a value: its path, its offset and its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynPart<'l> {
    pub(crate) path: String,
    pub(crate) layout: &'l DynLayout,
    pub(crate) offset: usize,
    pub(crate) is_atomic: bool,
    pub(crate) is_counter: bool,
}

impl<'l> DynParts<'l> {
    pub(crate) fn of(value: &'l DynLayout) -> Self {
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
        let mut next = self.next;
        if let DynKind::Struct { fields } = &self.layout.kind {
            next += fields.iter().skip(next).take_while(|field| field.layout.is_reserved()).count();
        }
        self.next = next + 1;
        match &self.layout.kind {
            DynKind::Struct { fields } => {
                let field = fields.get(next)?;
                let separator = if self.path.is_empty() { "" } else { "." };
                Some(DynPart {
                    path: format!("{}{separator}{}", self.path, field.name),
                    layout: &field.layout,
                    offset: self.offset + field.offset,
                    is_atomic: field.is_atomic && has_atomics,
                    is_counter: field.is_counter,
                })
            }
            DynKind::Array { length, element } if next < *length => Some(DynPart {
                path: format!("{}[{next}]", self.path),
                layout: element,
                offset: self.offset + next * element.size,
                is_atomic: false,
                is_counter: false,
            }),
            _ => None,
        }
    }
}

/// Returns whether it is a struct, or an array of structs at any depth.
fn has_structs(layout: &DynLayout) -> bool {
    match &layout.unwrapped().kind {
        DynKind::Struct { .. } => true,
        DynKind::Array { element, .. } => has_structs(element),
        _ => false,
    }
}

impl<'l> DynPart<'l> {
    /// Returns the path, as [`DynValue::get`](crate::DynAccessors::get) takes it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the layout of the part.
    pub fn layout(&self) -> &'l DynLayout {
        self.layout
    }

    /// Returns the offset of the part in the value, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns whether the part is changed without the lock, and never rolled back: a `#[shared(atomic)]` field of the value
    /// itself.
    pub fn is_atomic(&self) -> bool {
        self.is_atomic
    }

    /// Returns whether the part counts in lanes, without the lock: a `#[shared(counter)]` field of the value, or an element of one.
    pub fn is_counter(&self) -> bool {
        self.is_counter
    }
}
