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
        let Some((number, cells)) = row(line) else { continue };
        // The second table, about the Python package, begins again.
        if rows == 50 {
            break;
        }
        rows += 1;
        assert_eq!((number, cells.len()), (rows, 5), "{line}");
        let last = cells[4];
        let tests: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "row {number} names no test");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or((test, ""));
            let folder = match file.split('/').next() {
                Some("ui") => "crates/compilation",
                Some("crates") => "",
                _ => "tests",
            };
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

/// Returns the number of a row of the tables, and its cells.
fn row(line: &str) -> Option<(u32, Vec<&str>)> {
    let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
    let number = cells.first()?.trim_start_matches(['|', ' ']).parse().ok()?;
    Some((number, cells))
}

/// The package has a test, named after the row, for each behaviour that the page claims for it.
#[test]
fn rows_about_the_package_have_a_test_there() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(package.join("docs/python.md")).unwrap();
    let tests = ["values", "locks", "deaths", "handing_over", "limits"];
    let tests = tests.map(|name| {
        fs::read_to_string(package.join(format!("shared-value-python/tests/test_multiprocessing_{name}.py"))).unwrap()
    });
    let numbers: Vec<_> = page.lines().filter_map(row).skip(50).map(|(number, _)| number).collect();
    assert!(numbers.len() > 10, "{numbers:?}");
    // The page says that these two follow from the place of the memory.
    for number in numbers.into_iter().filter(|number| ![45, 48].contains(number)) {
        let name = format!("def test_row_{number}_");
        assert!(tests.iter().any(|source| source.contains(&name)), "row {number} has no test in the package");
    }
}
