//! The segments that this process has mapped. Each is mapped only once.
//!
//! With two mappings of one segment, a thread that holds a lock in one mapping would not know the lock by its address in the
//! other. And the compiler may assume that words at different addresses are different words.

use std::cell::Cell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use crate::error::Error;
use crate::lock;
use crate::lock::process::Vouching;
use crate::segment::{Identity, Mapping, Segment};
use crate::sys;

#[derive(Default)]
struct Registry {
    /// The segments that handles use.
    live: HashMap<Identity, Live>,
    /// The mappings that only leaked guards use.
    kept: Vec<Arc<Mapping>>,
}

struct Live {
    segment: Weak<Segment>,
    /// Outlives the segment slightly: it is valid until the segment's drop has finished.
    mapping: Weak<Mapping>,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

thread_local! {
    /// The lock of the registry, held from before a `fork` until after it. Otherwise the child could find it locked by a
    /// thread that does not exist there. It has no destructor, so it works until the thread is gone.
    static ACROSS_FORK: Cell<Option<ManuallyDrop<MutexGuard<'static, Option<Registry>>>>> = const { Cell::new(None) };
}

/// Installs the hooks that hold the registry's lock across every `fork`.
pub(crate) fn set_up() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // If there is no memory for the hooks, `fork` is not safe, but everything else works.
        let _ = sys::fork::register(before_fork, after_fork, after_fork);
        lock::process::set_up(Vouching { begin, is_gone });
    });
}

/// Shows in all segments that a process of this id exists. Later segments are shown by `insert`.
fn begin(process: u32) {
    with(|registry| {
        if lock::process::id() == 0 {
            for mapping in registry.mappings() {
                mapping.vouch(process);
            }
            lock::process::set_id(process);
        }
    });
}

/// Returns whether the owner of the lock at an address is known not to exist.
fn is_gone(lock: usize, owner: u64) -> bool {
    with(|registry| registry.mappings().any(|mapping| mapping.addresses().contains(&lock) && mapping.is_gone(owner)))
}

fn with<R>(work: impl FnOnce(&mut Registry) -> R) -> R {
    set_up();
    let mut registry = registry();
    work(registry.get_or_insert_default())
}

fn registry() -> MutexGuard<'static, Option<Registry>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn before_fork() {
    ACROSS_FORK.set(Some(ManuallyDrop::new(registry())));
}

extern "C" fn after_fork() {
    ACROSS_FORK.take().map(ManuallyDrop::into_inner);
}

/// Adds a segment that this process has just created, after `publish` has given it its name.
///
/// Both happen under the registry's lock: otherwise another thread of this process could open the segment by its name and
/// map it again, before it is added.
pub(super) fn add(
    mapping: Mapping,
    publish: impl FnOnce(&Mapping) -> Result<(), Error>,
) -> Result<Arc<Segment>, Error> {
    with(|registry| {
        publish(&mapping)?;
        Ok(registry.insert(Arc::new(mapping)))
    })
}

/// Returns the segment of this identity, if this process has mapped it.
pub(super) fn get(identity: Identity) -> Option<Arc<Segment>> {
    with(|registry| registry.get(identity))
}

/// Returns the segment of a new mapping, or the one that another thread has added since `get` found none.
pub(super) fn get_or_add(mapping: Mapping) -> Arc<Segment> {
    with(|registry| registry.get(mapping.identity()).unwrap_or_else(|| registry.insert(Arc::new(mapping))))
}

/// Keeps a mapping in which a thread holds a lock. It is unmapped when a segment is dropped and no thread holds a lock in
/// the mapping any more.
pub(super) fn keep(mapping: Arc<Mapping>) {
    with(|registry| {
        if !registry.kept.iter().any(|kept| Arc::ptr_eq(kept, &mapping)) {
            registry.kept.push(mapping);
        }
    });
}

/// Removes a segment that is being dropped, unless it has been opened again since. Also removes kept mappings in which no
/// thread holds a lock any more.
pub(super) fn remove(identity: Identity) {
    with(|registry| {
        registry.kept.retain(|kept| lock::is_any_held_within(&kept.addresses()));
        if registry.live.get(&identity).is_some_and(|live| live.segment.strong_count() == 0) {
            registry.live.remove(&identity);
        }
    });
}

impl Registry {
    fn get(&mut self, identity: Identity) -> Option<Arc<Segment>> {
        if let Some(live) = self.live.get(&identity) {
            if let Some(segment) = live.segment.upgrade() {
                return Some(segment);
            }
            if let Some(mapping) = live.mapping.upgrade() {
                return Some(self.insert(mapping));
            }
        }
        let kept = self.kept.iter().find(|kept| kept.identity() == identity)?;
        let mapping = Arc::clone(kept);
        Some(self.insert(mapping))
    }

    /// Returns all mappings in which this process may take locks.
    fn mappings(&self) -> impl Iterator<Item = Arc<Mapping>> {
        let live = self.live.values().filter_map(|live| live.mapping.upgrade());
        live.chain(self.kept.iter().cloned())
    }

    fn insert(&mut self, mapping: Arc<Mapping>) -> Arc<Segment> {
        if lock::process::id() != 0 {
            mapping.vouch(lock::process::id());
        }
        let (identity, weak) = (mapping.identity(), Arc::downgrade(&mapping));
        let segment = Arc::new(Segment::of(mapping));
        self.live.insert(identity, Live { segment: Arc::downgrade(&segment), mapping: weak });
        segment
    }
}
