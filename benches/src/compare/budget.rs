//! `Budget`: a bound on the cost of this library, relative to a peer in the same run.

use serde::Serialize;

use crate::compare::results::{OWN, Results};

/// A bound on the cost of this library.
struct Budget {
    /// The work in words.
    work: &'static str,
    case: &'static str,
    /// The contestant of this library.
    contestant: &'static str,
    measure: Measure,
    bound: Bound,
}

/// The number that is compared with the bound.
enum Measure {
    /// The figure, relative to the best figure of these contestants in a case, which may be another one.
    Ratio { case: &'static str, contestants: &'static [&'static str] },
    /// Another fact of the case.
    Fact(&'static str),
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// The result of a budget.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The work in words.
    pub work: &'static str,
    /// The bound in words.
    pub bound: String,
    /// The measured number, if none of the contestants is absent.
    pub measured: Option<f64>,
    /// Whether the number is within the bound.
    pub verdict: Verdict,
}

/// Whether a number is within its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is within the bound.
    Pass,
    /// It is not within the bound.
    Fail,
    /// One of the contestants is absent.
    Unknown,
}

const fn ratio(work: &'static str, case: &'static str, bound: Bound, contestants: &'static [&'static str]) -> Budget {
    Budget { work, case, contestant: OWN, measure: Measure::Ratio { case, contestants }, bound }
}

/// All budgets.
const ALL: &[Budget] = &[
    ratio("read one field of 8 bytes", "read-field", Bound::AtMost(0.15), &["iceoryx2 blackboard"]),
    ratio("snapshot of 64 bytes", "snapshot-64", Bound::AtMost(0.45), &["iceoryx2 blackboard"]),
    ratio(
        "snapshot of 64 bytes beside a writer without a pause",
        "read-beside-writer",
        Bound::AtMost(0.5),
        &["pthread robust recursive"],
    ),
    Budget {
        work: "torn snapshots beside a writer without a pause",
        case: "read-beside-writer",
        contestant: OWN,
        measure: Measure::Fact("torn"),
        bound: Bound::AtMost(0.0),
    },
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(1.4), &["std::sync::Mutex"]),
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(0.4), &["raw_sync"]),
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(0.9), &["Boost recursive mutex"]),
    ratio("locked `+=` of 8 bytes", "add", Bound::AtMost(0.03), &["Python multiprocessing"]),
    ratio("locked `+=` of one field of 64 bytes", "add-field-64", Bound::AtMost(1.7), &["std::sync::Mutex"]),
    ratio("write and commit 64 bytes under a held lock", "commit-64", Bound::AtMost(1.4), &["iceoryx2 blackboard"]),
    ratio("atomic field add", "atomic-add", Bound::AtMost(1.1), &["AtomicU64"]),
    Budget {
        contestant: "shared-value under an RLock",
        ..ratio("locked `+=` of 8 bytes under an `RLock`", "add", Bound::AtMost(2.0), &[OWN])
    },
    Budget {
        contestant: "shared-value, LockKind::Pthread",
        ..ratio("locked `+=` of 8 bytes under a pthread mutex", "add", Bound::AtMost(2.0), &[OWN])
    },
    ratio("counting of two processes, together", "count-2", Bound::AtLeast(15.0), &["AtomicU64"]),
    Budget {
        contestant: "shared-value, all lanes taken",
        ..ratio("counting of two processes in shared lanes", "count-2", Bound::AtLeast(4.0), &["AtomicU64"])
    },
    ratio("increments of two processes, together", "race-2", Bound::AtLeast(1.5), &["Boost mutex", "pthread normal"]),
    Budget {
        work: "increments of the slower process, relative to the faster",
        case: "race-2",
        contestant: OWN,
        measure: Measure::Fact("fairness"),
        bound: Bound::AtLeast(0.5),
    },
    ratio("create a named value, and unlink it", "create-named", Bound::AtMost(1.5), &["shared_memory"]),
    ratio("open a value by its name", "open", Bound::AtMost(1.5), &["shared_memory"]),
    Budget {
        contestant: "shared-value, pass_to",
        ..ratio("start a child with a value", "pass", Bound::AtMost(1.3), &["a child without a value"])
    },
    Budget {
        contestant: "shared-value, pass_to",
        ..ratio("start a child with a value", "pass", Bound::AtMost(1.3), &["a child without a value, empty pre_exec"])
    },
    ratio("copy 64 MiB beside a writer", "read-64M-beside-writer", Bound::AtMost(3.0), &["copy_from_slice"]),
    ratio("wake a waiter", "wake", Bound::AtMost(1.15), &["bare futex"]),
    ratio(
        "SIGKILL of the owner until a waiter has the lock",
        "death",
        Bound::AtMost(1.15),
        &["pthread robust recursive"],
    ),
    Budget {
        work: "locked `+=` of one field of 1 MiB, relative to 64 bytes",
        case: "add-field-1M",
        contestant: OWN,
        measure: Measure::Ratio { case: "add-field-64", contestants: &[OWN] },
        bound: Bound::AtMost(3.0),
    },
];

/// Returns the results of the budgets whose cases were measured.
pub fn outcomes(results: &Results) -> Vec<Outcome> {
    let measured = ALL.iter().filter(|budget| budget.cases().all(|case| results.case(case).is_some()));
    measured.map(|budget| budget.outcome(results)).collect()
}

impl Budget {
    /// Returns the cases that must be measured.
    fn cases(&self) -> impl Iterator<Item = &'static str> {
        let other = if let Measure::Ratio { case, .. } = self.measure { Some(case) } else { None };
        [Some(self.case), other].into_iter().flatten()
    }

    fn outcome(&self, results: &Results) -> Outcome {
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
        let peers = match self.measure {
            Measure::Ratio { contestants: &[one], .. } if one != OWN || self.contestant != OWN => format!(" × {one}"),
            Measure::Ratio { contestants: many @ &[_, _, ..], .. } => {
                format!(" × the better of {}", many.join(" and "))
            }
            _ => String::new(),
        };
        Outcome { work: self.work, bound: format!("{side} {limit}{peers}"), measured, verdict }
    }

    fn measured(&self, results: &Results) -> Option<f64> {
        let own = results.summary(self.case, self.contestant)?;
        match self.measure {
            Measure::Fact(fact) => own.facts.get(fact).copied(),
            Measure::Ratio { case, contestants } => {
                let median = |contestant: &&str| Some(results.summary(case, contestant)?.median);
                let medians = contestants.iter().map(median).collect::<Option<Vec<f64>>>()?;
                let is_time = results.case(case)?.unit.is_time();
                let best = medians.into_iter().reduce(if is_time { f64::min } else { f64::max })?;
                Some(own.median / best)
            }
        }
    }
}
