//! Writes a value with padding from a process whose memory is full of secrets.

use std::hint::black_box;

use anyhow::Result;
use shared_value_tests::values::{Grain, Padded, SynchronizedPadded};
use shared_value_tests::{await_line, say};

/// A byte that must not appear in the segment.
const SECRET: u8 = 0xa5;

/// Creates a value, and writes it in every way that writes a whole value or a part with padding.
#[derive(Debug, clap::Args)]
pub(crate) struct Padding {
    name: String,
}

impl Padding {
    pub(crate) fn run(self) -> Result<()> {
        let padded = create(&self.name)?;
        say("created");
        await_line();
        for seed in 1..10 {
            write(&padded, seed)?;
        }
        say("written");
        await_line();
        Ok(())
    }
}

#[inline(never)]
fn create(name: &str) -> Result<SynchronizedPadded> {
    fill_stack();
    Ok(SynchronizedPadded::create(name, value(1))?)
}

#[inline(never)]
fn write(padded: &SynchronizedPadded, seed: u8) -> Result<()> {
    fill_stack();
    padded.set(value(seed))?;
    fill_stack();
    padded.update(|padded| *padded = value(seed))?;
    fill_stack();
    padded.in_grains().set_at(3, value(seed).grains[5])?;
    fill_stack();
    padded.set_grains(value(seed).grains)?;
    fill_stack();
    padded.update_grains(|grains| grains[1] = Grain { is_set: false, ..grains[2] })?;
    fill_stack();
    let guard = padded.lock()?;
    guard.set(value(seed))?;
    guard.commit();
    guard.in_grains().set_at(4, value(seed).grains[6])?;
    guard.set_head(seed)?;
    Ok(())
}

/// Makes a value whose padding contains secrets.
#[inline(never)]
fn value(seed: u8) -> Padded {
    fill_stack();
    let mut value = black_box(Padded::of(seed));
    for (grain, weight) in value.grains.iter_mut().zip(1..) {
        grain.weight = weight;
    }
    black_box(value)
}

/// Leaves secrets in the stack that the next calls use.
#[inline(never)]
fn fill_stack() {
    let mut secrets = [0_u8; 16 * 1024];
    black_box(&mut secrets).fill(SECRET);
    black_box(&secrets);
}
