//! Reads the typecodes of `#[shared(pod)]` fields.

use crate::layout::Item;
use crate::schema::dyn_layout::Typecode;
use crate::schema::{DynField, DynKind, DynLayout};

impl Typecode {
    /// Returns the typecode of bytes of this size.
    pub(crate) fn of(text: &str, size: usize) -> Self {
        let meaning = Item::parse(text).ok().filter(|item| item.size() == size).and_then(|item| packed(&item));
        Self { text: text.to_owned(), meaning }
    }
}

/// Returns the name and the kind of a number, by its letter.
pub(crate) fn number(code: char) -> Option<(&'static str, DynKind)> {
    let (integer, float) = (|is_signed| DynKind::Integer { is_signed }, DynKind::Float);
    Some(match code {
        'b' => ("i8", integer(true)),
        'h' => ("i16", integer(true)),
        'i' | 'l' => ("i32", integer(true)),
        'q' => ("i64", integer(true)),
        'B' => ("u8", integer(false)),
        'H' => ("u16", integer(false)),
        'I' | 'L' => ("u32", integer(false)),
        'Q' => ("u64", integer(false)),
        'e' => ("f16", float),
        'f' => ("f32", float),
        'd' => ("f64", float),
        '?' => ("bool", DynKind::Bool),
        'c' | 'w' => ("char", DynKind::Char),
        _ => return None,
    })
}

/// Returns the layout of an item, with nothing aligned; `None` for an item without bytes.
pub(crate) fn packed(item: &Item) -> Option<DynLayout> {
    let size = item.size();
    let (name, kind) = match item {
        Item::Number { code, .. } => number(*code)?,
        Item::Text(_) => ("FixedStr", DynKind::Text),
        Item::Padding(_) => ("bytes", DynKind::Bytes),
        Item::Array { length, element } => {
            ("array", DynKind::Array { length: *length, element: Box::new(packed(element)?) })
        }
        Item::Struct(items) => ("", DynKind::Struct { fields: fields(items, |item, _| packed(item))? }),
    };
    (size > 0).then(|| DynLayout::new(name, size, 1, kind))
}

/// Returns the fields of a struct, without its padding.
pub(crate) fn fields(
    items: &[(String, Item)],
    layout: impl Fn(&Item, usize) -> Option<DynLayout>,
) -> Option<Vec<DynField>> {
    let mut end = 0;
    let mut fields = Vec::new();
    for (index, (name, item)) in items.iter().enumerate() {
        let offset = end;
        end += item.size();
        if !matches!(item, Item::Padding(_)) {
            // A missing or empty name is replaced by the number of the field, as in a tuple struct.
            let name = if name.is_empty() { index.to_string() } else { name.clone() };
            fields.push(DynField { name, offset, layout: layout(item, offset)?, is_atomic: false, is_counter: false });
        }
    }
    Some(fields)
}
