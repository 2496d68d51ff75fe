//! A layout as a Python module: ctypes structures, a numpy dtype, and a function that reads the value.

use std::fmt::Write as _;

use shared_value::{DynKind, DynLayout};

use crate::language::definitions::Definitions;
use crate::language::facts::{atomic_fields, element_of, fingerprint, vector_element_of};

/// Returns a module. `name` is the name of the value.
pub(crate) fn python(layout: &DynLayout, name: &str) -> String {
    let types = Definitions::of(layout, identifier);
    let mut text =
        format!("# Types of the shared value {name:?}, made by `shared-value layout`.\nimport ctypes\nimport mmap\n");
    for (unique, layout) in types.iter() {
        define(unique, layout, &types, &mut text);
    }
    let (element, kind) = match element_of(layout) {
        Some(element) => (element, "an element of the value"),
        None => (layout, "the value"),
    };
    let _ = write!(
        text,
        "\n# The type of {kind}.\nValue = {}\n\ntry:\n    import numpy\n\n    DTYPE = {}\nexcept ImportError:\n    DTYPE = None\n",
        ctype(element, &types),
        dtype(element)
    );
    if vector_element_of(layout).is_some() {
        text.push_str("\n# The length of the value changes: `docs/format.md` says where it lies.\n");
        return text;
    }
    reader(layout, &mut text);
    text
}

fn identifier(name: &str) -> String {
    const KEYWORDS: [&str; 3] = ["None", "True", "False"];
    let text: String = name.chars().map(|one| if one.is_alphanumeric() { one } else { '_' }).collect();
    if KEYWORDS.contains(&text.as_str()) || ["Value", "DTYPE", "ATOMICS", "FINGERPRINT"].contains(&text.as_str()) {
        text + "_"
    } else {
        text
    }
}

fn define(name: &str, layout: &DynLayout, types: &Definitions<'_>, text: &mut String) {
    match layout.kind() {
        DynKind::Newtype { inner } => {
            let _ = writeln!(text, "\n{name} = {}", ctype(inner, types));
        }
        DynKind::Enum { repr, variants } => {
            let _ = writeln!(text, "\n{name} = {}", ctype(repr, types));
            let pairs: Vec<_> =
                variants.iter().map(|variant| format!("{:?}: {}", variant.name(), variant.number())).collect();
            let _ = writeln!(text, "{name}_NUMBERS = {{{}}}", pairs.join(", "));
        }
        DynKind::Struct { fields } => {
            // All padding is explicit, because `ctypes` has no alignments of its own before Python 3.13.
            let _ = write!(
                text,
                "\n\nclass {name}(ctypes.Structure):\n    _pack_ = 1\n    _layout_ = \"ms\"\n    _fields_ = [\n"
            );
            let mut end = 0;
            let pad = |text: &mut String, from: usize, to: usize| {
                if to > from {
                    let _ = writeln!(text, "        (\"_padding_{from}\", ctypes.c_ubyte * {}),", to - from);
                }
            };
            for field in fields {
                pad(text, end, field.offset());
                let _ = writeln!(text, "        ({:?}, {}),", field.name(), ctype(field.layout(), types));
                end = field.offset() + field.layout().size();
            }
            pad(text, end, layout.size());
            text.push_str("    ]\n");
        }
        _ => {}
    }
}

fn ctype(layout: &DynLayout, types: &Definitions<'_>) -> String {
    let bits = 8 * layout.size();
    match layout.kind() {
        DynKind::Bool => "ctypes.c_bool".to_owned(),
        DynKind::Float if bits == 32 => "ctypes.c_float".to_owned(),
        DynKind::Float => "ctypes.c_double".to_owned(),
        DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } | DynKind::Optional { is_signed } => {
            format!("ctypes.c_{}int{bits}", if *is_signed { "" } else { "u" })
        }
        DynKind::Char => "ctypes.c_uint32".to_owned(),
        DynKind::Text => format!("ctypes.c_char * {}", layout.size()),
        DynKind::Array { length, element } => format!("({}) * {length}", ctype(element, types)),
        DynKind::Newtype { .. } | DynKind::Struct { .. } | DynKind::Enum { .. } => types.name(layout),
        _ => format!("ctypes.c_ubyte * {}", layout.size()),
    }
}

fn dtype(layout: &DynLayout) -> String {
    let scalar = |code: &str| format!("numpy.dtype(\"<{code}{}\")", layout.size());
    match layout.kind() {
        DynKind::Bool => "numpy.dtype(\"?\")".to_owned(),
        DynKind::Char => "numpy.dtype(\"<U1\")".to_owned(),
        DynKind::Float => scalar("f"),
        DynKind::Integer { is_signed } | DynKind::Nonzero { is_signed } | DynKind::Optional { is_signed } => {
            scalar(if *is_signed { "i" } else { "u" })
        }
        DynKind::Text => format!("numpy.dtype(\"S{}\")", layout.size()),
        DynKind::Newtype { inner } => dtype(inner),
        DynKind::Enum { repr, .. } => dtype(repr),
        DynKind::Array { length, element } => format!("numpy.dtype(({}, ({length},)))", dtype(element)),
        DynKind::Struct { fields } => {
            let all = |part: &dyn Fn(&shared_value::DynField) -> String| {
                fields.iter().map(part).collect::<Vec<_>>().join(", ")
            };
            format!(
                "numpy.dtype({{\"names\": [{}], \"offsets\": [{}], \"formats\": [{}], \"itemsize\": {}}})",
                all(&|field| format!("{:?}", field.name())),
                all(&|field| field.offset().to_string()),
                all(&|field| dtype(field.layout())),
                layout.size()
            )
        }
        _ => format!("numpy.dtype(\"V{}\")", layout.size()),
    }
}

/// Writes a function that copies the committed value.
fn reader(layout: &DynLayout, text: &mut String) {
    let atomics: Vec<_> = atomic_fields(layout)
        .iter()
        .flat_map(|field| (0..field.count).map(move |number| (field.offset + number * field.size, field.size)))
        .map(|(offset, size)| format!("({offset}, {size})"))
        .collect();
    let _ = write!(
        text,
        r#"
# The hash of the schema, which the segment contains.
FINGERPRINT = 0x{fingerprint:016x}
# The offsets and sizes of the atomic fields, whose words are the last of the cell.
ATOMICS = [{atomics}]


def read_bytes(path):
    """Returns the committed value as bytes, for `Value.from_buffer_copy` and `numpy.frombuffer`. Takes no lock.

    On processors other than x86-64, a commit at the same moment could go unnoticed: Python has no fences.
    """
    with open(path, "rb") as file:
        memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    words = memoryview(memory)[: len(memory) // 8 * 8].cast("Q")
    if memory[:16] != b"\x89SHVAL\r\n\4\3\2\1\2\0\0\0" or words[18] != FINGERPRINT:
        raise ValueError(f"{{path}} does not hold this type")
    cell, size = words[16] // 8, words[21]
    slot = -(-size // 8)
    stride = slot if slot <= 4 else -(-slot // 8) * 8
    while True:
        version = words[cell + 5]
        start = cell + 8 + version % 2 * stride
        copy = bytearray(words[start : start + slot].tobytes()[:size])
        if words[cell + 5] == version:
            break
    own = cell + words[17] // 8 - len(ATOMICS)
    for number, (offset, length) in enumerate(ATOMICS):
        word = words[own + number]
        copy[offset : offset + length] = (word if length > 1 else word != 0).to_bytes(8, "little")[:length]
    return bytes(copy)
"#,
        fingerprint = fingerprint(layout),
        atomics = atomics.join(", ")
    );
}
