//! Limits the size of one read or write: a schema of a few bytes can describe a value that is larger than all memory, or whose
//! data takes far more memory than its bytes.

use crate::error::Error;
use crate::schema::{DynKind, DynLayout};

/// The greatest number of bytes.
const BYTES: usize = 64 << 20;
/// The greatest number of numbers, texts and other leaves: each takes about 100 bytes as [`DynData`](crate::DynData).
const LEAVES: usize = 4 << 20;
/// The greatest number of leaves, structs, arrays and newtypes.
const NODES: usize = 3 * LEAVES;

/// How many nodes, and how many bytes of names, a value of each size may have.
const FREE_NODES: usize = 1 << 16;
const FREE_NAMES: usize = 1 << 20;
/// How many more each byte of the value allows for. Data repeats the names of a struct for each element of an array, and an
/// element can be wrapped in a hundred types that add no bytes.
const NODES_PER_BYTE: usize = 4;
const NAMES_PER_BYTE: usize = 64;

/// Checks that a part is small enough to be read or written as a whole.
///
/// # Errors
/// `Unsupported` if the part is too large.
pub(crate) fn check(layout: &DynLayout) -> Result<(), Error> {
    let Burden { leaves, nodes, names } = Burden::of(layout);
    let what = if layout.size > BYTES || leaves > LEAVES || nodes > NODES {
        "more than 64 MiB, 4 million numbers or 12 million parts at once: ask for parts of the value"
    } else if nodes > FREE_NODES.saturating_add(NODES_PER_BYTE.saturating_mul(layout.size)) {
        "more than 4 nested types for each byte of an array: ask for single elements"
    } else if names > FREE_NAMES.saturating_add(NAMES_PER_BYTE.saturating_mul(layout.size)) {
        "more than 64 bytes of names for each byte of an array: ask for single elements"
    } else {
        return Ok(());
    };
    Err(Error::Unsupported { what })
}

/// Checks that this many bytes are few enough to be read or written at once.
///
/// # Errors
/// `Unsupported` if there are more.
pub(crate) fn check_bytes(count: usize) -> Result<(), Error> {
    if count <= BYTES { Ok(()) } else { Err(Error::Unsupported { what: "more than 64 MiB at once" }) }
}

/// The memory that the data of a layout takes.
#[derive(Clone, Copy)]
struct Burden {
    leaves: usize,
    /// The leaves, and the types around them.
    nodes: usize,
    /// The bytes of all names.
    names: usize,
}

impl Burden {
    const LEAF: Self = Self { leaves: 1, nodes: 1, names: 0 };

    fn of(layout: &DynLayout) -> Self {
        let name = layout.name.len();
        match layout.kind() {
            DynKind::Array { length, element } => Self::of(element).times(*length).within(0),
            DynKind::Newtype { inner } => Self::of(inner).within(name),
            DynKind::Bytes => layout.meaning().map_or(Self::LEAF, Self::of),
            DynKind::Struct { fields } => {
                let empty = Self { leaves: 0, nodes: 0, names: 0 };
                let fields = fields.iter().map(|field| Self::of(&field.layout).named(field.name.len()));
                fields.fold(empty, Self::and).within(name)
            }
            DynKind::Enum { variants, .. } => {
                Self::LEAF.named(variants.iter().map(|variant| variant.name.len()).max().unwrap_or(0))
            }
            _ => Self::LEAF,
        }
    }

    fn times(self, count: usize) -> Self {
        Self {
            leaves: self.leaves.saturating_mul(count),
            nodes: self.nodes.saturating_mul(count),
            names: self.names.saturating_mul(count),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            leaves: self.leaves.saturating_add(other.leaves),
            nodes: self.nodes.saturating_add(other.nodes),
            names: self.names.saturating_add(other.names),
        }
    }

    /// Adds a type around it, with a name of this length.
    fn within(self, name: usize) -> Self {
        Self { nodes: self.nodes.saturating_add(1), ..self.named(name) }
    }

    fn named(self, name: usize) -> Self {
        Self { names: self.names.saturating_add(name), ..self }
    }
}
