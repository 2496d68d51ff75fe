//! Waking a waiter in another process.

use std::marker::PhantomData;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::io::Errno;
use rustix::thread::futex;
use shared_value::{Source, Synchronized};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::{Task, Team, tell};
use crate::subjects::{Handover, Region};

/// Two processes that wake each other in turn.
pub(super) struct Wake;

impl Case for Wake {
    fn name(&self) -> &'static str {
        "wake"
    }

    fn title(&self) -> &'static str {
        "from a change of a value until a sleeping waiter has seen it"
    }

    fn unit(&self) -> Unit {
        Unit::Microseconds
    }

    fn chart(&self) -> &'static str {
        "latency"
    }

    fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::Present(Box::new(Waking::<Values>(PhantomData))),
            Entry::Present(Box::new(Waking::<Futexes>(PhantomData))),
        ]
    }
}

/// Two numbers, each of which one process sets and the other one waits for.
trait Pair: Handover + 'static {
    const NAME: &'static str;

    fn create() -> Result<Self>;

    /// Sets the number of a side.
    fn set(&self, side: usize, number: u32) -> Result<()>;

    /// Sleeps until the number of a side is `number` or higher, and returns it.
    fn wait(&self, side: usize, number: u32) -> Result<u32>;
}

/// The side that the parent sets.
const QUESTION: usize = 0;
/// The side that the child sets.
const ANSWER: usize = 1;
/// The last question.
const END: u32 = u32::MAX;

struct Waking<P>(PhantomData<fn() -> P>);

impl<P: Pair> Contestant for Waking<P> {
    fn name(&self) -> &str {
        P::NAME
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let pair = P::create()?;
        let mut team = Team::new()?;
        team.start_at(1, "wake", P::NAME, &pair.token()?, "")?;
        team.wait_for(1)?;
        team.go();
        let (start, mut number) = (Instant::now(), 0);
        while start.elapsed() < duration {
            number += 1;
            pair.set(QUESTION, number)?;
            let answer = pair.wait(ANSWER, number)?;
            ensure!(answer == number, "asked {number}, answered {answer}");
        }
        let elapsed = start.elapsed();
        pair.set(QUESTION, END)?;
        let answers = team.findings(0)?["answers"];
        ensure!(answers == u64::from(number), "{number} questions, {answers} answers");
        Ok(Reading::of(elapsed.as_secs_f64() * 1e6 / f64::from(number) / 2.0))
    }

    fn work(&self, task: &Task) -> Result<()> {
        let pair = P::attach(&task.token)?;
        task.ready()?;
        let mut answers = 0;
        while pair.wait(QUESTION, answers + 1)? != END {
            answers += 1;
            pair.set(ANSWER, answers)?;
        }
        tell(&[("answers", u64::from(answers))]);
        Ok(())
    }
}

/// Values of this library.
struct Values([Synchronized<u32>; 2]);

impl Pair for Values {
    const NAME: &'static str = "shared-value";

    fn create() -> Result<Self> {
        Ok(Self([Synchronized::new(0)?, Synchronized::new(0)?]))
    }

    fn set(&self, side: usize, number: u32) -> Result<()> {
        Ok(self.0[side].set(number)?)
    }

    fn wait(&self, side: usize, number: u32) -> Result<u32> {
        Ok(self.0[side].wait_for(|seen| *seen >= number, Duration::from_secs(10))?)
    }
}

impl Handover for Values {
    fn token(&self) -> Result<String> {
        let [question, answer] = &self.0;
        Ok(format!("{}|{}", question.token()?, answer.token()?))
    }

    fn attach(token: &str) -> Result<Self> {
        let (question, answer) = token.split_once('|').context("a token of two parts")?;
        Ok(Self([Synchronized::open(Source::token(question))?, Synchronized::open(Source::token(answer))?]))
    }
}

/// Futex words in shared memory.
struct Futexes(Region);

impl Futexes {
    fn word(&self, side: usize) -> &AtomicU32 {
        // Each word has its own cache line.
        self.0.half_word(side * 64)
    }
}

impl Pair for Futexes {
    const NAME: &'static str = "bare futex";

    fn create() -> Result<Self> {
        Ok(Self(Region::new(128)?))
    }

    fn set(&self, side: usize, number: u32) -> Result<()> {
        self.word(side).store(number, Release);
        futex::wake(self.word(side), futex::Flags::empty(), 1)?;
        Ok(())
    }

    fn wait(&self, side: usize, number: u32) -> Result<u32> {
        loop {
            let seen = self.word(side).load(Acquire);
            if seen >= number {
                return Ok(seen);
            }
            match futex::wait(self.word(side), futex::Flags::empty(), seen, None) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Handover for Futexes {
    fn token(&self) -> Result<String> {
        self.0.token()
    }

    fn attach(token: &str) -> Result<Self> {
        Region::attach(token).map(Self)
    }
}
