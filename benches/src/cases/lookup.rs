//! Finding one value of many.

use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;

use anyhow::{Result, ensure};
use shared_value::{Arena, Id};

use crate::measure::temporary::Create;
use crate::measure::{Case, Entry, Local, Temporary, Unit};

/// Finding and reading values of 8 bytes in random order.
pub(super) struct Lookup {
    name: &'static str,
    title: &'static str,
    /// The number of values.
    count: usize,
}

/// All cases of finding.
pub(super) static ALL: &[Lookup] = &[
    Lookup { name: "look-up-1000", title: "find one of 1,000 values by key, and read it", count: 1_000 },
    Lookup { name: "look-up-1000000", title: "find one of 1,000,000 values by key, and read it", count: 1_000_000 },
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
        let all: [(&str, Create); 3] =
            [("shared-value", by_key), ("shared-value, by id", by_id), ("HashMap in one process", in_map)];
        let entry = |(name, create)| Entry::Present(Box::new(Temporary::new(name, create, self.count, |ns| ns)));
        all.into_iter().map(entry).collect()
    }
}

/// The address space of a million values with keys.
const CAPACITY: usize = 1 << 30;

fn key(number: usize) -> String {
    format!("value.{number:07}")
}

/// Returns the numbers below `count` in random order, and a function that returns one index after the other, round and round.
fn shuffled(count: usize) -> (Vec<usize>, impl FnMut() -> usize) {
    let mut numbers: Vec<usize> = (0..count).collect();
    fastrand::shuffle(&mut numbers);
    let next = Cell::new(0);
    (numbers, move || {
        let index = next.get();
        next.set(if index + 1 == count { 0 } else { index + 1 });
        index
    })
}

/// Looks up keys in random order. The value of a key is the number in the key.
fn finding(name: &'static str, count: usize, find: impl Fn(&str) -> u64 + 'static) -> Local {
    let (numbers, mut next) = shuffled(count);
    let keys: Vec<(String, u64)> = numbers.into_iter().map(|number| (key(number), number as u64)).collect();
    Local::unchecked(name, move || {
        let (key, number) = &keys[next()];
        assert_eq!(black_box(find(black_box(key))), *number);
    })
}

fn by_key(count: usize) -> Result<Local> {
    let arena = Arena::new(CAPACITY)?;
    for number in 0..count {
        arena.insert(&key(number), number as u64)?;
    }
    Ok(finding("shared-value", count, move |key| {
        arena.get::<u64>(key).expect("an intact arena").expect("a value of this key").get()
    }))
}

fn by_id(count: usize) -> Result<Local> {
    let arena = Arena::new(CAPACITY)?;
    let (numbers, mut next) = shuffled(count);
    let id = |number: usize| -> Result<(Id<u64>, u64)> { Ok((arena.alloc(number as u64)?, number as u64)) };
    let allocated = (0..count).map(id).collect::<Result<Vec<_>>>()?;
    let ids: Vec<_> = numbers.into_iter().map(|number| allocated[number]).collect();
    Ok(Local::unchecked("shared-value, by id", move || {
        let (id, number) = ids[next()];
        let value = arena.get(black_box(id)).expect("an intact arena").expect("a value of this id");
        assert_eq!(black_box(value.get()), number);
    }))
}

/// The number of values of an arena whose opening alone is measured.
const FEW: usize = 1_000;

/// Opens values by their keys, and does not read them.
pub(super) fn opening_by_key() -> Result<Local> {
    let arena = Arena::new(1 << 20)?;
    let (numbers, mut next) = shuffled(FEW);
    for number in 0..FEW {
        arena.insert(&key(number), number as u64)?;
    }
    let keys: Vec<_> = numbers.into_iter().map(key).collect();
    Ok(Local::unchecked("shared-value, by key", move || {
        drop(black_box(arena.get::<u64>(black_box(keys[next()].as_str())).expect("an intact arena")));
    }))
}

/// Opens values by their ids, and does not read them.
pub(super) fn opening_by_id() -> Result<Local> {
    opening(false)
}

/// Opens values of which the process has handles.
pub(super) fn opening_again() -> Result<Local> {
    opening(true)
}

fn opening(again: bool) -> Result<Local> {
    let arena = Arena::new(1 << 20)?;
    let (_, mut next) = shuffled(FEW);
    let mut ids = (0..FEW).map(|number| arena.alloc(number as u64)).collect::<Result<Vec<_>, _>>()?;
    fastrand::shuffle(&mut ids);
    let open = ids.iter().filter(|_| again).map(|id| arena.get(*id)).collect::<Result<Vec<_>, _>>()?;
    let name = if again { "shared-value, by id, while another handle is open" } else { "shared-value, by id" };
    Ok(Local::unchecked(name, move || {
        black_box(&open);
        drop(black_box(arena.get(black_box(ids[next()])).expect("an intact arena")));
    }))
}

fn in_map(count: usize) -> Result<Local> {
    let map: HashMap<String, u64> = (0..count).map(|number| (key(number), number as u64)).collect();
    ensure!(map.len() == count, "the map has {} values instead of {count}", map.len());
    Ok(finding("HashMap in one process", count, move |key| map[key]))
}
