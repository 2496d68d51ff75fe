//! The series of an arena as text.

mod family;
mod format;
mod number;

use std::collections::BTreeMap;

use shared_value::{Access, Arena};

use crate::name::{Kind, is_valid};
use crate::render::family::{Distribution, Family, Value};
use crate::series::{MetricCounter, MetricGauge, MetricHistogram, bounds_key, help_key, labels_key};

pub use crate::render::format::Format;

/// Returns all series of an arena as text, in the order of their names and labels.
///
/// It waits for no lock, and a handle that only reads is enough: a process of its own may serve the text. Each counter lies between its
/// totals at the start and at the end of the call. The count of a histogram is the sum of its buckets.
///
/// ```
/// use metrics::{describe_gauge, gauge, with_local_recorder};
/// use shared_value::Arena;
/// use shared_value_metrics::{Format, Recorder, render};
///
/// let arena = Arena::new(1 << 26)?;
/// with_local_recorder(&Recorder::new(arena.clone()), || {
///     describe_gauge!("room_celsius", "The temperature of a room.");
///     gauge!("room_celsius", "room" => "hall").set(19.5);
/// });
/// let text = render(&arena.read_only()?, Format::OpenMetrics);
/// assert_eq!(text, "\
/// ## TYPE room_celsius gauge
/// ## HELP room_celsius The temperature of a room.
/// room_celsius{room=\"hall\"} 19.5
/// ## EOF
/// ");
/// # Ok::<(), shared_value::Error>(())
/// ```
pub fn render<A: Access>(arena: &Arena<A>, format: Format) -> String {
    let mut text = String::new();
    for (metric, family) in collect(arena) {
        let (unit, help) = description(arena, &metric);
        family.write(&mut text, format, &metric, &unit, &help);
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

/// Reads all series, by the names of their metrics.
fn collect<A: Access>(arena: &Arena<A>) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    let mut add = |kind, key: Option<String>, value| {
        // Another program may have put a value of this type under any key.
        let Some((metric, labels)) = key.and_then(|key| names(arena, kind, &key)) else { return };
        let family = families.entry(metric).or_insert_with(|| Family::new(kind));
        family.add(kind, labels, value);
    };
    for (key, counter) in arena.values_of::<MetricCounter>() {
        add(Kind::Counter, key, Value::Count(counter.total().get()));
    }
    for (key, gauge) in arena.values_of::<MetricGauge>() {
        add(Kind::Gauge, key, Value::Level(gauge.level().load()));
    }
    let mut bounds = BTreeMap::new();
    let mut bounds_of = |key: &str| {
        let metric = key.split('{').next().unwrap_or(key);
        let find = || arena.get::<[f64]>(&bounds_key(metric)).ok()??.to_vec().ok();
        bounds.entry(metric.to_owned()).or_insert_with(find).clone()
    };
    histograms::<7, A>(arena, &mut bounds_of, &mut add);
    histograms::<15, A>(arena, &mut bounds_of, &mut add);
    histograms::<31, A>(arena, &mut bounds_of, &mut add);
    histograms::<63, A>(arena, &mut bounds_of, &mut add);
    histograms::<127, A>(arena, &mut bounds_of, &mut add);
    families
}

/// Reads the histograms of one size.
fn histograms<const N: usize, A: Access>(
    arena: &Arena<A>,
    bounds_of: &mut impl FnMut(&str) -> Option<Vec<f64>>,
    add: &mut impl FnMut(Kind, Option<String>, Value),
) {
    for (key, series) in arena.values_of::<MetricHistogram<N>>() {
        let Some(bounds) = key.as_deref().and_then(&mut *bounds_of).filter(|bounds| bounds.len() < N) else { continue };
        // The sum first: each observation is counted before it is added to the sum.
        let sum = series.sums().load().iter().sum();
        let counts = (0..=bounds.len()).map(|bucket| series.buckets().element(bucket).get()).collect();
        add(Kind::Histogram, key, Value::Distribution(Distribution { bounds, counts, sum }));
    }
}

/// Returns the name of the metric and the labels of the series with this key, if it is the key of a series.
fn names<A: Access>(arena: &Arena<A>, kind: Kind, key: &str) -> Option<(String, String)> {
    let (sample, labels) = key.split_at(key.find('{').unwrap_or(key.len()));
    let metric = if kind == Kind::Counter { sample.strip_suffix("_total")? } else { sample };
    let labels = if labels.starts_with("{#") {
        String::from_utf8(arena.get::<[u8]>(&labels_key(key)).ok()??.to_vec().ok()?).ok()?
    } else {
        labels.to_owned()
    };
    let is_text = labels.is_empty() || labels.ends_with("\"}") && !labels.contains('\n');
    (is_valid(metric) && is_text).then(|| (metric.to_owned(), labels))
}

/// Returns the unit and the description of a metric.
fn description<A: Access>(arena: &Arena<A>, metric: &str) -> (String, String) {
    let find = || arena.get::<[u8]>(&help_key(metric)).ok()??.to_vec().ok();
    let text = find().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let (unit, help) = text.split_once('\n').unwrap_or_default();
    (unit.to_owned(), help.to_owned())
}
