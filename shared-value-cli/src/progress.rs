//! `Progress`: a bar on standard error while work takes long. Without a terminal there, nothing is shown.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Work whose progress is shown once it has taken a while. The bar vanishes when this is dropped.
pub(crate) struct Progress {
    text: &'static str,
    total: u64,
    done: u64,
    start: Instant,
    bar: Option<ProgressBar>,
    is_hidden: bool,
}

impl Progress {
    /// Shorter work needs no bar.
    const QUIET: Duration = Duration::from_millis(400);

    /// Makes a bar for a number of steps. The text names the work.
    pub(crate) fn of_steps(text: &'static str, total: usize) -> Self {
        Self::new(text, total as u64, false)
    }

    /// Makes a bar for work that takes a known time.
    pub(crate) fn of_time(text: &'static str, time: Duration) -> Self {
        Self::new(text, milliseconds(time), false)
    }

    /// Makes a bar that is never shown: the terminal shows something else.
    pub(crate) fn hidden() -> Self {
        Self::new("", 0, true)
    }

    fn new(text: &'static str, total: u64, is_hidden: bool) -> Self {
        Self { text, total, done: 0, start: Instant::now(), bar: None, is_hidden }
    }

    /// Tells how many steps there are.
    pub(crate) fn set_total(&mut self, total: usize) {
        self.total = total as u64;
    }

    /// Tells that a step is done.
    pub(crate) fn step(&mut self) {
        self.set(self.done + 1);
    }

    /// Tells how much of the time has passed.
    pub(crate) fn set_time(&mut self, passed: Duration) {
        self.set(milliseconds(passed));
    }

    fn set(&mut self, done: u64) {
        self.done = done;
        if self.is_hidden || self.bar.is_none() && self.start.elapsed() < Self::QUIET {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %");
            let bar = ProgressBar::new(self.total).with_message(self.text);
            // The template has no fault; if it had one, the style of the crate would be used.
            if let Ok(style) = style { bar.with_style(style) } else { bar }
        });
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
