//! The segments that this process has mapped. Each is mapped only once.
//!
//! With two mappings of one segment, a thread that holds a lock in one mapping would not know the lock by its address in the
//! other. And the compiler may assume that words at different addresses are different words.
//!
//! No memory is allocated or freed while the registry is locked. An allocator may hold its own lock across a `fork`: the
//! thread that forks takes that lock, and then waits for the registry. If another thread had locked the registry and waited
//! for the allocator, both would wait forever.
#![allow(unsafe_code)]
#![expect(clippy::linkedlist, reason = "its lists are joined and split without allocating")]

use std::collections::{HashMap, LinkedList};
use std::mem;
use std::ptr;
use std::sync::{Arc, Once, Weak};
use std::thread;
use std::time::Duration;

use crate::lock;
use crate::lock::process::Vouching;
use crate::segment::{Identity, Mapping, Segment};
use crate::sys::fork::{self, ForkMutex};

#[derive(Default)]
struct Registry {
    /// The segments that handles use.
    open: HashMap<Identity, Entry>,
    /// The mappings that only leaked guards use.
    kept: LinkedList<Arc<Mapping>>,
}

struct Entry {
    segment: Weak<Segment>,
    /// Outlives the segment slightly: it is valid until the segment's drop has finished.
    mapping: Weak<Mapping>,
}

/// The part of a segment that this process has.
enum Found {
    Segment(Arc<Segment>),
    /// Its segment is being dropped, or a leaked guard uses it.
    Mapping(Arc<Mapping>),
    Nothing,
}

static REGISTRY: ForkMutex<Option<Registry>> = ForkMutex::new(None);

/// Installs the hooks that hold the registry's lock across every `fork`.
pub(crate) fn set_up() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // If there is no memory for the hooks, `fork` is not safe, but everything else works.
        let _ = fork::register(before_fork, after_fork, after_fork);
        lock::process::set_up(Vouching { begin, is_gone, is_replaced, give_back_lanes });
    });
}

/// Shows in all segments that a process of this id exists. Later segments are shown by `Registry::add`.
fn begin(process: u32) {
    while lock::process::id() == 0 {
        // The mappings are dropped outside of `with`, because that may free memory.
        let mut shown = [const { None }; 64];
        with(|registry| {
            if lock::process::id() != 0 {
                return;
            }
            let mappings = registry.mappings().filter(|mapping| !mapping.is_vouched_for(process));
            for (place, mapping) in shown.iter_mut().zip(mappings) {
                mapping.vouch(process, true);
                *place = Some(mapping);
            }
            if shown[0].is_none() {
                lock::process::set_id(process);
            }
        });
    }
}

/// Returns whether the owner of the lock at an address is known not to exist.
fn is_gone(lock: usize, owner: u64) -> bool {
    let asked = with(|registry| {
        let mapping = registry.mappings().find(|mapping| mapping.addresses().contains(&lock))?;
        Some((mapping.is_gone(owner), mapping))
    });
    asked.is_some_and(|(is_gone, _)| is_gone)
}

/// Gives back the lanes of counters that an owner has, in all segments. If other threads map segments meanwhile, some may be missed:
/// then the lanes in them are taken over from a thread that is gone.
fn give_back_lanes(owner: u64) {
    for chunk in 0.. {
        // The mappings are dropped outside of `with`, because that may free memory.
        let mut mappings = [const { None }; 64];
        with(|registry| {
            for (place, mapping) in mappings.iter_mut().zip(registry.mappings().skip(chunk * 64)) {
                *place = Some(mapping);
            }
        });
        for mapping in mappings.iter().flatten() {
            mapping.give_back_lanes(|seen| seen == owner);
        }
        if mappings[63].is_none() {
            return;
        }
    }
}

/// Returns whether another segment has taken the place of the one in which the lock at an address lies. For its owner.
///
/// The owner is not recorded yet: nothing here takes a lock of this library, nor allocates memory. The mapping is dropped by its
/// handle, and not here.
fn is_replaced(lock: usize) -> bool {
    let mapping = with(|registry| registry.mappings().find(|mapping| mapping.addresses().contains(&lock)));
    mapping.is_some_and(|mapping| mapping.is_first_lock(lock) && mapping.settle())
}

/// Runs `work` while the registry is locked. It must neither allocate nor free memory: what it removes, it returns.
fn with<R>(work: impl FnOnce(&mut Registry) -> R) -> R {
    set_up();
    let mut registry = REGISTRY.lock();
    work(registry.get_or_insert_default())
}

extern "C" fn before_fork() {
    REGISTRY.before_fork();
}

extern "C" fn after_fork() {
    // SAFETY: the C library runs this hook in the thread that has run `before_fork`, or in its copy in the child.
    drop(unsafe { REGISTRY.after_fork() });
}

/// Returns the segment of this identity, if this process has mapped it.
pub(super) fn get(identity: Identity) -> Option<Arc<Segment>> {
    match with(|registry| registry.find(identity)) {
        Found::Segment(segment) => Some(segment),
        Found::Mapping(mapping) => Some(get_or_add(mapping)),
        Found::Nothing => None,
    }
}

/// Returns the segment of a mapping, or the one that another thread has added since `get` found none.
pub(super) fn get_or_add(mut mapping: Arc<Mapping>) -> Arc<Segment> {
    loop {
        let segment = Arc::new(Segment::of(Arc::clone(&mapping)));
        match add(&segment, &mapping) {
            Found::Segment(other) => return other,
            Found::Mapping(other) => mapping = other,
            Found::Nothing => return segment,
        }
    }
}

/// Adds a segment, unless this process has another segment or another mapping of its identity. Returns the other one.
fn add(segment: &Arc<Segment>, mapping: &Arc<Mapping>) -> Found {
    let mut entry = Some(Entry { segment: Arc::downgrade(segment), mapping: Arc::downgrade(mapping) });
    let mut spare = HashMap::new();
    let mut tries = 0;
    loop {
        match with(|registry| registry.add(mapping, &mut entry, &mut spare, tries == TRIES)) {
            Ok(other) => return other,
            Err(Retry::Full { size }) => spare = HashMap::with_capacity(2 * size + 1),
            Err(Retry::Vouched) => {
                tries += 1;
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Keeps a mapping in which a thread holds a lock. It is unmapped when a segment is dropped and no thread holds a lock in
/// the mapping any more.
pub(super) fn keep(mapping: Arc<Mapping>) {
    let mut added = LinkedList::from([mapping]);
    with(|registry| {
        if !registry.kept.iter().any(|kept| added.front().is_some_and(|added| Arc::ptr_eq(kept, added))) {
            registry.kept.append(&mut added);
        }
    });
}

/// Removes the segment of a mapping, which is being dropped, unless it has been opened again since. Also removes kept
/// mappings in which no thread holds a lock any more.
pub(super) fn remove(mapping: &Arc<Mapping>) {
    drop(with(|registry| (registry.remove_unheld(), registry.remove(mapping))));
}

/// Why a segment cannot be added yet.
enum Retry {
    /// The table of segments needs more memory.
    Full { size: usize },
    /// Another thread is unmapping the segment, and the old mapping still vouches for this process.
    Vouched,
}

/// How often to try again, with these pauses, when another thread is unmapping the segment. That takes microseconds.
const TRIES: u32 = 5_000;
const PAUSE: Duration = Duration::from_millis(1);

impl Registry {
    fn find(&self, identity: Identity) -> Found {
        if let Some(entry) = self.open.get(&identity) {
            if let Some(segment) = entry.segment.upgrade() {
                return Found::Segment(segment);
            }
            if let Some(mapping) = entry.mapping.upgrade() {
                return Found::Mapping(mapping);
            }
        }
        let kept = self.kept.iter().find(|kept| kept.identity() == identity);
        kept.map_or(Found::Nothing, |kept| Found::Mapping(Arc::clone(kept)))
    }

    /// Returns all mappings in which this process may take locks.
    fn mappings(&self) -> impl Iterator<Item = Arc<Mapping>> {
        let open = self.open.values().filter_map(|entry| entry.mapping.upgrade());
        open.chain(self.kept.iter().cloned())
    }

    /// Adds `entry`, and leaves in its place what it replaces. If the table is full, `spare` becomes the table, and the table
    /// becomes the spare.
    fn add(
        &mut self,
        mapping: &Arc<Mapping>,
        entry: &mut Option<Entry>,
        spare: &mut HashMap<Identity, Entry>,
        is_last: bool,
    ) -> Result<Found, Retry> {
        match self.find(mapping.identity()) {
            Found::Mapping(own) if Arc::ptr_eq(&own, mapping) => {}
            Found::Nothing => {}
            other => return Ok(other),
        }
        let size = self.open.len();
        if size == self.open.capacity() {
            if spare.capacity() <= size {
                return Err(Retry::Full { size });
            }
            spare.extend(self.open.drain());
            mem::swap(&mut self.open, spare);
        }
        let process = lock::process::id();
        if process != 0 && !mapping.vouch(process, is_last) {
            return Err(Retry::Vouched);
        }
        if let Some(added) = entry.take() {
            *entry = self.open.insert(mapping.identity(), added);
        }
        Ok(Found::Nothing)
    }

    fn remove(&mut self, mapping: &Arc<Mapping>) -> Option<Entry> {
        let entry = self.open.get(&mapping.identity())?;
        let is_gone = entry.segment.strong_count() == 0 && ptr::eq(entry.mapping.as_ptr(), Arc::as_ptr(mapping));
        if is_gone { self.open.remove(&mapping.identity()) } else { None }
    }

    /// Removes the kept mappings in which no thread holds a lock.
    fn remove_unheld(&mut self) -> LinkedList<Arc<Mapping>> {
        let (mut rest, mut unheld) = (mem::take(&mut self.kept), LinkedList::new());
        while let Some(first) = rest.front() {
            let is_held = lock::is_any_held_within(&first.addresses());
            let others = rest.split_off(1);
            let list = if is_held { &mut self.kept } else { &mut unheld };
            list.append(&mut rest);
            rest = others;
        }
        unheld
    }
}
