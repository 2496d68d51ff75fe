//! `Format`: the text formats.

/// A text format for series.
///
/// ```
/// use shared_value_metrics::Format;
///
/// // What a request's `Accept` says:
/// let format = Format::accepted("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
/// assert_eq!(format, Format::OpenMetrics);
/// assert_eq!(Format::accepted("*/*").content_type(), "text/plain; version=0.0.4; charset=utf-8");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    #[default]
    Prometheus,
    /// `OpenMetrics`, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// Returns the format to answer a request with, by its header `Accept`: `OpenMetrics` if it is named there.
    ///
    /// ```
    /// use shared_value_metrics::Format;
    ///
    /// assert_eq!(Format::accepted("text/plain"), Format::Prometheus);
    /// ```
    pub fn accepted(accept: &str) -> Self {
        let names_it = accept.split(',').any(|kind| kind.trim_start().starts_with("application/openmetrics-text"));
        if names_it { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Returns the header `Content-Type` of the format.
    ///
    /// ```
    /// use shared_value_metrics::Format;
    ///
    /// assert!(Format::OpenMetrics.content_type().starts_with("application/openmetrics-text"));
    /// ```
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
