//! The work of one process, measured by criterion.

use std::time::{Duration, Instant};

use benches::case::Case;
use benches::cases::LocalCase;
use benches::role;
use criterion::{Criterion, criterion_group, criterion_main};

fn micro(criterion: &mut Criterion) {
    role::pin(0).expect("one core for this thread");
    for case in LocalCase::all() {
        let mut group = criterion.benchmark_group(case.name());
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(30);
        for (name, made) in case.locals() {
            let mut local = made.expect(name);
            // Criterion asks for a multiple of what it is told that one call takes.
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|calls| {
                    let start = Instant::now();
                    local.run(calls);
                    start.elapsed().div_f64(f64::from(local.times()))
                });
            });
            local.check().expect(name);
        }
        group.finish();
    }
}

criterion_group!(benches, micro);
criterion_main!(benches);
