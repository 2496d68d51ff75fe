//! Opens damaged segments.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{ensure_refusal, say};

/// Damages a valid segment in a different way for each seed, and opens the results.
#[derive(Debug, clap::Args)]
pub(crate) struct Damage {
    /// The valid file.
    original: PathBuf,
    /// The path for the damaged files.
    damaged: PathBuf,
    seeds_from: u64,
    seeds_to: u64,
}

impl Damage {
    pub(crate) fn run(self) -> Result<()> {
        let original = fs::read(&self.original)?;
        let name = self.damaged.to_str().context("a path in UTF-8")?;
        let (mut opened, mut refused) = (0_u64, 0_u64);
        for seed in self.seeds() {
            let bytes = damage(&original, &mut fastrand::Rng::with_seed(seed));
            fs::write(&self.damaged, &bytes)?;
            let result = SynchronizedAccount::open(&self.damaged);
            match result {
                Ok(account) => {
                    use_it(&account).with_context(|| format!("seed {seed}"))?;
                    opened += 1;
                }
                Err(error) => {
                    ensure_refusal(&error, name).with_context(|| format!("seed {seed}"))?;
                    ensure!(fs::read(&self.damaged)? == bytes, "seed {seed}: refused with `{error}`, but changed");
                    refused += 1;
                }
            }
            // The next seed gets a new file.
            fs::remove_file(&self.damaged)?;
        }
        say(format!("{opened} {refused}"));
        Ok(())
    }

    fn seeds(&self) -> Range<u64> {
        self.seeds_from..self.seeds_to
    }
}

/// Changes the length, or a few bytes, most of them before the cell.
fn damage(original: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..random.usize(1..6) {
        let end = if random.u8(..4) == 0 { bytes.len() } else { bytes.len().min(128) };
        if end == 0 {
            break;
        }
        let at = random.usize(..end);
        match random.u8(..8) {
            0 => bytes[at] = 0,
            1 => bytes[at] = 0xff,
            2 => bytes[at] ^= 1 << random.u8(..8),
            // A whole word that could be an offset or a length.
            3 => {
                let word = random.u64(..bytes.len() as u64 * 2) & !random.u64(..64);
                let at = at & !7;
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&word.to_ne_bytes()[..end - at]);
            }
            4 => bytes.truncate(at),
            5 if random.u8(..4) == 0 => bytes.resize(bytes.len() + random.usize(1..10_000), random.u8(..)),
            _ => bytes[at] = random.u8(..),
        }
    }
    bytes
}

/// Uses an opened value in all ways. Damaged bytes may make operations fail, but a stored value must come back.
fn use_it(account: &SynchronizedAccount) -> Result<()> {
    ensure!(!format!("{account:?}").is_empty(), "a value prints nothing");
    let _ = (account.load(), account.version(), account.recoveries(), account.lock_state());
    account.requests().fetch_add(1);
    let guard = account.try_lock().context("the lock is free")?;
    let _ = guard.load();
    guard.set(Account::after(7))?;
    guard.commit();
    guard.in_limits().set_at(3, 1)?;
    guard.rollback();
    drop(guard);
    ensure!(account.load()?.is_whole(), "another value comes back: {account:?}");
    Ok(())
}
