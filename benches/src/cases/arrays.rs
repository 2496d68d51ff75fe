//! Arrays: copies of all elements, and changes of some.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use shared_value::{Filled, SharedArray};

use crate::measure::temporary::Create;
use crate::measure::{Case, Entry, Local, Temporary, Unit};

/// Work on an array of `f64`.
pub(super) struct Arrays {
    name: &'static str,
    title: &'static str,
    length: usize,
    unit: Unit,
    /// Turns the nanoseconds of a call into the figure.
    figure: fn(f64) -> f64,
    contestants: Contestants,
}

type Contestants = &'static [(&'static str, Create)];

const READERS: Contestants =
    &[("shared-value", reading), ("copy_from_slice", copying), ("std::sync::Mutex", reading_locked)];
const WRITERS: Contestants =
    &[("shared-value", writing), ("copy_from_slice", copying), ("std::sync::Mutex", writing_locked)];
const SMALL: usize = 4 << 10;
const LARGE: usize = 8 << 20;

/// All cases of arrays.
pub(super) static ALL: &[Arrays] = &[
    Arrays {
        name: "array-read-32K",
        title: "copy an array of 32 KiB",
        length: SMALL,
        unit: Unit::GigabytesPerSecond,
        figure: |ns| 32.0 * 1_024.0 / ns,
        contestants: READERS,
    },
    Arrays {
        name: "array-read-64M",
        title: "copy an array of 64 MiB",
        length: LARGE,
        unit: Unit::GigabytesPerSecond,
        figure: |ns| 64.0 * 1_024.0 * 1_024.0 / ns,
        contestants: READERS,
    },
    Arrays {
        name: "array-write-32K",
        title: "replace an array of 32 KiB, in one commit",
        length: SMALL,
        unit: Unit::GigabytesPerSecond,
        figure: |ns| 32.0 * 1_024.0 / ns,
        contestants: WRITERS,
    },
    Arrays {
        name: "array-write-64M",
        title: "replace an array of 64 MiB, in one commit",
        length: LARGE,
        unit: Unit::GigabytesPerSecond,
        figure: |ns| 64.0 * 1_024.0 * 1_024.0 / ns,
        contestants: WRITERS,
    },
    Arrays {
        name: "array-change-1000",
        title: "add to 1,000 random elements of 10,000,000, in one commit",
        length: 10_000_000,
        unit: Unit::Microseconds,
        figure: |ns| ns / 1e3,
        contestants: &[("shared-value", changing), ("std::sync::Mutex", changing_locked)],
    },
];

impl Case for &Arrays {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn chart(&self) -> &'static str {
        "arrays"
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |(name, create): &(&'static str, Create)| {
            Entry::Present(Box::new(Temporary::new(name, *create, self.length, self.figure)))
        };
        self.contestants.iter().map(entry).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
fn numbers(length: usize) -> Vec<f64> {
    (0..length).map(|number| number as f64).collect()
}

/// Returns zeros that were written, which makes the system provide their memory before the measurement begins.
fn zeros(length: usize) -> Result<Vec<f64>> {
    ensure!(length > 0, "an array without elements cannot be measured");
    let mut zeros = Vec::with_capacity(length);
    zeros.resize(length, 0.0);
    Ok(zeros)
}

/// Copies into a buffer again and again. In the end, the buffer must hold the copied numbers.
fn into_buffer(name: &'static str, length: usize, copy: impl Fn(&mut [f64]) + 'static) -> Result<Local> {
    let buffer = Rc::new(RefCell::new(zeros(length)?));
    let checked = Rc::clone(&buffer);
    Ok(Local::new(
        name,
        move || copy(black_box(&mut *buffer.borrow_mut())),
        move |_| {
            ensure!(*checked.borrow() == numbers(length), "the numbers that were read are not those that were written");
            Ok(())
        },
    ))
}

fn reading(length: usize) -> Result<Local> {
    let array = SharedArray::new(numbers(length))?;
    into_buffer("shared-value", length, move |buffer| array.read_slice(.., buffer).expect("all bits are valid numbers"))
}

fn copying(length: usize) -> Result<Local> {
    let source = numbers(length);
    into_buffer("copy_from_slice", length, move |buffer| buffer.copy_from_slice(black_box(&source)))
}

fn reading_locked(length: usize) -> Result<Local> {
    let source = Mutex::new(numbers(length));
    into_buffer("std::sync::Mutex", length, move |buffer| {
        buffer.copy_from_slice(&source.lock().unwrap_or_else(PoisonError::into_inner));
    })
}

fn writing(length: usize) -> Result<Local> {
    let array = Rc::new(SharedArray::new(Filled(0.0, length))?);
    // Makes the system provide the memory of both slots before the measurement begins.
    for _ in 0..2 {
        array.fill(0.0)?;
    }
    let (checked, source) = (Rc::clone(&array), numbers(length));
    Ok(Local::new(
        "shared-value",
        move || array.write_slice(0, black_box(&source)).expect("an intact lock"),
        move |calls| {
            ensure!(checked.to_vec()? == numbers(length), "the array does not hold the numbers that were written");
            ensure!(checked.version() == calls + 2, "{} commits of {calls} calls", checked.version());
            Ok(())
        },
    ))
}

fn writing_locked(length: usize) -> Result<Local> {
    let source = numbers(length);
    let target = Rc::new(Mutex::new(zeros(length)?));
    let checked = Rc::clone(&target);
    let work = move || target.lock().unwrap_or_else(PoisonError::into_inner).copy_from_slice(black_box(&source));
    Ok(Local::new("std::sync::Mutex", work, move |_| {
        let target = checked.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(*target == numbers(length), "the array does not hold the numbers that were written");
        Ok(())
    }))
}

/// The number of elements that one commit changes.
const CHANGES: u32 = 1_000;

fn check_sum(sum: f64, calls: u64) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
    let expected = (calls * u64::from(CHANGES)) as f64;
    ensure!((sum - expected).abs() < 0.5, "the elements add up to {sum} instead of {expected}");
    Ok(())
}

fn changing(length: usize) -> Result<Local> {
    let array = Rc::new(SharedArray::new(zeros(length)?)?);
    // Makes the system provide the memory of both slots. The second change leaves the first measured commit no more to copy
    // than later ones.
    array.fill(0.0)?;
    array.set_at(0, 0.0)?;
    let checked = Rc::clone(&array);
    let work = move || {
        let guard = array.lock().expect("an intact lock");
        for _ in 0..CHANGES {
            let index = fastrand::usize(..length);
            guard.set_at(index, guard.at(index) + 1.0).expect("a writable value");
        }
    };
    Ok(Local::new("shared-value", work, move |calls| check_sum(checked.iter().sum(), calls)))
}

fn changing_locked(length: usize) -> Result<Local> {
    let array = Rc::new(Mutex::new(zeros(length)?));
    let checked = Rc::clone(&array);
    let work = move || {
        let mut array = array.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..CHANGES {
            array[fastrand::usize(..length)] += 1.0;
        }
    };
    Ok(Local::new("std::sync::Mutex", work, move |calls| {
        check_sum(checked.lock().unwrap_or_else(PoisonError::into_inner).iter().sum(), calls)
    }))
}
