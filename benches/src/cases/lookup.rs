//! Finding one value of many.

use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use shared_value::{Arena, ValueId};

use crate::afresh::{Afresh, Make};
use crate::case::{Case, Entry, Unit};
use crate::local::Local;

/// Finding one of so many values of 8 bytes and reading it, in random order.
pub(super) struct Lookup {
    name: &'static str,
    title: &'static str,
    count: usize,
}

/// All of them.
pub(super) static ALL: &[Lookup] = &[
    Lookup { name: "look-up-1000", title: "find one of 1,000 values by name, and read it", count: 1_000 },
    Lookup { name: "look-up-1000000", title: "find one of 1,000,000 values by name, and read it", count: 1_000_000 },
];

impl Case for &Lookup {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn chart(&self) -> &'static str {
        "many"
    }

    fn entries(&self) -> Vec<Entry> {
        let all: [(&str, Make); 3] =
            [("shared-value", by_key), ("shared-value, by id", by_id), ("HashMap in one process", in_map)];
        let entry = |(name, make)| Entry::Present(Box::new(Afresh::new(name, make, self.count, |ns| ns)));
        all.into_iter().map(entry).collect()
    }
}

/// Address space for a million values with keys.
const CAPACITY: usize = 1 << 30;

fn key(number: usize) -> String {
    format!("value.{number:07}")
}

/// So many numbers in random order, and again from the first one.
fn shuffled(count: usize) -> (Vec<usize>, impl FnMut() -> usize) {
    let mut numbers: Vec<usize> = (0..count).collect();
    fastrand::shuffle(&mut numbers);
    let next = Cell::new(0);
    (numbers, move || {
        let place = next.get();
        next.set(if place + 1 == count { 0 } else { place + 1 });
        place
    })
}

/// The work of looking up keys: what finds the value of a key must find the key's number.
fn finding(name: &'static str, count: usize, find: impl Fn(&str) -> u64 + 'static) -> Local {
    let (numbers, mut next) = shuffled(count);
    let keys: Vec<(String, u64)> = numbers.into_iter().map(|number| (key(number), number as u64)).collect();
    Local::unchecked(name, move || {
        let (key, number) = &keys[next()];
        assert_eq!(black_box(find(black_box(key))), *number);
    })
}

fn by_key(count: usize) -> Result<Local> {
    let arena = Arena::anonymous(CAPACITY)?;
    for number in 0..count {
        arena.create(&key(number), number as u64)?;
    }
    Ok(finding("shared-value", count, move |key| arena.open::<u64>(key).expect("a value of this key").get()))
}

fn by_id(count: usize) -> Result<Local> {
    let arena = Arena::anonymous(CAPACITY)?;
    let (numbers, mut next) = shuffled(count);
    let id = |number: usize| -> Result<(ValueId, u64)> {
        let value = arena.value(number as u64)?;
        Ok((arena.id_of(&value).context("a value of this arena")?, number as u64))
    };
    let made = (0..count).map(id).collect::<Result<Vec<_>>>()?;
    let ids: Vec<_> = numbers.into_iter().map(|number| made[number]).collect();
    Ok(Local::unchecked("shared-value, by id", move || {
        let (id, number) = ids[next()];
        assert_eq!(black_box(arena.at::<u64>(black_box(id)).expect("a value of this id").get()), number);
    }))
}

fn in_map(count: usize) -> Result<Local> {
    let map: HashMap<String, u64> = (0..count).map(|number| (key(number), number as u64)).collect();
    ensure!(map.len() == count, "not so many values as were made");
    Ok(finding("HashMap in one process", count, move |key| map[key]))
}
