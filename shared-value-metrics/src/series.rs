//! The series as they lie in the arena, and the keys under which they lie there.
//!
//! | key | value |
//! |---|---|
//! | `jobs_total{queue="mail"}` | a series: the text of its sample; if that is longer than 255 bytes, a hash stands for the labels |
//! | `# jobs` | what the name stands for; a metric takes the names of all of its samples |
//! | `# delay le` | the bounds of a histogram's buckets |
//! | `# jobs help` | the unit of a metric, a line break, and the description |
//! | `# jobs_total{#f3..}` | the labels for which a hash stands |

use shared_value::SharedValue;

/// A series that only grows.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MetricCounter {
    #[shared(counter)]
    pub(crate) total: u64,
}

/// A series that goes up and down.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MetricGauge {
    #[shared(atomic)]
    pub(crate) level: f64,
}

/// A series of observations, counted in `N` buckets at most.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MetricHistogram<const N: usize> {
    #[shared(counter)]
    pub(crate) buckets: [u64; N],
    /// Parts of the sum. Each lies in a cache line of its own, of which it is the first word.
    #[shared(atomic)]
    pub(crate) sums: [f64; STRIPES * LINE],
}

/// How many parts the sum of a histogram has.
pub(crate) const STRIPES: usize = 4;

/// The number of words of a cache line.
pub(crate) const LINE: usize = 8;

/// The longest key of an arena.
const LONGEST_KEY: usize = 255;

/// Where a series lies in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeriesKey {
    /// The key of the series.
    pub(crate) key: String,
    /// The key of the labels and the labels, if they do not fit into the key of the series.
    pub(crate) labels: Option<(String, String)>,
}

impl SeriesKey {
    /// Returns the key of the series whose samples have this name and these labels.
    pub(crate) fn new(sample: &str, labels: &str) -> Self {
        let key = format!("{sample}{labels}");
        // No key of an arena contains a NUL.
        if key.len() <= LONGEST_KEY && !key.contains('\0') {
            return Self { key, labels: None };
        }
        let key = format!("{sample}{{#{:032x}}}", hash(labels));
        Self { labels: Some((labels_key(&key), labels.to_owned())), key }
    }
}

/// Returns the key of what is noted of a metric, or of a name.
pub(crate) fn name_key(name: &str) -> String {
    format!("# {name}")
}

pub(crate) fn bounds_key(metric: &str) -> String {
    format!("# {metric} le")
}

pub(crate) fn help_key(metric: &str) -> String {
    format!("# {metric} help")
}

/// Returns the key of the labels of a series whose key contains their hash.
pub(crate) fn labels_key(series_key: &str) -> String {
    format!("# {series_key}")
}

/// Returns the hash of a text by FNV-1a. Processes of all versions must compute the same one.
fn hash(text: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_labels_get_a_hash() {
        assert_eq!(SeriesKey::new("a", r#"{b="c"}"#), SeriesKey { key: r#"a{b="c"}"#.to_owned(), labels: None });
        // The published vectors of FNV-1a.
        assert_eq!(hash(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(hash("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        let labels = format!("{{b=\"{}\"}}", "c".repeat(300));
        let long = SeriesKey::new("a", &labels);
        assert_eq!(long.labels, Some((format!("# {}", long.key), labels.clone())));
        let longest = SeriesKey::new(&"n".repeat(206), &labels);
        assert!(longest.labels.unwrap().0.len() <= LONGEST_KEY);
        assert!(SeriesKey::new("a", "{b=\"\0\"}").labels.is_some());
    }
}
