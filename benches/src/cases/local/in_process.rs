//! Reads of a value that only the threads of one process share, by libraries for that.

use std::hint::black_box;
use std::sync::RwLock;

use anyhow::{Result, ensure};
use arc_swap::ArcSwap;
use left_right::Absorb;
use seqlock::SeqLock;

use crate::measure::Local;
use crate::subjects::{Payload, Record64};

/// Replaces the value of `left_right`.
struct Replace(Record64);

impl Absorb<Replace> for Record64 {
    fn absorb_first(&mut self, operation: &mut Replace, _: &Self) {
        *self = operation.0;
    }

    fn sync_with(&mut self, first: &Self) {
        *self = *first;
    }
}

fn reading(name: &'static str, read: impl Fn() -> Record64 + 'static) -> Result<Local> {
    ensure!(read().is_whole() && read().count() == 7, "the value that was read is not the one that was written");
    let work = move || {
        black_box(&read());
    };
    Ok(Local::unchecked(name, work))
}

pub(super) fn arc_swap() -> Result<Local> {
    let value = ArcSwap::from_pointee(Record64::filled(0));
    value.store(Record64::filled(7).into());
    reading("arc-swap", move || **black_box(&value).load())
}

pub(super) fn left_right() -> Result<Local> {
    let (mut writer, reader) = left_right::new_from_empty::<Record64, Replace>(Record64::filled(0));
    writer.append(Replace(Record64::filled(7)));
    writer.publish();
    reading("left-right", move || {
        // Without its writer, the reader would find no value.
        let _ = &writer;
        *black_box(&reader).enter().expect("a writer")
    })
}

pub(super) fn seqlock() -> Result<Local> {
    let value = SeqLock::new(Record64::filled(0));
    *value.lock_write() = Record64::filled(7);
    reading("seqlock", move || black_box(&value).read())
}

pub(super) fn read_write_lock() -> Result<Local> {
    let value = RwLock::new(Record64::filled(7));
    reading("std::sync::RwLock", move || *black_box(&value).read().expect("no holder panics"))
}
