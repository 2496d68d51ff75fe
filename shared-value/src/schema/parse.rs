//! Reads schemas. Their text may come from any process.
//!
//! The memory of a layout is bounded by the length of its text: counts in the text reserve no memory. The nesting depth of
//! types has a limit. Sizes and offsets are checked here, once: all code that uses a layout relies on every part lying
//! inside its parent.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::Error;
use crate::format::Invalid;
use crate::layout::{MOST_LANES, SharedValue, schema_text};
use crate::schema::dyn_layout::{Typecode, invalid_layout};
use crate::schema::primitive::{range, scalar};
use crate::schema::text::{Expression, Lines, invalid, is_of_name, quoted};
use crate::schema::{DynField, DynKind, DynLayout, DynVariant};

/// The longest schema, in bytes: a layout takes about twenty times the memory of its text.
const LONGEST: usize = 1 << 20;

/// The most bytes of typecodes that are read: the meaning of a typecode takes up to 300 times the memory of its text.
const LONGEST_TYPECODES: usize = 1 << 16;

/// The maximum nesting depth of types: functions that walk a layout recurse, and the stack is limited.
const DEEPEST: usize = 128;

/// The largest value, in bytes.
const LARGEST: usize = isize::MAX as usize;

const BYTE_ORDER: &str = if cfg!(target_endian = "little") { "little-endian" } else { "big-endian" };

impl DynLayout {
    /// Reads a schema in the form that segments hold. `docs/format.md` has the grammar.
    ///
    /// # Errors
    /// `InvalidLayout` if the text is not a schema of this machine's byte order, if it describes no possible type (fields
    /// that overlap or lie outside of their struct, sizes that do not agree), or if it has more than 128 types inside of
    /// each other or more than 1 MiB of text.
    ///
    /// ```
    /// use shared_value::{DynLayout, Error};
    ///
    /// let Err(Error::InvalidLayout { reason, .. }) = DynLayout::parse("Point\nx: f65 @0\n") else { panic!() };
    /// assert_eq!(reason, "expected the lines of the fields of `f65`, found nothing more");
    /// ```
    pub fn parse(schema: &str) -> Result<Self, Error> {
        read(schema).map_err(|invalid| invalid_layout("(schema)", &invalid))
    }

    /// Returns the layout of a type that this program knows.
    ///
    /// # Errors
    /// `InvalidLayout` if the type has more than 128 types inside of each other, or a schema of more than 1 MiB.
    pub fn of<T: SharedValue>() -> Result<Self, Error> {
        Self::parse(&schema_text(T::LAYOUT))
    }
}

/// Returns the layout that a schema describes.
pub(crate) fn read(schema: &str) -> Result<DynLayout, Invalid> {
    if schema.len() > LONGEST {
        return Err(invalid(format!("at most {LONGEST} bytes"), format!("{} bytes", schema.len())));
    }
    let mut lines = Lines { rest: schema, typecodes: 0 };
    let heading = lines.next("the type of the value")?;
    let mut path = String::new();
    let mut text = Expression { rest: heading };
    let layout = Parser { lines: &mut lines, path: &mut path, base: 0 }.layout(&mut text, 0)?;
    text.end()?;
    // The last line of a struct is its size already.
    match (&layout.kind, layout.unsized_element()) {
        (DynKind::Struct { .. }, _) => {}
        (_, Some(element)) => {
            lines.expect(&format!("{heading}: {} bytes each, align {}", element.size, element.align))?;
        }
        _ => lines.expect(&format!("{heading}: {} bytes, align {}", layout.size, layout.align))?,
    }
    lines.expect(BYTE_ORDER)?;
    if lines.rest.is_empty() { Ok(layout) } else { Err(invalid("the end of the text", quoted(lines.rest))) }
}

/// Returns the layout of a value of this size, given its schema.
pub(crate) fn layout_of(name: &str, schema: &str, size: usize) -> Result<DynLayout, Error> {
    read(schema).and_then(|layout| layout.of_size(size)).map_err(|invalid| invalid.of(name))
}

/// Reads a type, and the lines of its fields.
struct Parser<'r, 't> {
    lines: &'r mut Lines<'t>,
    /// The path of the type in the value.
    path: &'r mut String,
    /// The offset of the type in the value; in an array, that of the first element.
    base: usize,
}

impl<'t> Parser<'_, 't> {
    fn layout(&mut self, text: &mut Expression<'t>, depth: usize) -> Result<DynLayout, Invalid> {
        if depth == DEEPEST {
            return Err(invalid(format!("at most {DEEPEST} types inside of each other"), "more"));
        }
        if text.takes("[") {
            return self.array(text, depth);
        }
        if text.takes("FixedStr<") {
            let size = text.number()?;
            text.expect(">")?;
            return sized(DynLayout::new("FixedStr", size, 1, DynKind::Text));
        }
        if text.takes("bytes<") {
            let size = text.number()?;
            text.expect(", align ")?;
            let align = text.number()?;
            text.expect(">")?;
            return sized(DynLayout::new("bytes", size, align, DynKind::Bytes));
        }
        if text.takes("Reserved<") {
            let size = text.number()?;
            text.expect(">")?;
            return sized(DynLayout::new("Reserved", size, 1, DynKind::Reserved));
        }
        if text.takes("Option<") {
            let name = format!("Option<{}>", text.name()?);
            text.expect(">")?;
            return scalar(&name).ok_or_else(|| invalid("an option of a `NonZero` integer", quoted(&name)));
        }
        let name = text.name()?;
        if text.takes("(") {
            return self.wrapper(name, text, depth);
        }
        if self.is_field_next() {
            return self.structure(name, depth);
        }
        scalar(name).ok_or_else(|| {
            let found = self.lines.peek().map_or_else(|| "nothing more".to_owned(), quoted);
            invalid(format!("the lines of the fields of {}", quoted(name)), found)
        })
    }

    /// Reads an array, after its `[`.
    fn array(&mut self, text: &mut Expression<'t>, depth: usize) -> Result<DynLayout, Invalid> {
        let is_value = depth == 0 && self.path.is_empty();
        let outside = self.path.len();
        self.path.push_str("[]");
        let element = Box::new(self.layout(text, depth + 1)?);
        self.path.truncate(outside);
        let align = element.align;
        if is_value && text.takes("]") {
            return Ok(DynLayout::new("array", 0, align, DynKind::Slice { element }));
        }
        text.expect("; ")?;
        if outside == 0 && text.takes("..]") {
            return Ok(DynLayout::new("vector", 0, align, DynKind::Vector { element }));
        }
        let length: usize = text.number()?;
        text.expect("]")?;
        let size = element.size.checked_mul(length).filter(|size| *size <= LARGEST);
        let size = size.ok_or_else(|| {
            invalid(format!("at most {LARGEST} bytes"), format!("{length} elements of {}", element.size))
        })?;
        sized(DynLayout::new("array", size, align, DynKind::Array { length, element }))
    }

    /// Reads a newtype or an enum, after its `(`.
    fn wrapper(&mut self, name: &str, text: &mut Expression<'t>, depth: usize) -> Result<DynLayout, Invalid> {
        let name = Cow::Owned(name.to_owned());
        let mut ahead = Expression { rest: text.rest };
        if let Ok(repr) = ahead.name()
            && ahead.takes(": ")
        {
            *text = ahead;
            let repr = scalar(repr).filter(|repr| matches!(repr.kind, DynKind::Integer { .. }));
            let repr = Box::new(repr.ok_or_else(|| invalid("an integer", quoted(&name)))?);
            let variants = variants(&repr, text)?;
            let DynLayout { size, align, .. } = *repr;
            return Ok(DynLayout::new(name, size, align, DynKind::Enum { repr, variants }));
        }
        let inner = Box::new(self.layout(text, depth + 1)?);
        text.expect(")")?;
        Ok(DynLayout::new(name, inner.size, inner.align, DynKind::Newtype { inner }))
    }

    /// Returns whether the next line is a field of the type at this path.
    fn is_field_next(&self) -> bool {
        self.lines.peek().is_some_and(|line| self.field_of(line).is_some() && line.contains(" @"))
    }

    /// Splits the line of a field at this path into its name and the rest.
    fn field_of(&self, line: &'t str) -> Option<(&'t str, &'t str)> {
        let mut rest = line.strip_prefix(self.path.as_str())?;
        if !self.path.is_empty() {
            rest = rest.strip_prefix('.')?;
        }
        let (name, rest) = rest.split_once(": ")?;
        (!name.is_empty() && name.chars().all(is_of_name)).then_some((name, rest))
    }

    /// Reads a struct, whose fields are the next lines.
    fn structure(&mut self, name: &str, depth: usize) -> Result<DynLayout, Invalid> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        let (mut end, mut lanes) = (0, 0);
        let is_counter = |field: &DynField| field.is_counter;
        while self.is_field_next() {
            let line = self.lines.next("a field")?;
            let (field, own_lanes) = self.field(line, depth)?;
            if own_lanes > 0 && std::mem::replace(&mut lanes, own_lanes) != own_lanes && fields.iter().any(is_counter) {
                return Err(invalid("one number of lanes for all counters", quoted(line)));
            }
            // If fields overlapped, a change of one could make the other invalid.
            if field.offset < end {
                return Err(invalid(format!("an offset of {end} or more in {}", quoted(name)), quoted(line)));
            }
            end = field.offset + field.layout.size;
            if let Some((name, _)) = self.field_of(line)
                && !names.insert(name)
            {
                return Err(invalid("one field of a name", quoted(line)));
            }
            fields.push(field);
        }
        // For the value itself, the path is empty: the name of its struct takes its place.
        let what = if self.path.is_empty() { name } else { self.path.as_str() };
        let line = self.lines.next(format!("the size of {}", quoted(what)))?;
        let mut text = Expression { rest: line };
        text.expect(what)?;
        text.expect(": ")?;
        let size = text.number()?;
        text.expect(" bytes, align ")?;
        let align = text.number()?;
        let evolves = text.takes(", evolves");
        text.end()?;
        // No other version could use the bytes.
        if !evolves && fields.iter().any(|field| field.layout.is_reserved()) {
            return Err(invalid("`, evolves` behind the size of a struct with reserved bytes", quoted(line)));
        }
        // A field that ends after its struct would lie in another part of the value.
        if end > size {
            return Err(invalid(format!("at least {end} bytes, where its fields end"), quoted(line)));
        }
        if fields.iter().any(|field| field.layout.align > align) {
            return Err(invalid("the alignment of every field", quoted(line)));
        }
        let layout = DynLayout::new(name.to_owned(), size, align, DynKind::Struct { fields });
        sized(DynLayout { evolves, lanes, ..layout })
    }

    /// Reads a field, given its line. Returns it with the number of its lanes.
    fn field(&mut self, line: &'t str, depth: usize) -> Result<(DynField, usize), Invalid> {
        let (name, rest) = self.field_of(line).ok_or_else(|| invalid("a field", quoted(line)))?;
        let (text, offset) = rest.rsplit_once(" @").ok_or_else(|| invalid("an offset behind ` @`", quoted(line)))?;
        let mut offset_text = Expression { rest: offset };
        let place: usize = offset_text.number()?;
        offset_text.end()?;
        let offset = place
            .checked_sub(self.base)
            .ok_or_else(|| invalid(format!("an offset of {} or more", self.base), quoted(line)))?;
        let mut text = Expression { rest: text };
        let is_atomic = text.takes("atomic ");
        let mut lanes = 0;
        if !is_atomic && text.takes("lanes<") {
            lanes = text.number()?;
            text.expect("> ")?;
            if lanes == 0 || lanes > MOST_LANES {
                return Err(invalid(format!("between 1 and {MOST_LANES} lanes"), quoted(line)));
            }
            // Only there the cell has lanes.
            if depth > 0 || !self.path.is_empty() {
                return Err(invalid("counters only as fields of the value itself", quoted(line)));
            }
        }
        let outside = self.path.len();
        if outside > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let mut layout = Parser { lines: self.lines, path: self.path, base: place }.layout(&mut text, depth + 1)?;
        self.path.truncate(outside);
        if text.takes(" as ") {
            if layout.kind != DynKind::Bytes {
                return Err(invalid("no typecode but that of bytes", quoted(line)));
            }
            let typecode = text.take_while(|_| true);
            self.lines.typecodes += typecode.len();
            layout.typecode = Some(Box::new(if self.lines.typecodes <= LONGEST_TYPECODES {
                Typecode::of(typecode, layout.size)
            } else {
                Typecode { text: typecode.to_owned(), meaning: None }
            }));
        }
        text.end()?;
        if place.checked_add(layout.size).is_none_or(|end| end > LARGEST) {
            return Err(invalid(format!("an end below {LARGEST}"), quoted(line)));
        }
        if !offset.is_multiple_of(layout.align) {
            return Err(invalid(format!("a multiple of {}", layout.align), quoted(line)));
        }
        // An atomic value has a word of its own, and each element of an atomic array has one too.
        let atomic = if let DynKind::Array { element, .. } = &layout.kind { &**element } else { &layout };
        if is_atomic && !is_atomic_value(atomic) {
            return Err(invalid("an atomic `u64`, `i64`, `f64` or `bool`, or an array of them", quoted(line)));
        }
        if lanes > 0 && !(is_atomic_value(atomic) && atomic.name == "u64") {
            return Err(invalid("a counter of type `u64`, or an array of them", quoted(line)));
        }
        Ok((DynField { name: name.to_owned(), offset, layout, is_atomic, is_counter: lanes > 0 }, lanes))
    }
}

/// Returns whether an atomic word can hold the type. A struct may have the name of a primitive.
fn is_atomic_value(layout: &DynLayout) -> bool {
    let is_primitive = matches!(layout.kind, DynKind::Integer { .. } | DynKind::Float | DynKind::Bool);
    is_primitive && matches!(&*layout.name, "u64" | "i64" | "f64" | "bool")
}

/// Reads the variants of an enum, and the `)` after them.
fn variants(repr: &DynLayout, text: &mut Expression<'_>) -> Result<Vec<DynVariant>, Invalid> {
    let range = range(repr.size, repr.kind == DynKind::Integer { is_signed: true });
    let mut variants = Vec::new();
    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    loop {
        let before = text.rest;
        let name = text.name()?;
        text.expect("=")?;
        let is_negative = text.takes("-");
        let magnitude: u64 = text.number()?;
        let number = if is_negative { -i128::from(magnitude) } else { magnitude.into() };
        if !range.contains(&number) || (is_negative && magnitude == 0) {
            return Err(invalid(format!("a number of {}", repr.name), quoted(before)));
        }
        // Two variants with one number could not be told apart.
        if !names.insert(name) || !numbers.insert(number) {
            return Err(invalid("one variant of a name or number", quoted(before)));
        }
        variants.push(DynVariant { name: name.to_owned(), number });
        if text.takes(")") {
            return Ok(variants);
        }
        text.expect(", ")?;
    }
}

/// Returns the layout if its size and its alignment agree.
pub(super) fn sized(layout: DynLayout) -> Result<DynLayout, Invalid> {
    let DynLayout { size, align, .. } = layout;
    if !align.is_power_of_two() {
        return Err(invalid("an alignment that is a power of two", align));
    }
    if size == 0 || size > LARGEST || !size.is_multiple_of(align) {
        return Err(invalid(format!("a size between 1 and {LARGEST} that is a multiple of {align}"), size));
    }
    Ok(layout)
}
