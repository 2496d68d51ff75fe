//! Series that cannot be registered: an error tells why, and the program goes on.

use std::sync::{Arc, Mutex};

use metrics::{Key, Label, counter, gauge, histogram, with_local_recorder};
use shared_value::Arena;
use shared_value_metrics::{Error, Format, NameUse, Recorder};

use crate::{arena, recorder, samples};

/// Returns a recorder, and the errors that it reports.
fn reporting(arena: Arena) -> (Recorder, Arc<Mutex<Vec<String>>>) {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let reported = Arc::clone(&errors);
    let report = move |error: &Error| reported.lock().unwrap().push(error.to_string());
    (Recorder::builder().on_error(report).build(arena), errors)
}

/// In a full arena, what has its place counts on, and what has none counts nowhere, with one report for each series.
#[test]
fn a_full_arena() {
    let (recorder, errors) = reporting(Arena::new(64 << 10).unwrap());
    with_local_recorder(&recorder, || {
        let number = (0..1_000).find(|number| {
            counter!("jobs", "number" => number.to_string()).increment(1);
            !errors.lock().unwrap().is_empty()
        });
        let number: i32 = number.unwrap();
        assert!(number > 20, "{number} series fit");
        let used = recorder.arena().used();
        for _ in 0..100 {
            counter!("jobs", "number" => number.to_string()).increment(1);
            counter!("jobs", "number" => "0").increment(1);
        }
        // Nothing of another metric is left behind either.
        histogram!("delay", "path" => "/").record(0.5);
        assert_eq!(recorder.arena().used(), used);
        let errors = errors.lock().unwrap().clone();
        assert_eq!(errors.len(), 2, "{errors:?}");
        let start =
            format!("`jobs_total{{number=\"{number}\"}}` cannot be registered: arena `(anonymous)` has no room");
        assert!(errors[0].starts_with(&start), "{errors:?}");
        assert_eq!(samples(&recorder, "jobs_total{number=\"0\"}"), [101.0]);
        assert!(!recorder.render(Format::Prometheus).contains("delay"));
    });
}

/// Two versions of a program may have other buckets. Neither may overwrite the counts of the other, or lose its own.
#[test]
fn two_versions_of_bounds() {
    let arena = arena();
    let old = Recorder::builder().buckets(&[1.0, 2.0]).unwrap().build(arena.clone());
    with_local_recorder(&old, || histogram!("delay").record(1.5));
    let key = Key::from_name("delay");
    // As many buckets as before, and many more.
    for bounds in [vec![1.0, 3.0], (0..40).map(f64::from).collect()] {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&errors);
        let report = move |error: &Error| reported.lock().unwrap().push(error.to_string());
        let new = Recorder::builder().buckets(&bounds).unwrap().on_error(report).build(arena.clone());
        let refused = new.histogram(&key).unwrap_err();
        let Error::OtherBounds { name, expected, found } = &refused else { panic!("{refused}") };
        assert_eq!((&**name, expected, &**found), ("delay", &bounds, &[1.0, 2.0][..]));
        with_local_recorder(&new, || {
            histogram!("delay").record(1.5);
            histogram!("delay", "path" => "/").record(1.5);
        });
        assert_eq!(errors.lock().unwrap().len(), 2, "one for each series");
        assert_eq!(errors.lock().unwrap()[0], refused.to_string());
    }
    assert_eq!(samples(&old, "delay_bucket{le="), [0.0, 3.0, 3.0]);
    assert_eq!(samples(&old, "delay_bucket{path=\"/\""), [0.0, 2.0, 2.0]);
}

/// A name with two kinds, or a sample that looks like one of another metric, would spoil the whole scrape.
#[test]
fn names_that_are_taken() {
    let recorder = recorder(arena());
    let key = Key::from_name;
    recorder.counter(&key("jobs")).unwrap().increment(1);
    recorder.gauge(&key("delay_sum")).unwrap().set(1.0);
    recorder.histogram(&key("size")).unwrap().record(1.0);
    let refused = [
        (recorder.gauge(&key("jobs")).err(), "jobs", NameUse::Gauge, NameUse::Counter),
        (recorder.gauge(&key("jobs_total")).err(), "jobs_total", NameUse::Gauge, NameUse::CounterSample),
        (recorder.histogram(&key("jobs")).err(), "jobs", NameUse::Histogram, NameUse::Counter),
        (recorder.counter(&key("size")).err(), "size", NameUse::Counter, NameUse::Histogram),
        (recorder.gauge(&key("size_bucket")).err(), "size_bucket", NameUse::Gauge, NameUse::HistogramSample),
        (recorder.histogram(&key("delay")).err(), "delay_sum", NameUse::HistogramSample, NameUse::Gauge),
    ];
    for (refused, expected_name, expected, expected_found) in refused {
        let Some(Error::NameTaken { name, asked, found }) = refused else { panic!("{refused:?}") };
        assert_eq!((&*name, asked, found), (expected_name, expected, expected_found));
    }
    // A refusal has taken none of the names.
    recorder.gauge(&key("delay")).unwrap().set(2.0);
    // One metric, with and without its suffix.
    recorder.counter(&key("jobs_total")).unwrap().increment(1);
    recorder.counter(&key("jobs")).unwrap().increment(1);
    assert_eq!(samples(&recorder, "jobs_total"), [3.0]);
}

/// Another program may use the key for a value of its own.
#[test]
fn keys_that_are_taken() {
    let (recorder, errors) = reporting(arena());
    recorder.arena().insert("load", 5_u64).unwrap();
    with_local_recorder(&recorder, || {
        gauge!("load").set(3.0);
        gauge!("load", "cpu" => "0").set(3.0);
    });
    let errors = errors.lock().unwrap();
    assert!(errors.len() == 1 && errors[0].starts_with("`load` cannot be registered: "), "{errors:?}");
    assert_eq!(recorder.render(Format::Prometheus), "# TYPE load gauge\nload{cpu=\"0\"} 3.0\n");
}

/// Labels that do not fit into a key lie beside the series, and identify it all the same.
#[test]
fn labels_that_are_long() {
    let recorder = recorder(arena());
    let label = |end: &str| vec![Label::new("path", format!("{}{end}", "/long".repeat(4_000)))];
    for end in ["one", "other", "one"] {
        recorder.counter(&Key::from_parts("jobs", label(end))).unwrap().increment(1);
    }
    assert_eq!(samples(&recorder, "jobs_total"), [2.0, 1.0]);
    let other = Recorder::new(recorder.arena().clone());
    other.counter(&Key::from_parts("jobs", label("other"))).unwrap().increment(1);
    assert_eq!(samples(&recorder, "jobs_total"), [2.0, 2.0]);
    // If another text lay under the hash, the series would be another one.
    let key = recorder
        .arena()
        .iter()
        .filter_map(|entry| entry.key().map(str::to_owned))
        .find(|key| key.starts_with("# jobs_total{#"));
    recorder.arena().replace(&key.unwrap(), b"{path=\"/\"}".as_slice()).unwrap();
    let refused = ["one", "other"].map(|end| recorder.counter(&Key::from_parts("jobs", label(end))).is_err());
    assert!(refused[0] != refused[1]);
}
