//! The page itself: `docs/python.md`.

use std::fs;
use std::path::Path;

/// If a test were renamed or removed, the page would make a promise that no test keeps.
#[test]
fn every_test_that_the_page_names_exists() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("../docs/python.md")).unwrap();
    let mut rows = 0;
    for line in page.lines() {
        let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
        let [first, .., last] = cells[..] else { continue };
        let Ok(number) = first.trim_start_matches(['|', ' ']).parse::<u32>() else { continue };
        rows += 1;
        assert_eq!((number, cells.len()), (rows, 5), "{line}");
        let tests: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "row {number} names no test");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or((test, ""));
            let folder = if file.starts_with("ui/") || file.starts_with("crates/") { "" } else { "tests" };
            let path = package.join(folder).join(file);
            let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("row {number}: {test}: {error}"));
            if name.is_empty() {
                assert!(
                    path.with_extension("stderr").exists(),
                    "row {number}: {file} has no expected output of the compiler"
                );
            } else {
                assert!(source.contains(&format!("#[test]\nfn {name}() {{")), "row {number}: {file} has no {name}");
            }
        }
    }
    assert_eq!(rows, 50);
}
