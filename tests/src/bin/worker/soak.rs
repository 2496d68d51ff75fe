//! Uses an arena in all ways without pause, to be killed at a random instruction. Each value says under which key it was added,
//! so a handle that leads to another value is noticed.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use shared_value::{Access, Arena, Error, Synchronized};
use shared_value_tests::{end_now, say, split};

/// Adds, replaces, removes, opens and drops values until it is killed.
#[derive(Debug, clap::Args)]
pub(crate) struct Soak {
    name: String,
    seed: u64,
    /// Only opens and drops values, in memory that is mapped for reading.
    #[arg(long)]
    read_only: bool,
}

/// The keys, the longest array, and the most handles that a process keeps.
const KEYS: u64 = 400;
const LONGEST: usize = 64;
const HANDLES: usize = 32;

/// A handle, and what the value has held since it was opened.
struct Kept<A> {
    value: Synchronized<[u64], A>,
    content: u64,
    key: u64,
}

impl<A: Access> Kept<A> {
    fn open(arena: &Arena<A>, key: u64) -> Result<Option<Self>> {
        let Some(value) = arena.get::<[u64]>(&name_of(key))? else { return Ok(None) };
        let content = value.at(0);
        let kept = Self { value, content, key };
        kept.check()?;
        Ok(Some(kept))
    }

    /// Checks that the value is still the one that was opened, and whole.
    fn check(&self) -> Result<()> {
        let found = self.value.to_vec()?;
        let is_right = found.iter().all(|element| *element == self.content) && self.content >> 40 == self.key;
        ensure!(is_right, "key {}, {:#x}: found {found:x?}", self.key, self.content);
        Ok(())
    }
}

fn name_of(key: u64) -> String {
    format!("key {key}")
}

/// A key; some are much more in use than others.
fn some_key(random: &mut Rng) -> u64 {
    if random.bool() { random.u64(..KEYS / 20) } else { random.u64(..KEYS) }
}

fn new_content(random: &mut Rng, key: u64) -> u64 {
    key << 40 | random.u64(..1 << 40)
}

fn new_value(random: &mut Rng, key: u64) -> Vec<u64> {
    let length = if random.u32(..8) == 0 { random.usize(1..=LONGEST * 8) } else { random.usize(1..=LONGEST) };
    vec![new_content(random, key); length]
}

/// The handles of one process.
struct Handles<A> {
    arena: Arena<A>,
    kept: Vec<Kept<A>>,
    random: Rng,
}

impl<A: Access> Handles<A> {
    fn check_all(&self) -> Result<()> {
        self.kept.iter().try_for_each(Kept::check)
    }

    fn open_or_drop(&mut self) -> Result<()> {
        match self.random.u32(..10) {
            0..5 => {
                let opened = Kept::open(&self.arena, some_key(&mut self.random))?;
                self.kept.extend(opened);
                if self.kept.len() > HANDLES {
                    self.drop_one();
                }
            }
            5..7 => self.drop_one(),
            7 => {
                if let Some(one) = self.random.choice(&self.kept) {
                    let again = Kept { value: one.value.clone(), ..*one };
                    self.kept.push(again);
                }
            }
            8 => {
                for entry in self.arena.iter().take(20) {
                    let key = entry.key().context("all values have keys")?;
                    ensure!(key.starts_with("key "), "{key} is listed");
                }
            }
            _ => {
                if let Some(one) = self.random.choice(&self.kept) {
                    one.check()?;
                }
            }
        }
        Ok(())
    }

    fn drop_one(&mut self) {
        if !self.kept.is_empty() {
            let number = self.random.usize(..self.kept.len());
            self.kept.swap_remove(number).check().unwrap_or_else(|error| fail(&error));
        }
    }

    /// What a forked child does with the handles of its parent.
    fn inherit(&mut self, step: fn(&mut Self) -> Result<()>) -> Result<()> {
        let kind = self.random.u32(..3);
        let end = Instant::now() + Duration::from_millis(self.random.u64(1..300));
        while Instant::now() < end {
            // Reading alone makes no call that could show the claims of this process.
            self.check_all()?;
            thread::sleep(Duration::from_millis(2));
        }
        if kind == 0 {
            return Ok(());
        }
        let end = Instant::now() + Duration::from_millis(self.random.u64(1..60));
        while Instant::now() < end {
            self.check_all()?;
            step(self)?;
        }
        Ok(())
    }

    /// Returns when to fork next: so soon that there are always children that have not used the library.
    fn soon(&mut self) -> Instant {
        Instant::now() + Duration::from_millis(self.random.u64(..200))
    }

    fn run(mut self, step: fn(&mut Self) -> Result<()>) -> Result<()> {
        say("ready");
        let mut next_fork = self.soon();
        loop {
            step(&mut self)?;
            if Instant::now() >= next_fork {
                next_fork = self.soon();
                // Without a `Forked`, the child lives on when this process is killed, for a moment.
                if let Some(child) = split() {
                    drop(thread::spawn(move || child.finish()));
                } else {
                    self.random = Rng::new();
                    self.inherit(step).unwrap_or_else(|error| fail(&error));
                    end_now(0);
                }
            }
        }
    }
}

/// Ends the process at once: the test that started it sees that it was not killed.
fn fail(error: &dyn Display) -> ! {
    eprintln!("WRONG: {error}");
    say("wrong");
    end_now(1)
}

impl Handles<shared_value::ReadWrite> {
    fn change(&mut self) -> Result<()> {
        let key = some_key(&mut self.random);
        let value = new_value(&mut self.random, key);
        let content = value[0];
        let name = name_of(key);
        let added = match self.random.u32(..10) {
            0..3 => match self.arena.insert(&name, value) {
                Err(Error::AlreadyExists { .. }) => return Ok(()),
                added => added?,
            },
            3..5 => self.arena.replace(&name, value)?,
            5..7 => {
                self.arena.remove(&name)?;
                return Ok(());
            }
            7 => {
                // Two values at once, of which one may be there already.
                let other = some_key(&mut self.random);
                let both = self.arena.transaction(|tx| {
                    let value = tx.replace(&name, vec![content; 3])?;
                    tx.remove(&name_of(other))?;
                    if content & 1 == 0 { Ok(value) } else { Err(Error::TimedOut { awaited: String::new() }) }
                });
                match both {
                    Err(Error::TimedOut { .. }) => return Ok(()),
                    value if other != key => value?,
                    _ => return Ok(()),
                }
            }
            _ => {
                if let Some(one) = self.random.choice(&self.kept) {
                    // It writes what is there, under the lock.
                    let place = self.random.usize(..one.value.len());
                    one.value.set_at(place, one.content)?;
                }
                return Ok(());
            }
        };
        if self.random.bool() {
            self.kept.push(Kept { value: added, content, key });
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        if self.random.u32(..3) == 0 { self.change() } else { self.open_or_drop() }
    }
}

impl Soak {
    pub(crate) fn run(self) -> Result<()> {
        let random = Rng::with_seed(self.seed);
        let result = if self.read_only {
            let arena = Arena::open_read_only(&*self.name)?;
            Handles { arena, kept: Vec::new(), random }.run(Handles::open_or_drop)
        } else {
            let arena = Arena::open(&*self.name)?;
            Handles { arena, kept: Vec::new(), random }.run(Handles::step)
        };
        if let Err(error) = result {
            fail(&format!("{error:#}"));
        }
        bail!("it goes on until it is killed")
    }
}
