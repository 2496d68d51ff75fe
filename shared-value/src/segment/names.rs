//! `names`: lists the values that have names on this machine.

use std::io;
use std::path::Path;

use crate::error::Error;
use crate::format::FORMAT;
use crate::segment::header::read_unvalidated;
use crate::segment::location::NAMED;
use crate::segment::succession::NEXT_PREFIX;
use crate::sys;
use crate::sys::descriptor::is_out_of_descriptors;

/// A value that has a name. Returned by [`names`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedValue {
    name: String,
    format: u32,
    schema: String,
    length: u64,
    is_in_use: bool,
}

impl NamedValue {
    /// Returns the name. Use it to open the value, or to [unlink](crate::unlink) it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version of the format in which the value lies in memory. This version of the library opens values of
    /// format 2. Another version of the library has made values of other formats: open them with that version, or
    /// [unlink](crate::unlink) them.
    pub fn format(&self) -> u32 {
        self.format
    }

    /// Returns the schema: the name of the type, then a line for each field. It is empty if the value has another format.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns the name of the value's type, or an empty text if the value has another format.
    pub fn type_name(&self) -> &str {
        self.schema.lines().next().unwrap_or_default()
    }

    /// Returns how many bytes the whole segment takes; for an arena, the most that it may take.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns whether a process has the value open for writing. A value that is not in use was left behind, or will be
    /// opened again.
    pub fn is_in_use(&self) -> bool {
        self.is_in_use
    }
}

/// Returns the named values that this process may read, sorted by name.
///
/// A value outlives its processes until its name is unlinked. So killed programs leave values behind: use this function to
/// find them.
///
/// # Errors
/// `Io` if `/dev/shm` cannot be read, or this process has no descriptor left.
///
/// ```
/// use shared_value::{Synchronized, names, unlink};
///
/// # let name = format!("shared-value-doc-names-{}", std::process::id());
/// let value = Synchronized::create(&name, 1_u32)?;
/// # let find = || names().map(|all| all.into_iter().find(|found| found.name() == name).unwrap());
/// let found = find()?;
/// assert_eq!((found.type_name(), found.is_in_use()), ("u32", true));
/// drop(value);
/// assert!(!find()?.is_in_use());
/// unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
pub fn names() -> Result<Vec<NamedValue>, Error> {
    let failed = |error| Error::io(format!("list `{NAMED}`"), error);
    let mut found = Vec::new();
    for entry in sys::file::directory(Path::new(NAMED)).map_err(failed)? {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        match inspect(name.to_owned()) {
            Ok(value) => found.extend(value),
            // Without a descriptor, no value could be seen.
            Err(error) if is_out_of_descriptors(&error) => return Err(failed(error)),
            // It was removed since the directory was read, or this process may not read it.
            Err(_) => {}
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Returns the value of this name; `None` if the file is not a value.
fn inspect(name: String) -> io::Result<Option<NamedValue>> {
    let path = Path::new(NAMED).join(&name);
    // The writer of a pipe would take this for its reader.
    if !sys::file::kind_at(&path)?.is_file() {
        return Ok(None);
    }
    let file = sys::file::open_read_only(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let header = read_unvalidated(&file, metadata.len())?;
    let Some(format) = header.format() else { return Ok(None) };
    let schema = match header.validate() {
        Ok(valid) => valid.entries[0].schema().to_owned(),
        Err(invalid) if invalid.field == FORMAT => String::new(),
        Err(_) => return Ok(None),
    };
    let is_in_use = sys::entrance::is_in_use(&file)?;
    // A segment that takes the place of another has this name for a moment only, unless its creator was killed.
    if is_in_use && name.starts_with(NEXT_PREFIX) {
        return Ok(None);
    }
    Ok(Some(NamedValue { name, format, schema, length: metadata.len(), is_in_use }))
}
