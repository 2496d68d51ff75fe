//! What counting costs: no allocation. That it takes no lock is seen in that it goes on while the locks are held.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use metrics::{Key, Label, counter, gauge, histogram, with_local_recorder};
use shared_value_tests::in_time;

use crate::{arena, recorder, samples};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all calls go to the allocator of the system, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the rules of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the rules of this function, and the memory came from `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn counting_allocates_nothing() {
    let recorder = recorder(arena());
    let (jobs, level) =
        (recorder.counter(&Key::from_name("jobs")).unwrap(), recorder.gauge(&Key::from_name("level")).unwrap());
    let delay = recorder.histogram(&Key::from_name("delay")).unwrap();
    let count = || {
        jobs.increment(1);
        level.increment(0.5);
        level.decrement(0.25);
        level.set(1.0);
        delay.record(0.3);
        with_local_recorder(&recorder, || {
            // A macro finds its handle again in the thread's own map.
            counter!("calls", "kind" => "get").increment(1);
            gauge!("open").increment(1.0);
            histogram!("size").record(7.0);
        });
    };
    count();
    let before = ALLOCATIONS.get();
    (0..1_000).for_each(|_| count());
    assert_eq!(ALLOCATIONS.get() - before, 0);
    let totals = ["jobs_total", "calls_total", "size_count"].map(|name| samples(&recorder, name)[0]);
    assert_eq!(totals.to_vec(), [1_001.0; 3]);
}

/// A worker that is stopped in the middle of a registration holds the lock of the arena. The others count and report on.
#[test]
fn counting_waits_for_no_lock() {
    let recorder = recorder(arena());
    let jobs = recorder.counter(&Key::from_name("jobs")).unwrap();
    let delay = recorder.histogram(&Key::from_name("delay")).unwrap();
    // All locks of all values that the recorder has put into the arena.
    let values: Vec<_> = recorder.arena().values_of::<shared_value::Dyn>().map(|(_, value)| value).collect();
    let guards: Vec<_> = values.iter().map(|value| value.lock().unwrap()).collect();
    assert!(guards.len() > 8, "{}", guards.len());
    let other = recorder.clone();
    in_time(move || {
        jobs.increment(1);
        delay.record(0.5);
        assert_eq!((samples(&other, "jobs_total"), samples(&other, "delay_count")), (vec![1.0], vec![1.0]));
    });
}

/// The documentation says what a series takes, without what is noted once for its metric.
#[test]
fn what_a_series_takes() {
    let recorder = recorder(arena());
    let key = |name: &'static str, number: i32| Key::from_parts(name, vec![Label::new("number", number.to_string())]);
    let mut used = 0;
    let mut taken = [0; 3];
    for number in 0..2 {
        let mut difference = || recorder.arena().used() - std::mem::replace(&mut used, recorder.arena().used());
        difference();
        recorder.counter(&key("jobs", number)).unwrap().increment(1);
        taken[0] = difference();
        recorder.gauge(&key("level", number)).unwrap().set(1.0);
        taken[1] = difference();
        recorder.histogram(&key("delay", number)).unwrap().record(1.0);
        taken[2] = difference();
    }
    assert_eq!(taken, [1_216, 192, 3_200]);
}
