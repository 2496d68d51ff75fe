//! `Finding`: something that was found, and what to do about it.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It cannot be used, or a process is stuck.
    Fault,
    /// It may be as it should be.
    Warning,
    /// For information.
    Note,
}

/// Something that was found, and what to do about it.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, severity: Severity, text: impl Into<String>, cure: Option<String>) {
        self.0.push(Finding { severity, text: text.into(), cure });
    }
}
