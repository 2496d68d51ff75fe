//! Processes that count in one arena.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use metrics::{Key, counter, describe_counter, gauge, histogram, with_local_recorder};
use shared_value::{Arena, Dyn, SharedValue, Synchronized, Zeroed};
use shared_value_metrics::{Format, Recorder};
use shared_value_tests::{Forked, SegmentName, eventually, fork};

use crate::{arena, recorder, samples};

fn finish(children: Vec<Forked>) {
    for child in children {
        child.finish();
    }
}

/// A handle from before the fork, and the macros after it, count in the child as in the parent.
#[test]
fn handles_count_after_a_fork() {
    let recorder = recorder(arena());
    let known = recorder.counter(&Key::from_name("known")).unwrap();
    let delay = recorder.histogram(&Key::from_name("delay")).unwrap();
    with_local_recorder(&recorder, || counter!("cached").increment(1));
    known.increment(1);
    let work = || {
        known.increment(10);
        delay.record(0.5);
        with_local_recorder(&recorder, || {
            counter!("cached").increment(10);
            counter!("new").increment(10);
            gauge!("level").increment(2.5);
        });
    };
    let children: Vec<_> = (0..3).map(|_| fork(work)).collect();
    finish(children);
    work();
    let totals = ["known_total", "cached_total", "new_total", "level", "delay_count", "delay_sum"];
    let values: Vec<_> = totals.map(|name| samples(&recorder, name)).concat();
    assert_eq!(values, [41.0, 41.0, 40.0, 10.0, 4.0, 2.0]);
}

/// Where two processes make one series at once, both must count in the same one.
#[test]
fn series_that_are_made_at_once() {
    const ROUNDS: u64 = 60;
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    struct Round {
        #[shared(atomic)]
        number: u64,
        #[shared(atomic)]
        arrived: u64,
    }
    let name = SegmentName::new("metrics");
    let arena = Arena::create(&name, 16 << 20).unwrap();
    let round = Synchronized::<Round>::new(Zeroed).unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| {
            let (round, name) = (&round, &name);
            fork(move || {
                // A recorder of its own, as in a program that was started.
                let recorder = recorder(Arena::open(name).unwrap());
                for number in 1..=ROUNDS {
                    round.arrived().fetch_add(1);
                    eventually("the round begins", || round.number().load() >= number);
                    with_local_recorder(&recorder, || {
                        describe_counter!("made", "Made by all.");
                        counter!("made", "round" => number.to_string()).increment(number);
                        gauge!("raised", "round" => number.to_string()).increment(0.5);
                        histogram!("seen", "round" => number.to_string()).record(1.0);
                    });
                }
            })
        })
        .collect();
    for number in 1..=ROUNDS {
        eventually("all have arrived", || round.arrived().load() == 3 * number);
        round.number().store(number);
    }
    finish(children);
    let recorder = recorder(arena);
    for number in 1..=ROUNDS {
        let of = |start: &str| samples(&recorder, &format!("{start}{{round=\"{number}\""));
        let made = (of("made_total"), of("raised"), of("seen_count"), of("seen_sum"));
        #[expect(clippy::cast_precision_loss, reason = "the number is small")]
        let total = 3.0 * number as f64;
        assert_eq!(made, (vec![total], vec![1.5], vec![3.0], vec![3.0]), "round {number}");
    }
}

/// A scrape that runs beside the counting shows totals that never fall, and histograms whose count is that of their buckets.
#[test]
fn a_scrape_beside_the_counting() {
    const EACH: u64 = 20_000;
    let recorder = recorder(arena());
    let children: Vec<_> = (0..2)
        .map(|_| {
            fork(|| {
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| {
                            with_local_recorder(&recorder, || {
                                for number in 0..EACH {
                                    counter!("jobs").increment(1);
                                    histogram!("delay")
                                        .record([0.001, 0.2, 20.0][usize::try_from(number % 3).unwrap()]);
                                    gauge!("up").increment(1.0);
                                    gauge!("up").decrement(1.0);
                                }
                            });
                        });
                    }
                });
            })
        })
        .collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut jobs, mut delays) = (0.0, 0.0);
            while !is_over.load(Ordering::Relaxed) {
                let now = samples(&recorder, "jobs_total").first().copied().unwrap_or_default();
                assert!(jobs <= now, "{jobs} before {now}");
                let text = recorder.render(Format::OpenMetrics);
                let of = |start: &str| -> f64 {
                    let line = text.lines().find_map(|line| line.strip_prefix(start));
                    line.map_or(0.0, |value| value.parse().unwrap())
                };
                let (count, last) = (of("delay_count "), of("delay_bucket{le=\"+Inf\"} "));
                assert!(count.to_bits() == last.to_bits() && delays <= count, "{delays} before {count}, {last}");
                (jobs, delays) = (now, count);
            }
        });
        finish(children);
        is_over.store(true, Ordering::Relaxed);
    });
    let all = ["jobs_total", "delay_count", "up"].map(|name| samples(&recorder, name)[0]);
    assert_eq!(all.to_vec(), [80_000.0, 80_000.0, 0.0]);
    let sum = samples(&recorder, "delay_sum")[0];
    let expected = 4.0 * (6_667.0 * 0.001 + 6_667.0 * 0.2 + 6_666.0 * 20.0);
    assert!((sum - expected).abs() < 0.01, "{sum}, and not {expected}");
}

/// `absolute` raises a counter to a number that several processes read from elsewhere: it may neither fall nor count twice.
#[test]
fn absolute_numbers() {
    let recorder = recorder(arena());
    let children: Vec<_> = (0..3)
        .map(|child| {
            let recorder = &recorder;
            fork(move || {
                with_local_recorder(recorder, || {
                    (0..2_000).for_each(|number| counter!("read").absolute(number * 3 + child));
                });
            })
        })
        .collect();
    finish(children);
    assert_eq!(samples(&recorder, "read_total"), [5_999.0]);
    with_local_recorder(&recorder, || counter!("read").absolute(17));
    assert_eq!(samples(&recorder, "read_total"), [5_999.0]);

    // The child would add all that is missing now, and the parent a part of that.
    let lock = recorder.arena().get::<Dyn>("read_total").unwrap().unwrap();
    let guard = lock.lock().unwrap();
    let child = fork(|| with_local_recorder(&recorder, || counter!("read").absolute(6_100)));
    thread::sleep(Duration::from_millis(100));
    with_local_recorder(&recorder, || counter!("read").increment(50));
    drop(guard);
    child.finish();
    assert_eq!(samples(&recorder, "read_total"), [6_100.0]);
}

/// A server of its own may show the metrics, without a right to change them.
#[test]
fn a_reader_renders_too() {
    let name = SegmentName::new("metrics-reader");
    let recorder: Recorder = recorder(Arena::create(&name, 1 << 20).unwrap());
    with_local_recorder(&recorder, || {
        counter!("jobs").increment(2);
        histogram!("delay").record(0.2);
    });
    let reader = Arena::open_read_only(&name).unwrap();
    assert_eq!(shared_value_metrics::render(&reader, Format::OpenMetrics), recorder.render(Format::OpenMetrics));
    assert!(recorder.render(Format::OpenMetrics).contains("jobs_total 2\n"));
}
