//! Contestants that change the length of a value.

use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Result, ensure};
use shared_value::{Capacity, SharedString, SharedVec};

use crate::measure::Local;

/// How many elements there are between two removals of all.
const MOST: u64 = 1 << 12;

/// Pushes numbers, and removes all of them now and then.
fn pushing(name: &'static str, capacity: usize) -> Result<Local> {
    let vector = Rc::new(SharedVec::<u64>::new(Capacity(capacity))?);
    // Makes the system provide the memory of both slots before the measurement begins.
    for _ in 0..2 {
        vector.set(&(0..MOST).collect::<Vec<_>>())?;
    }
    vector.clear()?;
    let checked = Rc::clone(&vector);
    let mut count = 0;
    let work = move || {
        vector.push(black_box(count)).expect("there is room");
        count += 1;
        if count % MOST == 0 {
            vector.clear().expect("an intact lock");
        }
    };
    Ok(Local::new(name, work, move |calls| {
        ensure!(checked.len() as u64 == calls % MOST, "{calls} pushes make {} elements", checked.len());
        Ok(())
    }))
}

pub(super) fn pushing_to_64_kib() -> Result<Local> {
    pushing("shared-value, capacity 64 KiB", 1 << 13)
}

pub(super) fn pushing_to_64_gib() -> Result<Local> {
    pushing("shared-value, capacity 64 GiB", 1 << 33)
}

pub(super) fn setting_text() -> Result<Local> {
    let text = Rc::new(SharedString::new(Capacity(1 << 20))?);
    let checked = Rc::clone(&text);
    let texts = ["a text of 64 bytes that takes the place of the one before it ..", "a shorter text"];
    let mut count = 0;
    let work = move || {
        text.set(black_box(texts[count % 2])).expect("there is room");
        count += 1;
    };
    Ok(Local::new("shared-value", work, move |calls| {
        let last = usize::from(calls % 2 == 0);
        ensure!(checked.load()? == texts[last], "the text is not the last one that was written");
        Ok(())
    }))
}
