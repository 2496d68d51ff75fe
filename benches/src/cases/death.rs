//! How long a lock stays with an owner that was killed.

use std::marker::PhantomData;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::case::{Case, Contestant, Entry, Reading, Unit};
use crate::handover::Handover;
use crate::role::{Task, Team, monotonic, tell};
use crate::subject::Subject;
use crate::subjects::{Mutex, Native, Own, Pthread, Robust, UnderRLock};

/// One process is killed while another one waits for its lock.
pub(super) struct Death;

impl Case for Death {
    fn name(&self) -> &'static str {
        "death"
    }

    fn title(&self) -> &'static str {
        "SIGKILL of the owner until a process that sleeps for the lock has it"
    }

    fn unit(&self) -> Unit {
        Unit::Microseconds
    }

    fn chart(&self) -> &'static str {
        "latency"
    }

    fn entries(&self) -> Vec<Entry> {
        let never = "its lock dies with its owner: who waits for it waits for ever";
        vec![
            entry::<Own<u64, Native>>(),
            entry::<Own<u64, Pthread>>(),
            entry::<Own<u64, UnderRLock>>(),
            entry::<Mutex<Robust>>(),
            Entry::absent("pthread normal", never),
            Entry::absent("raw_sync", never),
            Entry::absent("Boost mutex", never),
            Entry::absent("Python multiprocessing", never),
            Entry::absent("iceoryx2 blackboard", "the entry of a writer that dies can never be written again"),
        ]
    }
}

fn entry<S: Subject<u64> + Handover>() -> Entry {
    Entry::Present(Box::new(Dying::<S>(PhantomData)))
}

struct Dying<S>(PhantomData<fn() -> S>);

const OWNER: usize = 0;
const WAITER: usize = 1;

impl<S: Subject<u64> + Handover> Contestant for Dying<S> {
    fn name(&self) -> &str {
        S::NAME
    }

    /// Many deaths, and the median of them.
    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let deaths = (duration.as_millis() / 4).clamp(3, 50);
        let mut latencies = (0..deaths).map(|_| Self::die()).collect::<Result<Vec<f64>>>()?;
        latencies.sort_by(f64::total_cmp);
        Ok(Reading::of(latencies[latencies.len() / 2]))
    }

    fn work(&self, task: &Task) -> Result<()> {
        let subject = S::attach(&task.token)?;
        if task.part == "own" {
            subject.hold(|| {
                task.report();
                thread::sleep(Duration::from_secs(60));
            });
            bail!("nobody has killed the owner");
        }
        task.report();
        let had = subject.hold(monotonic);
        tell(&[("had", had)]);
        Ok(())
    }
}

impl<S: Subject<u64> + Handover> Dying<S> {
    /// Microseconds that one death takes.
    fn die() -> Result<f64> {
        let subject = S::create(7)?;
        let mut team = Team::new()?;
        team.start("death", S::NAME, &subject.token()?, "own")?;
        team.wait_for(1)?;
        team.start("death", S::NAME, &subject.token()?, "wait")?;
        team.wait_for(1)?;
        team.wait_until_asleep(WAITER)?;
        let killed = team.kill(OWNER)?;
        let had = team.findings(WAITER)?["had"];
        ensure!(had > killed, "the waiter had the lock before its owner died");
        ensure!(subject.count() == 7, "the value is {}", subject.count());
        #[expect(clippy::cast_precision_loss, reason = "far from so long")]
        Ok((had - killed) as f64 / 1e3)
    }
}
