//! `Counting`: this library's counter in lanes.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::Result;
use shared_value::{Counter, SharedCounter, Token};

use crate::subjects::handover::Handover;
use crate::subjects::subject::Subject;

/// The number of lanes that threads can own, of the usual sixteen.
const OWNED: usize = 12;

/// A counter whose lanes this program's threads own, or, if `IS_SHARED`, a counter whose lanes are all taken.
pub struct Counting<const IS_SHARED: bool> {
    counter: SharedCounter,
    /// Threads that keep lanes until this is dropped.
    keepers: Vec<Sender<()>>,
}

impl<const IS_SHARED: bool> Counting<IS_SHARED> {
    /// Starts a thread that takes a lane and keeps it.
    fn keeper(counter: &SharedCounter) -> Sender<()> {
        let (sender, receiver) = channel::<()>();
        let (is_ready, ready) = channel();
        let counter = counter.clone();
        thread::spawn(move || {
            counter.add(0);
            let _ = is_ready.send(());
            // Ends when the sender is dropped.
            let _ = receiver.recv();
        });
        let _ = ready.recv();
        sender
    }
}

impl<const IS_SHARED: bool> Subject<u64> for Counting<IS_SHARED> {
    const NAME: &'static str = if IS_SHARED { "shared-value, all lanes taken" } else { "shared-value" };

    fn create(value: u64) -> Result<Self> {
        let counter = SharedCounter::new(Counter::new(value))?;
        let keepers = if IS_SHARED { (0..OWNED).map(|_| Self::keeper(&counter)).collect() } else { Vec::new() };
        Ok(Self { counter, keepers })
    }

    #[inline(always)]
    fn increment(&self) {
        self.counter.increment();
    }

    #[inline(always)]
    fn step(&self) {
        self.increment();
    }

    fn write(&self, value: u64) {
        let _ = self.counter.reset();
        self.counter.add(value);
    }

    #[inline(always)]
    fn read(&self) -> u64 {
        self.counter.total()
    }

    #[inline(always)]
    fn count(&self) -> u64 {
        self.read()
    }

    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

impl<const IS_SHARED: bool> Handover for Counting<IS_SHARED> {
    fn token(&self) -> Result<String> {
        // The threads that keep lanes live as long as this.
        let _ = &self.keepers;
        Ok(self.counter.token()?.to_string())
    }

    fn attach(token: &str) -> Result<Self> {
        let counter = SharedCounter::open(Token::from(token.to_owned()))?;
        Ok(Self { counter, keepers: Vec::new() })
    }
}
