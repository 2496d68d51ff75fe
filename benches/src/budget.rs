//! What this library may cost, as ratios to others in the same run.

use serde::Serialize;

use crate::compare::Results;

/// A bound for a ratio.
pub struct Budget {
    /// What is bounded.
    pub work: &'static str,
    case: &'static str,
    ours: &'static str,
    measure: Measure,
    bound: Bound,
}

/// What is compared with the bound.
enum Measure {
    /// The figure, as a ratio to that of another contestant, or to the best of several, in this case or another one.
    Ratio { case: &'static str, others: &'static [&'static str] },
    /// Something that was found besides.
    Fact(&'static str),
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What came of a budget.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What is bounded.
    pub work: &'static str,
    /// The bound in words.
    pub bound: String,
    /// What was measured, if all of it could be.
    pub measured: Option<f64>,
    /// Whether it is within the bound.
    pub verdict: Verdict,
}

/// Whether a budget is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Pass,
    /// It is not.
    Fail,
    /// One of those that are compared is absent.
    Unknown,
}

const OWN: &str = "shared-value";

const fn ratio(work: &'static str, case: &'static str, bound: Bound, others: &'static [&'static str]) -> Budget {
    Budget { work, case, ours: OWN, measure: Measure::Ratio { case, others }, bound }
}

/// All of them.
pub const ALL: &[Budget] = &[
    ratio("read one field of 8 bytes", "read-field", Bound::AtMost(0.15), &["iceoryx2 blackboard"]),
    ratio("snapshot of 64 bytes", "snapshot-64", Bound::AtMost(0.3), &["iceoryx2 blackboard"]),
    ratio(
        "snapshot of 64 bytes beside a writer without a pause",
        "read-beside-writer",
        Bound::AtMost(0.5),
        &["pthread robust recursive"],
    ),
    Budget {
        work: "torn snapshots beside it",
        case: "read-beside-writer",
        ours: OWN,
        measure: Measure::Fact("torn"),
        bound: Bound::AtMost(0.0),
    },
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(1.4), &["std::sync::Mutex"]),
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(0.4), &["raw_sync"]),
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(0.9), &["Boost recursive mutex"]),
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(0.03), &["Python multiprocessing"]),
    ratio("locked `+=` of one field of 64 bytes", "add-field-64", Bound::AtMost(1.9), &["std::sync::Mutex"]),
    ratio("write and commit 64 bytes, the lock held", "commit-64", Bound::AtMost(1.2), &["iceoryx2 blackboard"]),
    ratio("atomic field add", "atomic-add", Bound::AtMost(1.1), &["AtomicU64"]),
    ratio("increments of two processes, together", "race-2", Bound::AtLeast(1.5), &["Boost mutex", "pthread normal"]),
    Budget {
        work: "the slower process's share of the faster one's",
        case: "race-2",
        ours: OWN,
        measure: Measure::Fact("fairness"),
        bound: Bound::AtLeast(0.5),
    },
    ratio("wake a waiter", "wake", Bound::AtMost(1.15), &["bare futex"]),
    ratio(
        "SIGKILL of the owner until a waiter has the lock",
        "death",
        Bound::AtMost(1.15),
        &["pthread robust recursive"],
    ),
    Budget {
        work: "locked `+=` of one field of 1 MiB, to that of 64 bytes",
        case: "add-field-1M",
        ours: OWN,
        measure: Measure::Ratio { case: "add-field-64", others: &[OWN] },
        bound: Bound::AtMost(3.0),
    },
];

impl Budget {
    /// The cases that it needs.
    pub fn cases(&self) -> impl Iterator<Item = &'static str> {
        let other = if let Measure::Ratio { case, .. } = self.measure { Some(case) } else { None };
        [Some(self.case), other].into_iter().flatten()
    }

    /// What came of it.
    pub fn outcome(&self, results: &Results) -> Outcome {
        let measured = self.measured(results);
        let (limit, is_kept): (f64, fn(f64, f64) -> bool) = match self.bound {
            Bound::AtMost(limit) => (limit, |measured, limit| measured <= limit),
            Bound::AtLeast(limit) => (limit, |measured, limit| measured >= limit),
        };
        let verdict = match measured {
            None => Verdict::Unknown,
            Some(measured) if is_kept(measured, limit) => Verdict::Pass,
            Some(_) => Verdict::Fail,
        };
        let side = if matches!(self.bound, Bound::AtMost(_)) { "at most" } else { "at least" };
        let what = match self.measure {
            Measure::Ratio { others: &[one], .. } if one != OWN => format!(" × {one}"),
            Measure::Ratio { others: many @ &[_, _, ..], .. } => format!(" × the better of {}", many.join(" and ")),
            _ => String::new(),
        };
        Outcome { work: self.work, bound: format!("{side} {limit}{what}"), measured, verdict }
    }

    fn measured(&self, results: &Results) -> Option<f64> {
        let ours = results.summary(self.case, self.ours)?;
        match self.measure {
            Measure::Fact(fact) => ours.facts.get(fact).copied(),
            Measure::Ratio { case, others } => {
                let others: Option<Vec<f64>> =
                    others.iter().map(|other| Some(results.summary(case, other)?.median)).collect();
                let is_time = results.case(case)?.unit.is_time();
                let best = others?.into_iter().reduce(if is_time { f64::min } else { f64::max })?;
                Some(ours.median / best)
            }
        }
    }
}
