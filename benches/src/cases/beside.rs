//! A reader beside a writer in another process.

use std::hint;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::{Task, Team, tell};
use crate::subjects::{Handover, Mutex, Native, Own, Payload, Pthread, Raw, Record64, Robust, Subject, UnderRLock};

/// Reads of 64 bytes while another process writes them.
pub(super) struct Beside {
    name: &'static str,
    title: &'static str,
    /// The microseconds between two writes.
    gap: u64,
}

/// All cases of a reader beside a writer.
pub(super) static ALL: &[Beside] = &[
    Beside { name: "read-beside-writer", title: "copy 64 bytes while another process writes without a pause", gap: 0 },
    Beside { name: "read-beside-writer-2us", title: "copy 64 bytes while another process writes every 2 µs", gap: 2 },
    Beside {
        name: "read-beside-writer-100us",
        title: "copy 64 bytes while another process writes every 100 µs",
        gap: 100,
    },
];

impl Beside {
    fn entry<S: Subject<Record64> + Handover>(&self) -> Entry {
        Entry::Present(Box::new(Reader::<S> { case: self.name, gap: self.gap, subject: PhantomData }))
    }
}

impl Case for &Beside {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn chart(&self) -> &'static str {
        "processes"
    }

    fn entries(&self) -> Vec<Entry> {
        vec![
            self.entry::<Own<Record64, Native>>(),
            self.entry::<Own<Record64, Pthread>>(),
            self.entry::<Own<Record64, UnderRLock>>(),
            self.entry::<Mutex<Robust>>(),
            self.entry::<Raw>(),
            Entry::absent("iceoryx2 blackboard", "its program has no second process"),
            Entry::absent("mmap-sync", "its program has no second process"),
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

struct Reader<S> {
    case: &'static str,
    gap: u64,
    subject: PhantomData<fn() -> S>,
}

impl<S: Subject<Record64> + Handover> Contestant for Reader<S> {
    fn name(&self) -> &str {
        S::NAME
    }

    /// This process reads on the first core, and the child writes on the second one.
    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let subject = S::create(Record64::filled(0))?;
        let mut team = Team::new()?;
        team.start_at(1, self.case, S::NAME, &subject.token()?, &self.gap.to_string())?;
        team.wait_for(1)?;
        team.go();
        let retries_before = S::retries();
        let (start, mut reads, mut torn) = (Instant::now(), 0_u32, 0_u32);
        let mut elapsed = Duration::ZERO;
        while elapsed < duration {
            for _ in 0..64 {
                torn += u32::from(!hint::black_box(&subject).read().is_whole());
            }
            reads += 64;
            elapsed = start.elapsed();
        }
        let retries_after = S::retries();
        team.stop();
        let writes = team.findings(0)?["writes"];
        ensure!(torn == 0, "{torn} of {reads} reads were torn");
        ensure!(subject.count() == writes, "{writes} writes, and the last value is {}", subject.count());
        let reading = Reading::of(elapsed.as_secs_f64() * 1e9 / f64::from(reads))
            .with("torn", f64::from(torn))
            .with("writes, M/s", float(writes) / elapsed.as_secs_f64() / 1e6);
        let (Some(before), Some(after)) = (retries_before, retries_after) else { return Ok(reading) };
        Ok(reading.with("retries for 100 reads", 100.0 * float(after - before) / f64::from(reads)))
    }

    fn work(&self, task: &Task) -> Result<()> {
        let gap = Duration::from_micros(task.parameter.parse()?);
        let subject = S::attach(&task.token)?;
        let mut writes = 0;
        task.ready()?;
        while !task.is_over() {
            writes += 1;
            subject.write(Record64::filled(writes));
            if !gap.is_zero() {
                let start = Instant::now();
                while start.elapsed() < gap {
                    hint::spin_loop();
                }
            }
        }
        tell(&[("writes", writes)]);
        Ok(())
    }
}
