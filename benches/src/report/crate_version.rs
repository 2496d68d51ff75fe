//! The versions of crates, also of those in programs that are built separately.

/// Returns the version of a crate according to the text of a `Cargo.lock`.
pub(super) fn crate_version<'a>(lock_file: &'a str, name: &str) -> &'a str {
    let start = format!("name = \"{name}\"\nversion = \"");
    let found = lock_file.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
    found.map_or("of unknown version", |(version, _)| version)
}
