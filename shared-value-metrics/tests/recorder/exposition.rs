//! The text, as the parsers of Prometheus' own projects read it.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_local_recorder,
};
use serde_json::{Value, json};
use shared_value_metrics::{Format, Recorder};
use shared_value_tests::{python_with, skip};

use crate::{arena, recorder, samples};

const FORMATS: [Format; 2] = [Format::Prometheus, Format::OpenMetrics];

/// Runs a program with this input, and returns its output if it succeeds.
fn run(command: &mut Command, input: &str) -> Result<String, String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Returns what `prometheus_client` reads from the text of the recorder.
fn parsed(recorder: &Recorder, format: Format) -> Option<Value> {
    let python = python_with("prometheus_client")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorder/parse.py");
    let text = recorder.render(format);
    let output = run(Command::new(python).args([script, &format!("{format:?}")]), &text);
    Some(serde_json::from_str(&output.unwrap_or_else(|error| panic!("{error}\n{text}"))).unwrap())
}

/// Names, labels, help and numbers that need care would break the scrape of all metrics if they were written as they are.
#[test]
fn the_parser_reads_what_was_counted() {
    let recorder = recorder(arena());
    let odd = "a \"quoted\" \\n back\\slash\nand a line break, \u{e9}\u{1f600} {}=,#\0";
    let long = "l".repeat(900);
    with_local_recorder(&recorder, || {
        describe_counter!("http.requests", Unit::Count, "Requests \"served\",\nby \\status.");
        counter!("http.requests", "status" => "200", "path" => odd).increment(3);
        counter!("http.requests", "path" => long.clone(), "5xx" => "no", "empty" => "").increment(u64::MAX >> 12);
        counter!("bytes_total").absolute(7);
        describe_gauge!("room_temperature_celsius", "");
        for (room, celsius) in [("hall", -2.5), ("oven", f64::INFINITY), ("lab", f64::NAN), ("sun", 1.5e7)] {
            gauge!("room_temperature_celsius", "room" => room).set(celsius);
        }
        describe_histogram!("delay_seconds", Unit::Seconds, "How long it takes.");
        for delay in [0.001, 0.005, 0.3, 60.0, f64::NAN] {
            histogram!("delay_seconds", "path" => "/").record(delay);
        }
    });
    let sample = |name: &str, labels: Value, value: &str| json!([name, labels, value]);
    for format in FORMATS {
        let Some(families) = parsed(&recorder, format) else { return };
        let is_open = format == Format::OpenMetrics;
        let buckets = [
            ("0.005", "2.0"),
            ("0.01", "2.0"),
            ("0.025", "2.0"),
            ("0.05", "2.0"),
            ("0.1", "2.0"),
            ("0.25", "2.0"),
            ("0.5", "3.0"),
            ("1.0", "3.0"),
            ("2.5", "3.0"),
            ("5.0", "3.0"),
            ("10.0", "3.0"),
            ("+Inf", "5.0"),
        ];
        let buckets = buckets.map(|(le, count)| sample("delay_seconds_bucket", json!({"path": "/", "le": le}), count));
        let totals = [
            sample("delay_seconds_sum", json!({"path": "/"}), "60.306"),
            sample("delay_seconds_count", json!({"path": "/"}), "5.0"),
        ];
        let room = |room: &str, celsius: &str| sample("room_temperature_celsius", json!({"room": room}), celsius);
        let expected = json!([
            { "name": "bytes", "type": "counter", "help": "", "unit": "", "samples": [sample("bytes_total", json!({}), "7.0")] },
            {
                "name": "delay_seconds",
                "type": "histogram",
                "help": "How long it takes.",
                "unit": if is_open { "seconds" } else { "" },
                "samples": buckets.into_iter().chain(totals).collect::<Vec<_>>(),
            },
            {
                "name": "http_requests",
                "type": "counter",
                "help": "Requests \"served\",\nby \\status.",
                "unit": "",
                "samples": [
                    sample("http_requests_total", json!({"_5xx": "no", "path": long}), "4503599627370495.0"),
                    sample("http_requests_total", json!({"path": odd, "status": "200"}), "3.0"),
                ],
            },
            {
                "name": "room_temperature_celsius",
                "type": "gauge",
                "help": "",
                "unit": "",
                "samples": [room("hall", "-2.5"), room("lab", "nan"), room("oven", "inf"), room("sun", "15000000.0")],
            },
        ]);
        assert_eq!(families, expected, "{format:?}:\n{}", recorder.render(format));
    }
}

/// `OpenMetrics` forbids the sum of what may be negative, and other forms of the bounds than one.
#[test]
fn histograms_that_openmetrics_restricts() {
    let builder = Recorder::builder().on_error(|error| panic!("{error}"));
    let recorder = builder
        .buckets_of("below", &[-1.5, 0.0, 1e-7])
        .and_then(|builder| builder.buckets_of("wide", &[1e-10, 0.0001, 1e5, 1e6, 123_456_789.0, 1e22]))
        .unwrap()
        .build(arena());
    with_local_recorder(&recorder, || {
        histogram!("below").record(-2.0);
        histogram!("wide").record_many(0.5, 1_000);
        histogram!("surprise").record(-4.0);
    });
    let counts = |families: Value, name: &str| {
        let families = families.as_array().unwrap().clone();
        let family = families.into_iter().find(|family| family["name"] == name).unwrap();
        let samples = family["samples"].as_array().unwrap().clone();
        samples
            .into_iter()
            .filter(|sample| sample[0] == format!("{name}_count"))
            .map(|sample| sample[2].clone())
            .collect()
    };
    for format in FORMATS {
        let Some(families) = parsed(&recorder, format) else { return };
        let count = |name| -> Vec<Value> { counts(families.clone(), name) };
        assert_eq!(count("wide"), [json!("1000.0")]);
        let negative = if format == Format::OpenMetrics { vec![] } else { vec![json!("1.0")] };
        assert_eq!((count("below"), count("surprise")), (negative.clone(), negative));
    }
}

/// An arena without series is a valid answer too, and so is one with values of other programs.
#[test]
fn other_values_of_the_arena_are_left_out() {
    let recorder = recorder(arena());
    assert_eq!(
        (recorder.render(Format::Prometheus), recorder.render(Format::OpenMetrics)),
        (String::new(), "# EOF\n".into())
    );
    recorder.arena().insert("hits", shared_value::Counter::<16>::new(5)).unwrap();
    recorder.arena().insert("limit", 5_u64).unwrap();
    with_local_recorder(&recorder, || gauge!("load").increment(0.5));
    assert_eq!(recorder.render(Format::Prometheus), "# TYPE load gauge\nload 0.5\n");
    for format in FORMATS {
        let Some(families) = parsed(&recorder, format) else { return };
        assert_eq!(families.as_array().map(Vec::len), Some(1));
    }
}

/// `promtool check metrics` also knows the conventions for names. Debian's package `prometheus` has it; where it is missing, the other
/// tests must do.
#[test]
fn promtool_finds_no_fault() {
    let promtool = env::var("SHARED_VALUE_PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
    if Command::new(&promtool).arg("--version").output().is_err() {
        return skip(format!("there is no `{promtool}`; SHARED_VALUE_PROMTOOL can name one"));
    }
    let recorder = recorder(arena());
    with_local_recorder(&recorder, || {
        describe_counter!("http_requests", "Requests, by \"status\" and \\path.\nAll of them.");
        counter!("http_requests", "path" => "/\"a\\b\"\n", "status" => "200").increment(1);
        describe_gauge!("queue_length", "Jobs that wait.");
        gauge!("queue_length").set(1e300);
        describe_histogram!("delay_seconds", "Delays.");
        histogram!("delay_seconds", "path" => "/").record(0.3);
    });
    let text = recorder.render(Format::Prometheus);
    run(Command::new(promtool).args(["check", "metrics"]), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
}

/// A sum that is not finite would stay so, whatever is observed later.
#[test]
fn sums_stay_finite() {
    let recorder = recorder(arena());
    with_local_recorder(&recorder, || {
        let delay = histogram!("delay");
        delay.record(0.5);
        delay.record_many(1e308, 1_000);
        delay.record_many(-1e308, 1_000);
        for _ in 0..10 {
            delay.record(1e308);
        }
        delay.record(0.25);
    });
    assert_eq!(samples(&recorder, "delay_count"), [2012.0]);
    assert_eq!(samples(&recorder, "delay_sum"), [0.75]);
}
