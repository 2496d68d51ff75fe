//! `layout`: the type of a value in another language.

use clap::{ArgGroup, Args};
use serde::Serialize;
use shared_value::DynLayout;

use crate::commands::create::layout_of;
use crate::failure::{Failure, Result};
use crate::language::{c, fingerprint, python, rust, typecode};
use crate::output::{Output, escaped};
use crate::value::type_text;

/// Print the type of a value in another language
///
/// Without an option, the schema.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("language"))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line, and they exclude each other")]
pub(crate) struct Layout {
    /// The value: `account`, `bank[alice]`, or a part of it
    name: String,
    /// Rust types that open the value
    #[arg(long, group = "language")]
    rust: bool,
    /// A C header with the offsets, and a function that reads the value
    #[arg(long, group = "language")]
    c: bool,
    /// A Python module: ctypes structures, a numpy dtype, and a function that reads the value
    #[arg(long, group = "language")]
    python: bool,
    /// JSON: the parts with their offsets
    #[arg(long, group = "language")]
    json: bool,
    /// A typecode: the notation of Python's buffer protocol (PEP 3118)
    #[arg(long, group = "language")]
    typecode: bool,
}

#[derive(Serialize)]
struct Described {
    #[serde(rename = "type")]
    type_name: String,
    size: usize,
    align: usize,
    fingerprint: String,
    typecode: String,
    parts: Vec<Part>,
    schema: String,
}

#[derive(Serialize)]
struct Part {
    path: String,
    #[serde(rename = "type")]
    type_name: String,
    offset: usize,
    size: usize,
    align: usize,
    atomic: bool,
    counter: bool,
}

pub(crate) fn run(arguments: &Layout, output: &mut Output) -> Result<()> {
    let layout = layout_of(&arguments.name)?;
    let name = &arguments.name;
    if arguments.json {
        return output.json(&described(&layout));
    }
    if layout.lanes() > 0 && (arguments.c || arguments.python) {
        let message = format!("`{name}` has counters, whose totals are sums of lanes: read it by `show` or `get`");
        return Err(Failure::unfit(message));
    }
    let text = match () {
        () if arguments.rust => rust::rust(&layout, name),
        () if arguments.c => c::c(&layout, name),
        () if arguments.python => python::python(&layout, name),
        () if arguments.typecode => typecode(&layout) + "\n",
        () => layout.to_string(),
    };
    text.lines().try_for_each(|line| output.line(&escaped(line)))
}

fn described(layout: &DynLayout) -> Described {
    let part = |part: shared_value::DynPart<'_>| Part {
        path: part.path().to_owned(),
        type_name: type_text(part.layout()),
        offset: part.offset(),
        size: part.layout().size(),
        align: part.layout().align(),
        atomic: part.is_atomic(),
        counter: part.is_counter(),
    };
    Described {
        type_name: type_text(layout),
        size: layout.size(),
        align: layout.align(),
        fingerprint: format!("{:016x}", fingerprint(layout)),
        typecode: typecode(layout),
        parts: layout.fields().map(part).collect(),
        schema: layout.to_string(),
    }
}
