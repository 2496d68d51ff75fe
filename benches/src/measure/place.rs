//! `Placed`: a contestant that lies somewhere else each time it is measured.
//!
//! How fast a few instructions are depends on where the stack and the heap lie: two words share a cache line or do not, and a
//! load waits for an earlier store to an address whose last 12 bits are the same. A program that creates its contestants once
//! measures one place for its whole run. The median over many places is the same from run to run.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;

use crate::measure::contestant::Contestant;
use crate::measure::local::Local;
use crate::measure::reading::Reading;

/// A contestant that works in this process alone, and is created anew for each reading.
pub struct Placed {
    name: &'static str,
    create: fn() -> Result<Local>,
}

impl Placed {
    /// Creates a contestant, if its work can be done here.
    ///
    /// # Errors
    /// The error of `create`.
    pub fn new(name: &'static str, create: fn() -> Result<Local>) -> Result<Self> {
        create().map(|_| Self { name, create })
    }
}

impl Contestant for Placed {
    fn name(&self) -> &str {
        self.name
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        at(fastrand::usize(..FRAMES), fastrand::usize(..CHUNKS), || (self.create)()?.measure(duration))
    }
}

/// The number of places on the stack, which cover a page.
pub const FRAMES: usize = 64;

/// The number of places on the heap.
pub const CHUNKS: usize = 16;

/// Calls a function with its stack behind this number of frames, and its memory behind this number of small pieces.
pub fn at<R>(frames: usize, chunks: usize, work: impl FnOnce() -> R) -> R {
    // Pieces of all small sizes, so that the allocator has none left that it used before.
    let chunks: Vec<Vec<u8>> =
        (1..=chunks).flat_map(|number| (1..=16).map(move |size| vec![0; size * 16 - number % 2])).collect();
    let result = deeper(frames, work);
    drop(black_box(chunks));
    result
}

#[inline(never)]
fn deeper<R>(frames: usize, work: impl FnOnce() -> R) -> R {
    let frame = black_box([0_u8; 64]);
    let result = if frames == 0 { work() } else { deeper(frames - 1, work) };
    black_box(frame);
    result
}
