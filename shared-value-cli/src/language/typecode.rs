//! A layout as a typecode: the notation of Python's buffer protocol.

use std::fmt::Write as _;

use shared_value::{DynKind, DynLayout};

/// Returns the typecode of a layout.
pub(crate) fn typecode(layout: &DynLayout) -> String {
    let mut text = String::new();
    write(layout, None, false, &mut text);
    text
}

/// Writes a layout. The bytes of a field may have a typecode of their own. Single bytes carry the byte order only if no sign of
/// it stands to the left.
fn write(layout: &DynLayout, own: Option<&str>, is_ordered: bool, text: &mut String) {
    let order = if cfg!(target_endian = "little") { '<' } else { '>' };
    let number = |text: &mut String, code: char| {
        if layout.size() > 1 || !is_ordered {
            text.push(order);
        }
        text.push(code);
    };
    let integer = |is_signed: bool| {
        let code = match layout.size() {
            1 => 'b',
            2 => 'h',
            4 => 'i',
            _ => 'q',
        };
        if is_signed { code } else { code.to_ascii_uppercase() }
    };
    match layout.kind() {
        DynKind::Bool => number(text, '?'),
        DynKind::Char => number(text, 'w'),
        DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } | DynKind::Optional { is_signed } => {
            number(text, integer(*is_signed));
        }
        DynKind::Float => number(text, if layout.size() == 4 { 'f' } else { 'd' }),
        DynKind::Text => {
            let _ = write!(text, "{}s", layout.size());
        }
        DynKind::Reserved => pad(text, layout.size()),
        DynKind::Newtype { inner } => write(inner, own, is_ordered, text),
        DynKind::Enum { repr, .. } => write(repr, None, is_ordered, text),
        DynKind::Array { .. } | DynKind::Slice { .. } | DynKind::Vector { .. } => {
            // The notation does not nest shapes: one shape has all dimensions.
            let (mut lengths, mut innermost) = (Vec::new(), layout);
            while let DynKind::Array { length, element } = innermost.kind() {
                lengths.push(length.to_string());
                innermost = element;
            }
            if let DynKind::Slice { element } | DynKind::Vector { element } = innermost.kind() {
                return write(element, None, is_ordered, text);
            }
            if let DynKind::Bytes = innermost.kind() {
                let _ = write!(text, "({},{})B", lengths.join(","), innermost.size());
                return;
            }
            let _ = write!(text, "({})", lengths.join(","));
            write(innermost, None, is_ordered, text);
        }
        DynKind::Struct { fields } => {
            text.push_str("T{");
            let mut end = 0;
            // Reserved bytes are padding.
            for field in fields.iter().filter(|field| !field.layout().is_reserved()) {
                pad(text, field.offset() - end);
                write(field.layout(), field.typecode(), end > 0, text);
                let _ = write!(text, ":{}:", field.name());
                end = field.offset() + field.layout().size();
            }
            pad(text, layout.size() - end);
            text.push('}');
        }
        _ => match own {
            Some(own) => text.push_str(own),
            None => {
                let _ = write!(text, "({})B", layout.size());
            }
        },
    }
}

fn pad(text: &mut String, bytes: usize) {
    match bytes {
        0 => {}
        1 => text.push('x'),
        _ => {
            let _ = write!(text, "{bytes}x");
        }
    }
}
