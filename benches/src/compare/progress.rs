//! The progress of a run, as a bar on the terminal.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar of this number of steps, with a message.
///
/// # Errors
/// If the template of the bar is invalid.
pub(super) fn bar(steps: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} {msg}").context("a template")?;
    Ok(ProgressBar::new(steps as u64).with_style(style.progress_chars("=> ")))
}
