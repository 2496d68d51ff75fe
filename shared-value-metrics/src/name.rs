//! Names of metrics, and which names a metric takes in the output.

use crate::error::{Error, NameUse};

/// The longest name. It leaves room for what the keys of the arena add to it.
const LONGEST: usize = 200;

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// Returns the name as the output's lines `TYPE` say it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Returns the name of the metric in the output: other characters than letters, digits, `_` and `:` become `_`, and a counter's name
/// has no `_total` at its end.
pub(crate) fn metric_of(kind: Kind, given: &str) -> Result<String, Error> {
    let mut name = replaced(given, |character| character == ':');
    if kind == Kind::Counter
        && let Some(short) = name.strip_suffix("_total")
    {
        name.truncate(short.len());
    }
    let reason = match name.len() {
        0 => "it is empty",
        1..=LONGEST => return Ok(name),
        _ => "it is longer than 200 bytes",
    };
    Err(Error::InvalidName { name: given.to_owned(), reason })
}

/// Returns a name in which other characters than letters, digits and `_` became `_`, unless they are allowed.
pub(crate) fn replaced(given: &str, is_allowed: impl Fn(char) -> bool) -> String {
    let is_kept = |character: char| character.is_ascii_alphanumeric() || character == '_' || is_allowed(character);
    let first = given.starts_with(|character: char| character.is_ascii_digit()).then_some('_');
    let rest = given.chars().map(|character| if is_kept(character) { character } else { '_' });
    first.into_iter().chain(rest).collect()
}

/// Returns whether a name needs no replacement.
pub(crate) fn is_valid(name: &str) -> bool {
    !name.is_empty() && replaced(name, |character| character == ':') == name
}

/// Returns the name of the samples of a metric; those of a histogram have a suffix as well.
pub(crate) fn sample_of(kind: Kind, metric: &str) -> String {
    match kind {
        Kind::Counter => format!("{metric}_total"),
        Kind::Gauge | Kind::Histogram => metric.to_owned(),
    }
}

/// Returns the names that a metric takes, each with its use. No two metrics can take one name for different uses.
pub(crate) fn uses_of(kind: Kind, metric: &str) -> impl Iterator<Item = (String, NameUse)> {
    let (own, samples, suffixes): (_, _, &[&str]) = match kind {
        Kind::Counter => (NameUse::Counter, NameUse::CounterSample, &["_total", "_created"]),
        Kind::Gauge => (NameUse::Gauge, NameUse::Gauge, &[]),
        Kind::Histogram => (NameUse::Histogram, NameUse::HistogramSample, &["_bucket", "_sum", "_count", "_created"]),
    };
    let samples = suffixes.iter().map(move |suffix| (format!("{metric}{suffix}"), samples));
    [(metric.to_owned(), own)].into_iter().chain(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_valid() {
        let metric = |kind, given: &str| metric_of(kind, given).unwrap();
        assert_eq!(metric(Kind::Gauge, "http.requests-open"), "http_requests_open");
        assert_eq!(metric(Kind::Gauge, "node:load:5m"), "node:load:5m");
        assert_eq!(metric(Kind::Gauge, "5m\u{df}\u{1f600}"), "_5m__");
        assert_eq!(metric(Kind::Gauge, "jobs_total"), "jobs_total");
        assert_eq!(metric(Kind::Counter, "jobs.total"), "jobs");
        assert!(is_valid("a:b_9") && !is_valid("9") && !is_valid("") && !is_valid("a b"));
        for name in ["", "_total", &"n".repeat(201)] {
            assert!(matches!(metric_of(Kind::Counter, name), Err(Error::InvalidName { .. })), "{name}");
        }
        assert_eq!(metric(Kind::Counter, &"n".repeat(200)).len(), 200);
    }
}
