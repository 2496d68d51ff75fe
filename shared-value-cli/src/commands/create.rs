//! `create` and `rm`: new values, and names that are no longer needed.

use std::fs;
use std::io::Read;

use clap::Args;
use shared_value::{Arena, Capacity, Dyn, DynKind, DynLayout, DynValue, Filled, Initial, unlink};

use crate::commands::change::entry_of;
use crate::failure::{Code, Failure, Result};
use crate::progress::Progress;
use crate::target::{
    Brackets, Place, Selection, Step, Target, is_arena, parts, resolve, select, shown, split, unwrapped,
};
use crate::value::parse_data;

/// Create a value, a value of an arena, or an arena
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new name, a path with `/`, or a new key: `bank[alice]`
    name: String,
    /// The type: `u64`, `[f64; 3]`, `[f64]` with `--length`, `[u32; ..]`, `SharedString` or `SharedBytes` with `--capacity`,
    /// `FixedStr<20>`, a typecode such as `T{<q:balance:?:open:7x}`, a
    /// schema, `@FILE` or `-` for one from a file or the input, or `like:NAME` for the type of another value
    #[arg(required_unless_present = "arena")]
    layout: Option<String>,
    /// The value, as JSON or bare text. Without it, zeros
    #[arg(allow_hyphen_values = true)]
    value: Option<String>,
    /// Create an arena that can hold this many bytes
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["layout", "value"])]
    arena: Option<usize>,
    /// The number of elements of an array whose type has no length; the value is that of each element
    #[arg(long)]
    length: Option<usize>,
    /// The greatest number of elements, or of bytes, of a value whose length changes
    #[arg(long, conflicts_with = "length")]
    capacity: Option<usize>,
    /// The permissions, in octal digits; the umask is subtracted
    #[arg(long, default_value = "600", value_parser = octal)]
    mode: u32,
}

fn octal(text: &str) -> std::result::Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "expected three octal digits".to_owned())
}

pub(crate) fn create(Create { name, layout, value, arena, length, capacity, mode }: &Create) -> Result<()> {
    // The key of an existing arena, or a new name.
    if let Ok(Target { place, steps }) = split(name)
        && let Some((step @ Step::Brackets(_), rest)) = steps.split_first()
    {
        if !place.inspect()?.is_arena() {
            return Err(Failure::usage(format!("`{place}` exists, and is not an arena that could hold another value")));
        }
        if !rest.is_empty() {
            return Err(Failure::usage("a new value of an arena is named by its key alone, as in `bank[alice]`"));
        }
        let (Brackets::Plain(key) | Brackets::Key(key)) = entry_of(step)? else {
            return Err(Failure::usage("a new value has a key, and gets its id from the arena"));
        };
        let initial = initial(layout.as_deref().unwrap_or_default(), value.as_deref(), *length, *capacity)?;
        Arena::open(place.source())?.insert::<Dyn>(&key, initial)?;
        return Ok(());
    }
    let place = Place::of(name);
    let location = place.location()?;
    if let Some(bytes) = arena {
        Arena::options().mode(*mode).create(location, Capacity(*bytes))?;
        return Ok(());
    }
    let initial = initial(layout.as_deref().unwrap_or_default(), value.as_deref(), *length, *capacity)?;
    DynValue::options().mode(*mode).create(location, initial)?;
    Ok(())
}

fn initial<'a>(
    layout: &str,
    value: Option<&str>,
    length: Option<usize>,
    capacity: Option<usize>,
) -> Result<Initial<'a, Dyn>> {
    let layout = parse_layout(layout)?;
    if let Some(capacity) = capacity {
        return Ok(match value {
            Some(value) => {
                let data = parse_data(&layout, value);
                (layout, data, Capacity(capacity)).into()
            }
            None => (layout, Capacity(capacity)).into(),
        });
    }
    if matches!(unwrapped(&layout).kind(), DynKind::Vector { .. }) {
        return Err(Failure::usage(
            "a value whose length changes needs `--capacity`: the greatest number of its elements",
        ));
    }
    let element = match layout.kind() {
        DynKind::Slice { element } => Some((**element).clone()),
        _ => None,
    };
    Ok(match (element, length, value) {
        (Some(element), Some(length), value) => {
            let data = match value {
                Some(value) => parse_data(&element, value),
                None => element.decode(&vec![0; element.size()])?,
            };
            (layout, Filled(data, length)).into()
        }
        (Some(_), None, None) => {
            return Err(Failure::usage("an array whose type has no length needs `--length` or a value"));
        }
        (None, Some(_), _) => return Err(Failure::usage("`--length` is for types without a length, such as `[f64]`")),
        (_, None, Some(value)) => {
            let data = parse_data(unwrapped(&layout), value);
            (layout, data).into()
        }
        (None, None, None) => layout.into(),
    })
}

/// Reads a type, a typecode or a schema.
pub(crate) fn parse_layout(text: &str) -> Result<DynLayout> {
    if let Some(name) = text.strip_prefix("like:") {
        return layout_of(name);
    }
    if text == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return parse_text(&text);
    }
    if let Some(path) = text.strip_prefix('@') {
        let text =
            fs::read_to_string(path).map_err(|error| Failure::from(error).of(format!("cannot read `{path}`")))?;
        return parse_text(&text);
    }
    parse_text(text)
}

/// Reads a type, a typecode or a schema that is written out: a file that names itself would be read forever.
fn parse_text(text: &str) -> Result<DynLayout> {
    if text.contains('\n') {
        // A shell drops the line feed at the end.
        return Ok(DynLayout::parse(&if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") })?);
    }
    match parse_type(text.trim(), 0) {
        Some(layout) => Ok(layout?),
        None => Ok(DynLayout::from_typecode(text.trim())?),
    }
}

/// The depth of nested arrays at which the library refuses a layout, too.
const DEEPEST: usize = 128;

/// Reads the name of a type, or of an element at this depth; `None` if the text is something else.
fn parse_type(text: &str, depth: usize) -> Option<std::result::Result<DynLayout, shared_value::Error>> {
    macro_rules! scalars {
        ($($name:literal $type:ty;)*) => { match text { $($name => return Some(DynLayout::of::<$type>()),)* _ => {} } };
    }
    use std::num::{NonZeroI32, NonZeroI64, NonZeroU32, NonZeroU64};
    scalars! {
        "i8" i8; "i16" i16; "i32" i32; "i64" i64; "isize" isize; "u8" u8; "u16" u16; "u32" u32; "u64" u64; "usize" usize;
        "f32" f32; "f64" f64; "bool" bool; "char" char; "NonZeroI32" NonZeroI32; "NonZeroI64" NonZeroI64;
        "NonZeroU32" NonZeroU32; "NonZeroU64" NonZeroU64; "Timestamp" shared_value::Timestamp;
        "SharedDuration" shared_value::SharedDuration;
    }
    match text {
        "SharedString" => return Some(Ok(DynLayout::shared_string())),
        "SharedBytes" => return Some(Ok(DynLayout::shared_bytes())),
        _ => {}
    }
    if let Some(size) = text.strip_prefix("FixedStr<").and_then(|rest| rest.strip_suffix('>')) {
        return Some(DynLayout::text(size.trim().parse().ok()?));
    }
    // Each level takes stack.
    if depth == DEEPEST {
        return None;
    }
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    match inside.rsplit_once(';').map(|(element, length)| (element, length.trim())) {
        Some((element, "..")) => Some(parse_type(element.trim(), depth + 1)?.and_then(DynLayout::vector)),
        Some((element, length)) if !length.contains(']') => {
            let length = length.parse().ok()?;
            Some(parse_type(element.trim(), depth + 1)?.and_then(|element| DynLayout::array(element, length)))
        }
        _ => Some(parse_type(inside.trim(), depth + 1)?.and_then(DynLayout::slice)),
    }
}

/// Returns the layout of an existing value.
pub(crate) fn layout_of(name: &str) -> Result<DynLayout> {
    let target = split(name)?;
    if target.steps.is_empty() {
        let report = target.place.inspect()?;
        return match report.fault() {
            Some(fault) => Err(Failure::unfit(fault)),
            None => Ok(DynLayout::parse(report.schema())?),
        };
    }
    match select(&target)? {
        Selection::Values(values) => match values.as_slice() {
            [one] => {
                let mut paths = parts(&one.value, &one.steps)?;
                let path = paths.pop().unwrap_or_default();
                Ok(one.value.layout().part(&path)?.layout().clone())
            }
            _ => Err(Failure::usage(format!("`{name}` names several values"))),
        },
        Selection::Arena(_) => Err(Failure::usage(format!("`{name}` is an arena: name one of its values"))),
    }
}

/// Unlink names, or remove values of arenas
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Names, which may contain `*` and `?`, paths with `/`, or keys: `bank[alice]`
    #[arg(required = true)]
    names: Vec<String>,
    /// Unlink names that processes have open, and segments that cannot be opened. Processes keep what they have open
    #[arg(long, short)]
    force: bool,
}

pub(crate) fn remove(Remove { names, force }: &Remove) -> Result<()> {
    let targets: Vec<_> = names.iter().map(|name| resolve(name)).collect::<Result<Vec<_>>>()?.concat();
    let mut progress = Progress::of_steps("unlinking names", targets.len());
    for Target { place, steps } in &targets {
        progress.step();
        if let Some((step, rest)) = steps.split_first() {
            if !rest.is_empty() {
                return Err(Failure::usage("only a whole value can be removed"));
            }
            remove_value(place, step)?;
            continue;
        }
        let report = place.inspect()?;
        if report.format().is_none() {
            return Err(Failure::unfit(format!("`{place}` is not a segment: it was left as it is")));
        }
        if !force && let Some(fault) = report.fault() {
            return Err(Failure::unfit(fault).of("use `--force` to unlink it all the same"));
        }
        if !force && (report.is_in_use() || report.is_read()) {
            let message = format!(
                "a process has `{place}` open (`shared-value doctor {place}` names it): use `--force` to unlink the name all \
                 the same; processes that have it open keep the value"
            );
            return Err(Failure::new(Code::Busy, message));
        }
        unlink(place.location()?)?;
    }
    Ok(())
}

fn remove_value(place: &Place, step: &Step) -> Result<()> {
    if !is_arena(place)? {
        return Err(Failure::usage(format!("`{place}` is not an arena: a part of a value cannot be removed")));
    }
    let arena = Arena::open(place.source())?;
    let entry = entry_of(step)?;
    let is_removed = match &entry {
        Brackets::Plain(key) | Brackets::Key(key) => arena.remove(key)?,
        Brackets::Id(bits) => match std::num::NonZeroU64::new(*bits) {
            Some(bits) => arena.remove(shared_value::Id::<Dyn>::from_bits(bits))?,
            None => false,
        },
    };
    let shown = shown(&entry);
    if is_removed { Ok(()) } else { Err(Failure::not_found(format!("no value `{place}[{shown}]`"))) }
}
