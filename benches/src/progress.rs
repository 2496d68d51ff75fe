//! How far a run has come.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar of so many steps, with a message.
///
/// # Errors
/// If it cannot be drawn.
pub fn bar(steps: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} {msg}").context("a template")?;
    Ok(ProgressBar::new(steps as u64).with_style(style.progress_chars("=> ")))
}
