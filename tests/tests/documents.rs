//! The documents and the tree agree: without these tests, a page would name files that have moved.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).expect("the workspace has documents");
    let docs = docs.map(|entry| entry.expect("the directory can be read").path());
    let pages = docs.chain(["README.md", "CHANGELOG.md"].map(|page| root().join(page)));
    let pages = pages.filter(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.map(|page| (page.clone(), fs::read_to_string(page).expect("a page can be read"))).collect()
}

/// The files below a folder, as paths from there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.into_iter().map(|path| path.strip_prefix(folder).expect("it lies there").to_owned()).collect()
}

/// The texts between backticks, outside of code blocks.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    let outside = page.split("\n```").step_by(2);
    outside.flat_map(|text| text.split('`').skip(1).step_by(2))
}

#[test]
fn files_that_the_documents_name_exist() {
    let bases = [
        "",
        "shared-value/src",
        "shared-value-derive/src",
        "shared-value-python/src",
        "tests",
        "tests/tests",
        "tests/crates/compilation",
        "docs",
        "benches",
        "examples",
    ];
    let mut checked = 0;
    for (page, text) in pages() {
        for name in quoted(&text) {
            let is_path = [".rs", ".sh", ".md", ".py"].iter().any(|end| name.ends_with(end))
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
            if is_path {
                checked += 1;
                let exists = bases.iter().any(|base| root().join(base).join(name).exists());
                assert!(exists, "{} names `{name}`, which is not there", page.display());
            }
        }
    }
    assert!(checked > 30, "only {checked} files are named: are they found?");
}

#[test]
fn the_tables_of_unsafe_files_are_complete() {
    for folder in ["shared-value/src", "shared-value-python/src"] {
        compare_unsafe_files(folder);
    }
}

fn compare_unsafe_files(folder: &str) {
    let sources = root().join(folder);
    let is_unsafe = |path: &PathBuf| {
        let text = fs::read_to_string(sources.join(path)).expect("a source can be read");
        text.contains("\n#![allow(unsafe_code)]\n")
    };
    let is_source = |path: &PathBuf| !path.components().any(|part| part.as_os_str() == "tests");
    let unsafe_files = files(&sources).into_iter().filter(is_source).filter(is_unsafe);
    let unsafe_files: BTreeSet<_> = unsafe_files.map(|path| path.display().to_string()).collect();

    let safety = fs::read_to_string(root().join("docs/safety.md")).expect("the page can be read");
    let table = safety.split_once(&format!("| file in `{folder}` |")).expect("the table is there").1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let files = rows.map(|row| row.split('|').nth(1).expect("a row has cells"));
    // A submodule needs no attribute of its own: the attribute of the file that declares it covers both.
    let is_unsafe_part = |name: &str| {
        fs::read_to_string(sources.join(name)).is_ok_and(|text| text.contains("unsafe ") && !is_unsafe(&name.into()))
    };
    let named: BTreeSet<_> = files.flat_map(quoted).filter(|name| !is_unsafe_part(name)).map(str::to_owned).collect();
    assert_eq!(named, unsafe_files, "left: in docs/safety.md, right: with `#![allow(unsafe_code)]`");
}

/// The lint that the page promises is the one that the tests expect.
#[test]
fn the_page_and_the_workspace_configure_one_lint() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("the file can be read");
    let (page, workspace) = (read("docs/async.md"), read("clippy.toml"));
    let lines = workspace.split_once('\n').expect("a comment comes first").1;
    assert!(lines.starts_with("await-holding-invalid-types"), "{lines}");
    assert!(page.contains(&format!("```toml\n{lines}```")), "docs/async.md shows other lines");
}

#[test]
fn links_lead_somewhere() {
    let mut checked = 0;
    for (page, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let repository = "https://github.com/shared-value/shared-value/blob/main/";
            let raw = "https://raw.githubusercontent.com/shared-value/shared-value/main/";
            let local = target.strip_prefix(repository).or_else(|| target.strip_prefix(raw));
            let path = match local {
                Some(path) => root().join(path.split('#').next().unwrap_or_default()),
                None if target.contains("://") || target.starts_with('#') => continue,
                None => {
                    page.parent().expect("a page lies somewhere").join(target.split('#').next().unwrap_or_default())
                }
            };
            checked += 1;
            assert!(path.exists(), "{} links to {target}, which is not there", page.display());
        }
    }
    assert!(checked > 10, "only {checked} links: are they found?");
}
