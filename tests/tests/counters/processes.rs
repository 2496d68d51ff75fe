//! Processes that count at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use shared_value::{Synchronized, Zeroed};
use shared_value_tests::fork;

use crate::Server;

/// Every addition of every process counts, in each counter and each element of a histogram, beside changes of other fields.
#[test]
fn processes_and_threads_count_at_once() {
    const PROCESSES: usize = 3;
    const EACH: u64 = 60_000;
    let value = Synchronized::<Server>::new(Zeroed).unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|process| {
            let value = &value;
            fork(move || {
                thread::scope(|scope| {
                    for thread in 0..2 {
                        scope.spawn(move || {
                            for number in 0..EACH {
                                value.hits().increment();
                                value.by_status().element(process * 2 + thread).add(number % 3);
                                if number % 64 == 0 {
                                    value.update_limit(|limit| *limit += 1).unwrap();
                                }
                            }
                        });
                    }
                });
            })
        })
        .collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = 0;
            while !is_over.load(Ordering::Relaxed) {
                let total = value.hits().get();
                assert!(last <= total, "{last} before {total}");
                last = total;
            }
        });
        for child in children {
            child.finish();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let processes = PROCESSES as u64;
    assert_eq!(value.hits().get(), processes * 2 * EACH);
    assert_eq!(value.by_status().get(), [EACH / 3 * 3; 6]);
    assert_eq!(value.limit().cast_unsigned(), processes * 2 * EACH.div_ceil(64));
}
