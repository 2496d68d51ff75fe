//! Layouts from typecodes, a notation in which other programs describe their values.

use std::fmt::Write as _;

use crate::error::Error;
use crate::layout::Item;
use crate::schema::dyn_layout::Typecode;
use crate::schema::meaning::{fields, number, packed};
use crate::schema::primitive::scalar;
use crate::schema::{DynKind, DynLayout};

impl DynLayout {
    /// Reads a typecode: the notation of Python's buffer protocol (PEP 3118), as
    /// [`SharedValue::TYPECODE`](crate::SharedValue::TYPECODE) holds it and numpy prints it.
    ///
    /// The fields lie one after the other, and padding is explicit, as in `7x`. A typecode has no names of types: structs
    /// are called `struct`, an enum becomes its integer, and a newtype becomes the type that it wraps. A field that Rust
    /// would place elsewhere, or that Rust has no type for, becomes [bytes](DynKind::Bytes) that are read and written as the
    /// typecode says.
    ///
    /// # Errors
    /// `InvalidLayout` if the text is not one item of the notation, if it does not say the byte order or has another byte
    /// order than this machine, or if it describes an impossible value.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Account { balance: i64, rate: f64, limits: [u16; 3], frozen: bool }
    ///
    /// # if cfg!(target_endian = "little") {
    /// assert_eq!(Account::TYPECODE, "T{<q:balance:<d:rate:(3)<H:limits:?:frozen:x}");
    /// # }
    /// let layout = DynLayout::from_typecode(Account::TYPECODE)?.renamed("Account")?;
    /// assert_eq!(layout, DynLayout::of::<Account>()?);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn from_typecode(typecode: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::InvalidLayout { name: typecode.to_owned(), reason: reason.to_owned() };
        let item = Item::parse(typecode).map_err(invalid)?;
        let layout = natural(&item).ok_or_else(|| {
            invalid("Rust has no type for this: make it a field, as in `T{<e:name:}`, which becomes bytes")
        })?;
        layout.checked()
    }
}

/// Returns the layout of the Rust type that corresponds to the item, if there is one.
fn natural(item: &Item) -> Option<DynLayout> {
    let size = item.size();
    match item {
        Item::Number { code, size } => scalar(number(*code)?.0).filter(|layout| layout.size == *size),
        Item::Text(_) => Some(DynLayout::new("FixedStr", size, 1, DynKind::Text)),
        Item::Padding(_) => Some(DynLayout::new("bytes", size, 1, DynKind::Bytes)),
        Item::Array { length, element } => {
            let element = Box::new(natural(element)?);
            Some(DynLayout::new("array", size, element.align, DynKind::Array { length: *length, element }))
        }
        Item::Struct(items) => {
            // The fields of a packed struct become bytes: its size is not a multiple of its fields' alignment.
            let largest = 1 << size.trailing_zeros().min(usize::BITS - 2);
            let field = |item: &Item, offset: usize| {
                let is_placed = |layout: &DynLayout| layout.align <= largest && offset.is_multiple_of(layout.align);
                Some(natural(item).filter(is_placed).unwrap_or_else(|| described(item)))
            };
            let fields = fields(items, field)?;
            let align = fields.iter().map(|field| field.layout.align).max().unwrap_or(1);
            Some(DynLayout::new("struct", size, align, DynKind::Struct { fields }))
        }
    }
}

/// Returns the layout of bytes that are read and written as the item says.
fn described(item: &Item) -> DynLayout {
    let mut text = String::new();
    write(item, &mut text);
    let typecode = Typecode { text, meaning: packed(item) };
    let layout = DynLayout::new("bytes", item.size(), 1, DynKind::Bytes);
    DynLayout { typecode: Some(Box::new(typecode)), ..layout }
}

/// Writes an item as a typecode of its own.
fn write(item: &Item, text: &mut String) {
    match item {
        Item::Number { code, size } => {
            if *size > 1 {
                text.push(if cfg!(target_endian = "little") { '<' } else { '>' });
            }
            text.push(*code);
        }
        Item::Text(size) => {
            let _ = write!(text, "{size}s");
        }
        Item::Padding(size) => {
            let _ = write!(text, "{size}x");
        }
        Item::Array { .. } => {
            // The notation does not nest shapes: one shape has all dimensions.
            let (mut dimensions, mut innermost) = (Vec::new(), item);
            while let Item::Array { length, element } = innermost {
                dimensions.push(length.to_string());
                innermost = element;
            }
            let _ = write!(text, "({})", dimensions.join(","));
            write(innermost, text);
        }
        Item::Struct(fields) => {
            text.push_str("T{");
            for (name, item) in fields {
                write(item, text);
                if !matches!(item, Item::Padding(_)) {
                    let _ = write!(text, ":{name}:");
                }
            }
            text.push('}');
        }
    }
}
