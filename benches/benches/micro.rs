//! Measures the work of one process with criterion.

use std::time::{Duration, Instant};

use benches::cases::LocalCase;
use benches::measure::Case;
use benches::process::cores;
use criterion::{Criterion, criterion_group, criterion_main};

fn micro(criterion: &mut Criterion) {
    cores::pin(0).expect("a core for this thread");
    for case in LocalCase::all() {
        let mut group = criterion.benchmark_group(case.name());
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(30);
        for (name, created) in case.locals() {
            let mut local = created.expect(name);
            // One call does several operations, and criterion wants the time of one.
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|calls| {
                    let start = Instant::now();
                    local.run(calls);
                    start.elapsed().div_f64(f64::from(local.operations()))
                });
            });
            local.check().expect(name);
        }
        group.finish();
    }
}

criterion_group!(benches, micro);
criterion_main!(benches);
