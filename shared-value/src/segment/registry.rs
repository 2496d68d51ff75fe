//! The segments that this process has mapped, so that none is mapped twice.
//!
//! With two mappings of one segment, a thread that holds a lock in the one would not see that it does in the other, and
//! the compiler may take the words of the two for different ones.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use crate::error::Error;
use crate::segment::{Identity, Mapping, Segment};
use crate::sys;

#[derive(Default)]
struct Registry {
    /// What handles use.
    live: HashMap<Identity, Weak<Segment>>,
    /// What only a leaked guard uses.
    kept: Vec<Arc<Mapping>>,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

thread_local! {
    /// Held from before a `fork` until after it, so that the child does not find it locked by a thread it lacks.
    static ACROSS_FORK: Cell<Option<MutexGuard<'static, Option<Registry>>>> = const { Cell::new(None) };
}

fn with<R>(work: impl FnOnce(&mut Registry) -> R) -> R {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // Without memory for the hook there is no safe `fork`, but all else works.
        let _ = sys::fork::register(before_fork, after_fork, after_fork);
    });
    let mut registry = lock();
    work(registry.get_or_insert_default())
}

fn lock() -> MutexGuard<'static, Option<Registry>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn before_fork() {
    let _ = ACROSS_FORK.try_with(|guard| guard.set(Some(lock())));
}

extern "C" fn after_fork() {
    let _ = ACROSS_FORK.try_with(Cell::take);
}

/// Adds a segment that this process has just created.
pub(super) fn add(mapping: Mapping) -> Arc<Segment> {
    with(|registry| registry.insert(Arc::new(mapping)))
}

/// The segment of this identity, which `map` maps if this process has not.
pub(super) fn get_or_add(
    identity: Identity,
    map: impl FnOnce() -> Result<Mapping, Error>,
) -> Result<Arc<Segment>, Error> {
    with(|registry| {
        if let Some(segment) = registry.live.get(&identity).and_then(Weak::upgrade) {
            return Ok(segment);
        }
        let mapping = match registry.kept.iter().find(|kept| kept.identity() == identity) {
            Some(kept) => Arc::clone(kept),
            None => Arc::new(map()?),
        };
        Ok(registry.insert(mapping))
    })
}

/// Keeps a mapping for ever.
pub(super) fn keep(mapping: Arc<Mapping>) {
    with(|registry| {
        if !registry.kept.iter().any(|kept| Arc::ptr_eq(kept, &mapping)) {
            registry.kept.push(mapping);
        }
    });
}

/// Forgets a segment that is being dropped, unless it was opened again meanwhile.
pub(super) fn remove(identity: Identity) {
    with(|registry| {
        if registry.live.get(&identity).is_some_and(|segment| segment.strong_count() == 0) {
            registry.live.remove(&identity);
        }
    });
}

impl Registry {
    fn insert(&mut self, mapping: Arc<Mapping>) -> Arc<Segment> {
        let identity = mapping.identity();
        let segment = Arc::new(Segment { mapping });
        self.live.insert(identity, Arc::downgrade(&segment));
        segment
    }
}
