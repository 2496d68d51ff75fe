//! A layout as a C header, with a function that reads the value.

use std::collections::HashSet;
use std::fmt::Write as _;

use shared_value::{DynField, DynKind, DynLayout};

use crate::language::definitions::Definitions;
use crate::language::facts::{atomic_fields, element_of, fingerprint};

const KEYWORDS: [&str; 44] = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "bool",
    "true",
    "false",
    "class",
    "new",
    "this",
    "template",
    "typeof",
    "asm",
    "namespace",
];

/// Returns a header. `name` is the name of the value.
pub(crate) fn c(layout: &DynLayout, name: &str) -> String {
    let types = Definitions::of(layout, identifier);
    let mut text =
        format!("/* Types of the shared value {name:?}, made by `shared-value layout`. */\n").replace("*/ ", "* / ");
    text.push_str("#pragma once\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n");
    for (unique, layout) in types.iter() {
        text.push('\n');
        define(unique, layout, &types, &mut text);
    }
    if let Some(element) = element_of(layout) {
        let _ = writeln!(
            text,
            "\n/* An element of the value. */\ntypedef {};",
            declaration(element, "value_element", &types)
        );
        let _ = writeln!(text, "_Static_assert(sizeof(value_element) == {}, \"size\");", element.size());
        return text;
    }
    let _ = writeln!(text, "\n/* The value. */\ntypedef {};", declaration(layout, "value_type", &types));
    let _ = writeln!(text, "_Static_assert(sizeof(value_type) == {}, \"size\");", layout.size());
    reader(layout, &mut text);
    text
}

/// Makes a name that C can have.
fn identifier(name: &str) -> String {
    let mut text: String = name.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '_' }).collect();
    if text.starts_with(|one: char| one.is_ascii_digit()) {
        text = format!("field_{text}");
    }
    if KEYWORDS.contains(&text.as_str()) {
        text.push('_');
    }
    text
}

/// Makes the names of fields, which must differ.
fn names(fields: &[DynField]) -> Vec<String> {
    let mut taken = HashSet::new();
    let unique = |field: &DynField| {
        let mut name = identifier(field.name());
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        name
    };
    fields.iter().map(unique).collect()
}

fn define(name: &str, layout: &DynLayout, types: &Definitions<'_>, text: &mut String) {
    match layout.kind() {
        DynKind::Newtype { inner } => {
            let _ = writeln!(text, "typedef {};", declaration(inner, name, types));
        }
        DynKind::Enum { repr, variants } => {
            let integer = scalar(repr);
            let _ = writeln!(text, "typedef {integer} {name};");
            for variant in variants {
                // The least number of all has no literal.
                let number = match variant.number() {
                    number if number == i128::from(i64::MIN) => "-9223372036854775807LL - 1".to_owned(),
                    number if number > i128::from(i64::MAX) => format!("{number}ULL"),
                    number => format!("{number}LL"),
                };
                let _ = writeln!(text, "#define {name}_{} (({integer})({number}))", identifier(variant.name()));
            }
        }
        DynKind::Struct { fields } => {
            let _ = writeln!(text, "typedef struct {name} {{");
            let names = names(fields);
            for (number, (field, own)) in fields.iter().zip(&names).enumerate() {
                // The first field carries the alignment of the struct.
                let natural = if let DynKind::Bytes = field.layout().kind() { 1 } else { field.layout().align() };
                let wanted = if number == 0 { layout.align() } else { field.layout().align() };
                let align = if wanted > natural { format!("_Alignas({wanted}) ") } else { String::new() };
                let atomic = if field.is_atomic() { " /* atomic */" } else { "" };
                let _ = writeln!(text, "  {align}{};{atomic}", declaration(field.layout(), own, types));
            }
            let _ = writeln!(text, "}} {name};");
            for (field, own) in fields.iter().zip(&names) {
                let _ = writeln!(text, "_Static_assert(offsetof({name}, {own}) == {}, \"{own}\");", field.offset());
            }
            let _ = writeln!(text, "_Static_assert(sizeof({name}) == {}, \"size\");", layout.size());
        }
        _ => {}
    }
}

/// Returns the declaration of a name with a type.
fn declaration(layout: &DynLayout, name: &str, types: &Definitions<'_>) -> String {
    let (mut innermost, mut dimensions) = (layout, String::new());
    while let DynKind::Array { length, element } = innermost.kind() {
        let _ = write!(dimensions, "[{length}]");
        innermost = element;
    }
    match innermost.kind() {
        DynKind::Text => format!("char {name}{dimensions}[{}]", innermost.size()),
        DynKind::Bytes | DynKind::Reserved => format!("unsigned char {name}{dimensions}[{}]", innermost.size()),
        DynKind::Struct { .. } | DynKind::Enum { .. } | DynKind::Newtype { .. } => {
            format!("{} {name}{dimensions}", types.name(innermost))
        }
        _ => format!("{} {name}{dimensions}", scalar(innermost)),
    }
}

fn scalar(layout: &DynLayout) -> &'static str {
    let is_signed = match layout.kind() {
        DynKind::Float => return if layout.size() == 4 { "float" } else { "double" },
        DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } | DynKind::Optional { is_signed } => *is_signed,
        // A `bool` with other bits than 0 and 1 would be undefined behaviour.
        _ => false,
    };
    match (layout.size(), is_signed) {
        (1, true) => "int8_t",
        (1, false) => "uint8_t",
        (2, true) => "int16_t",
        (2, false) => "uint16_t",
        (4, true) => "int32_t",
        (4, false) => "uint32_t",
        (_, true) => "int64_t",
        (_, false) => "uint64_t",
    }
}

/// Writes a function that copies the committed value.
fn reader(layout: &DynLayout, text: &mut String) {
    let words: usize = atomic_fields(layout).iter().map(|field| field.count).sum();
    let slot = layout.size().div_ceil(8);
    let stride = if slot <= 4 { slot } else { slot.next_multiple_of(8) };
    let _ = write!(
        text,
        r"
/* The hash of the schema, which the segment contains. */
#define VALUE_FINGERPRINT 0x{fingerprint:016x}ULL

/* Copies the committed value out of a segment that is mapped for reading. Takes no lock. Returns 0, or -1 if the segment holds
 * another type. */
static inline int read_value(const void *segment, value_type *value) {{
  static const unsigned char start[16] = {{0x89, 'S', 'H', 'V', 'A', 'L', 13, 10, 4, 3, 2, 1, 2, 0, 0, 0}};
  const uint64_t *words = (const uint64_t *)segment;
  if (memcmp(segment, start, sizeof start) != 0 || words[18] != VALUE_FINGERPRINT || words[21] != sizeof *value)
    return -1;
  const uint64_t *cell = words + words[16] / 8;
  uint64_t version;
  do {{
    version = __atomic_load_n(&cell[5], __ATOMIC_ACQUIRE);
    const uint64_t *slot = cell + 8 + (version & 1) * {stride};
    for (size_t word = 0; word < {slot}; word++) {{
      uint64_t copy = __atomic_load_n(&slot[word], __ATOMIC_RELAXED);
      size_t rest = sizeof *value - 8 * word;
      memcpy((char *)value + 8 * word, &copy, rest < 8 ? rest : 8);
    }}
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
  }} while (__atomic_load_n(&cell[5], __ATOMIC_RELAXED) != version);
",
        fingerprint = fingerprint(layout)
    );
    if words > 0 {
        let _ = writeln!(text, "  const uint64_t *atomics = cell + words[17] / 8 - {words};");
    }
    for field in atomic_fields(layout) {
        let convert = if field.is_bool { " != 0" } else { "" };
        let _ = write!(
            text,
            "  for (size_t word = 0; word < {count}; word++) {{\n    uint64_t copy = __atomic_load_n(&atomics[{first} + word], \
             __ATOMIC_ACQUIRE){convert};\n    memcpy((char *)value + {offset} + {size} * word, &copy, {size});\n  }}\n",
            count = field.count,
            first = field.word,
            offset = field.offset,
            size = field.size,
        );
    }
    text.push_str("  return 0;\n}\n");
}
