//! A lock whose owner is killed: the time until the next owner has it.

use std::marker::PhantomData;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::clock::monotonic;
use crate::process::{Task, Team, tell};
use crate::subjects::{Handover, Mutex, Native, Own, Pthread, Robust, Subject, UnderRLock};

/// The owner of a lock is killed while another process waits for the lock.
pub(super) struct Death;

impl Case for Death {
    fn name(&self) -> &'static str {
        "death"
    }

    fn title(&self) -> &'static str {
        "from SIGKILL of the owner until a sleeping waiter has the lock"
    }

    fn unit(&self) -> Unit {
        Unit::Microseconds
    }

    fn chart(&self) -> &'static str {
        "latency"
    }

    fn entries(&self) -> Vec<Entry> {
        let never = "its lock stays locked when the owner dies: waiters wait forever";
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

    /// Returns the median of many deaths.
    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let deaths = (duration.as_millis() / 4).clamp(3, 50);
        let mut latencies = (0..deaths).map(|_| Self::die()).collect::<Result<Vec<f64>>>()?;
        latencies.sort_by(f64::total_cmp);
        Ok(Reading::of(latencies[latencies.len() / 2]))
    }

    fn work(&self, task: &Task) -> Result<()> {
        let subject = S::attach(&task.token)?;
        if task.parameter == "own" {
            subject.hold(|| {
                task.report();
                thread::sleep(Duration::from_secs(60));
            });
            bail!("the owner was not killed");
        }
        task.report();
        let locked = subject.hold(monotonic);
        tell(&[("locked", locked)]);
        Ok(())
    }
}

impl<S: Subject<u64> + Handover> Dying<S> {
    /// Returns the microseconds of one death.
    fn die() -> Result<f64> {
        let subject = S::create(7)?;
        let mut team = Team::new()?;
        team.start("death", S::NAME, &subject.token()?, "own")?;
        team.wait_for(1)?;
        team.start("death", S::NAME, &subject.token()?, "wait")?;
        team.wait_for(1)?;
        team.wait_until_asleep(WAITER)?;
        let killed = team.kill(OWNER)?;
        let locked = team.findings(WAITER)?["locked"];
        ensure!(locked > killed, "the waiter had the lock before its owner died");
        ensure!(subject.count() == 7, "the value has changed to {}", subject.count());
        #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
        Ok((locked - killed) as f64 / 1e3)
    }
}
