//! The labels of a series, as text: the text that identifies the series and that is written.

use metrics::Label;

use crate::error::Error;
use crate::name::{Kind, replaced};

/// Returns the labels in the order of their names, as `{path="/",status="200"}`, or an empty text.
///
/// A label with an empty value is left out: Prometheus does not distinguish it from one that is missing.
pub(crate) fn text<'a>(kind: Kind, metric: &str, labels: impl Iterator<Item = &'a Label>) -> Result<String, Error> {
    let refuse =
        |label: &str, reason| Error::InvalidLabel { metric: metric.to_owned(), label: label.to_owned(), reason };
    let mut sorted = Vec::new();
    for label in labels.filter(|label| !label.value().is_empty()) {
        let name = replaced(label.key(), |_| false);
        if name.is_empty() {
            return Err(refuse(label.key(), "it is empty"));
        }
        // A scraper would take the value of `__name__` for the name of the metric.
        if name.starts_with("__") {
            return Err(refuse(label.key(), "Prometheus reserves names that begin with `__`"));
        }
        if name == "le" && kind == Kind::Histogram {
            return Err(refuse(label.key(), "the buckets of a histogram have this label"));
        }
        sorted.push((name, label.value()));
    }
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(refuse(&twice[0].0, "two labels have this name"));
    }
    let mut text = String::new();
    for (number, (name, value)) in sorted.iter().enumerate() {
        text.push(if number == 0 { '{' } else { ',' });
        text.push_str(name);
        text.push_str("=\"");
        escape(&mut text, value, true);
        text.push('"');
    }
    if !text.is_empty() {
        text.push('}');
    }
    Ok(text)
}

/// Appends a text in which backslashes and line breaks are escaped, and quotes if it says so.
pub(crate) fn escape(text: &mut String, raw: &str, escapes_quotes: bool) {
    for character in raw.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if escapes_quotes => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, labels: &[(&'static str, &'static str)]) -> Result<String, Error> {
        let labels: Vec<_> = labels.iter().map(|(name, value)| Label::new(*name, *value)).collect();
        text(kind, "metric", labels.iter())
    }

    #[test]
    fn one_text_for_one_series() {
        assert_eq!(of(Kind::Counter, &[]).unwrap(), "");
        let one = of(Kind::Counter, &[("b", "2"), ("a", "1"), ("empty", "")]).unwrap();
        assert_eq!(one, of(Kind::Counter, &[("a", "1"), ("b", "2")]).unwrap());
        assert_eq!(one, r#"{a="1",b="2"}"#);
        assert_eq!(of(Kind::Counter, &[("a.b", "\"\\\n\u{e9}")]).unwrap(), "{a_b=\"\\\"\\\\\\n\u{e9}\"}");
        assert_eq!(of(Kind::Gauge, &[("le", "1")]).unwrap(), r#"{le="1"}"#);
    }

    #[test]
    fn labels_that_no_series_can_have() {
        let refused: [(Kind, &[_]); 5] = [
            (Kind::Counter, &[("__name__", "1")]),
            (Kind::Gauge, &[("::path", "1")]),
            (Kind::Counter, &[("", "1")]),
            (Kind::Counter, &[("a.b", "1"), ("a_b", "2")]),
            (Kind::Histogram, &[("le", "1")]),
        ];
        for (kind, labels) in refused {
            assert!(matches!(of(kind, labels), Err(Error::InvalidLabel { .. })), "{labels:?}");
        }
    }
}
