//! The report of the results, for people and for programs.

mod chart;
mod crate_version;
mod ink;
mod machine;
mod markdown;
mod overview;
mod page;
mod scale;
mod soak;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::compare::{Results, budget};

pub use markdown::{instructions, terminal};
pub use soak::soak;

/// Writes `RESULTS.md`, `results.json` and `charts/*.svg` into a folder.
///
/// # Errors
/// If a file cannot be written.
pub fn write(results: &Results, folder: &Path) -> Result<()> {
    let charts = folder.join("charts");
    fs::create_dir_all(&charts).with_context(|| format!("make {}", charts.display()))?;
    let mut names = chart::draw_all(results, &charts)?;
    if overview::draw(results, &charts)? {
        names.insert(0, "overview".to_owned());
    }
    fs::write(folder.join("RESULTS.md"), markdown::whole(results, &names)).context("write RESULTS.md")?;
    let json = serde_json::json!({
        "machine": machine::describe(),
        "versions": results.versions,
        "rounds": results.rounds,
        "budgets": budget::outcomes(results),
        "cases": results.cases,
        "absent": results.absent,
    });
    fs::write(folder.join("results.json"), format!("{json:#}\n")).context("write results.json")
}

/// Fills the tables of a page with the results of a full run.
///
/// # Errors
/// If the page cannot be read or written, or asks for a case that was not measured.
pub fn fill(results: &Results, page: &Path) -> Result<()> {
    let text = fs::read_to_string(page).with_context(|| format!("read {}", page.display()))?;
    fs::write(page, page::filled(&text, results)?).with_context(|| format!("write {}", page.display()))
}
