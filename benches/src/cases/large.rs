//! Reads of a large value beside a writer that commits all the time.

use std::hint;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use shared_value::{Error, Filled, SharedArray, Token};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::{Task, Team, tell};

/// Copies of 64 MiB while another process commits 8,000 times a second.
pub(super) struct Large;

/// The number of elements, of 8 bytes.
const LENGTH: usize = 8 << 20;
/// The time between two commits.
const GAP: Duration = Duration::from_micros(125);
/// The timeout of a handle that cannot take the lock.
const TIMEOUT: Duration = Duration::from_millis(100);

impl Case for Large {
    fn name(&self) -> &'static str {
        "read-64M-beside-writer"
    }

    fn title(&self) -> &'static str {
        "copy 64 MiB while another process commits 8,000 times a second"
    }

    fn unit(&self) -> Unit {
        Unit::Microseconds
    }

    fn chart(&self) -> &'static str {
        "arrays"
    }

    fn entries(&self) -> Vec<Entry> {
        let present = |way| Entry::Present(Box::new(Reader(way)) as Box<dyn Contestant>);
        vec![present(Way::Locking), present(Way::ReadOnly), present(Way::Copy)]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By a handle that can take the lock.
    Locking,
    /// By a read-only handle, with a timeout.
    ReadOnly,
    /// Out of private memory, without a writer.
    Copy,
}

struct Reader(Way);

impl Contestant for Reader {
    fn name(&self) -> &str {
        match self.0 {
            Way::Locking => "shared-value",
            Way::ReadOnly => "shared-value, read-only, at most 100 ms",
            Way::Copy => "copy_from_slice",
        }
    }

    fn measure(&mut self, _: Duration) -> Result<Reading> {
        if self.0 == Way::Copy {
            return copy();
        }
        let array = SharedArray::new(Filled(0.0, LENGTH))?;
        // Otherwise the first copy of each slot would wait for pages, which the vectors of the other contestant have.
        array.fill(1.0)?;
        array.fill(0.0)?;
        let mut team = Team::new()?;
        team.start_at(1, "read-64M-beside-writer", self.name(), &array.token()?.to_string(), "")?;
        team.wait_for(1)?;
        team.go();
        std::thread::sleep(Duration::from_millis(20));
        let mut buffer = vec![1.0_f64; LENGTH];
        let start = Instant::now();
        let read = match self.0 {
            Way::ReadOnly => array.read_only()?.load_timeout(TIMEOUT).map(|read| buffer.copy_from_slice(&read)),
            _ => array.read_slice(.., &mut buffer),
        };
        let elapsed = start.elapsed();
        team.stop();
        let commits = team.findings(0)?["commits"];
        let is_late = match read {
            Ok(()) => false,
            Err(Error::TimedOut { .. }) if self.0 == Way::ReadOnly => true,
            Err(error) => bail!(error),
        };
        ensure!(is_late || buffer[0].to_bits() == buffer[LENGTH - 1].to_bits(), "the copy mixes two versions");
        #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
        let commits = commits as f64;
        let late = elapsed.saturating_sub(TIMEOUT).as_secs_f64() * 1e3;
        let reading = Reading::of(elapsed.as_secs_f64() * 1e6).with("commits", commits);
        Ok(if self.0 == Way::ReadOnly { reading.with("too late, ms", late) } else { reading })
    }

    fn work(&self, task: &Task) -> Result<()> {
        let array = SharedArray::<f64>::open(Token::from(task.token.clone()))?;
        let mut commits = 0_u32;
        task.ready()?;
        while !task.is_over() {
            let start = Instant::now();
            commits += 1;
            let guard = array.lock()?;
            guard.set_at(0, f64::from(commits))?;
            guard.set_at(LENGTH - 1, f64::from(commits))?;
            drop(guard);
            while start.elapsed() < GAP {
                hint::spin_loop();
            }
        }
        tell(&[("commits", commits.into())]);
        Ok(())
    }
}

fn copy() -> Result<Reading> {
    let (source, mut target) = (vec![1.0_f64; LENGTH], vec![2.0_f64; LENGTH]);
    let start = Instant::now();
    hint::black_box(&mut target).copy_from_slice(hint::black_box(&source));
    let elapsed = start.elapsed();
    ensure!(target == source, "the copy differs");
    Ok(Reading::of(elapsed.as_secs_f64() * 1e6))
}
