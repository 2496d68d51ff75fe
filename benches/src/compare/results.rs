//! `Results`: the results of all cases.

use serde::Serialize;

use crate::measure::{Absence, Summary, Unit};

/// The contestant that is this library, with its default lock.
pub const OWN: &str = "shared-value";

/// The results of all cases.
#[derive(Debug, Serialize)]
pub struct Results {
    /// In the order of [`cases::all`](crate::cases::all).
    pub cases: Vec<CaseResult>,
    /// The peers that could not be started.
    pub absent: Vec<Absence>,
    /// The versions of the peers.
    pub versions: Vec<String>,
    /// How often everything was measured.
    pub rounds: usize,
}

/// The result of one case.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    /// The name of the case.
    pub name: &'static str,
    /// The work in words.
    pub title: &'static str,
    /// The unit of the figures.
    #[serde(serialize_with = "symbol")]
    pub unit: Unit,
    /// The name of the chart that shows the case.
    #[serde(skip)]
    pub chart: &'static str,
    /// The contestants that were measured, this library first.
    pub rows: Vec<Row>,
    /// The contestants that could not be measured.
    pub absent: Vec<Absence>,
}

/// The result of one contestant of a case.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The contestant.
    pub contestant: String,
    /// Its readings.
    #[serde(flatten)]
    pub summary: Summary,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn symbol<S: serde::Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(unit.symbol())
}

impl Results {
    /// Returns the result of a case, if it was measured.
    pub fn case(&self, name: &str) -> Option<&CaseResult> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// Returns the readings of a contestant, if it was measured.
    pub fn summary(&self, case: &str, contestant: &str) -> Option<&Summary> {
        Some(&self.case(case)?.row(contestant)?.summary)
    }
}

impl CaseResult {
    /// Returns the result of a contestant, if it was measured.
    pub fn row(&self, contestant: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contestant == contestant)
    }
}
