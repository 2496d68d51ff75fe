//! `Printer`: the lines of `watch`, as text or as JSON.

use std::time::Instant;

use serde_json::{Map, Value, json};
use shared_value::DynData;

use crate::failure::Result;
use crate::output::{Ink, Output, escaped};
use crate::value::bare;

/// A part that has changed: its path, and the old and the new data, if there are any.
pub(super) type Change<'d> = (String, Option<&'d DynData>, Option<&'d DynData>);

/// What has happened to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Added,
    Changed,
    Removed,
}

pub(super) struct Printer<'o> {
    pub(super) output: &'o mut Output,
    pub(super) start: Instant,
    pub(super) is_json: bool,
    pub(super) names_values: bool,
    /// The lines that are left.
    pub(super) left: Option<u64>,
}

impl Printer<'_> {
    /// Prints a line for the value of this label.
    pub(super) fn print(&mut self, label: &str, version: u64, event: Event, changes: &[Change<'_>]) -> Result<()> {
        const SHOWN: usize = 12;
        let time = self.start.elapsed().as_secs_f64();
        let event = match event {
            Event::Added => Some("added"),
            Event::Changed => None,
            Event::Removed => Some("removed"),
        };
        if self.is_json {
            let pairs: Map<String, Value> =
                changes.iter().map(|(path, old, new)| (path.clone(), json!({ "old": old, "new": new }))).collect();
            let mut line = json!({ "time": time, "target": label, "version": version, "changes": pairs });
            if let Some(event) = event {
                line["event"] = event.into();
            }
            self.output.json_line(&line)?;
        } else {
            let mut texts: Vec<_> =
                changes.iter().take(SHOWN).map(|change| escaped(&text(change)).into_owned()).collect();
            if changes.len() > SHOWN {
                texts.push(format!("{} more", changes.len() - SHOWN));
            }
            let facts = self.output.ink(Ink::Faint, &format!("{time:9.3} s  version {version}"));
            let name = if self.names_values { self.output.ink(Ink::Name, label) + "  " } else { String::new() };
            let event = event.map_or(String::new(), |event| format!("{event}  "));
            self.output.line(format!("{facts}  {name}{event}{}", texts.join(", ")).trim_end())?;
        }
        // Scripts read each line when it is there.
        self.output.flush()?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(())
    }

    pub(super) fn is_done(&self) -> bool {
        self.left == Some(0)
    }
}

fn text((path, old, new): &Change<'_>) -> String {
    let label = if path.is_empty() { "value" } else { path };
    match (old, new) {
        (Some(old), Some(new)) => format!("{label} {} -> {}", bare(old), bare(new)),
        (None, Some(data)) | (Some(data), None) => format!("{label} {}", bare(data)),
        (None, None) => label.to_owned(),
    }
}
