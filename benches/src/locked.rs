//! The versions of crates, also for programs that are built apart.

/// The version of a crate in the text of a `Cargo.lock`.
pub fn version<'a>(lock: &'a str, name: &str) -> &'a str {
    let start = format!("name = \"{name}\"\nversion = \"");
    let found = lock.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
    found.map_or("of unknown version", |(version, _)| version)
}
