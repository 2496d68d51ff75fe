//! The segments that this process has mapped, so that none is mapped twice.
//!
//! With two mappings of one segment, a thread that holds a lock in the one would not see that it does in the other, and
//! the compiler may take the words of the two for different ones.

use std::cell::Cell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use crate::error::Error;
use crate::lock;
use crate::segment::{Identity, Mapping, Segment};
use crate::sys;

#[derive(Default)]
struct Registry {
    /// What handles use.
    live: HashMap<Identity, Live>,
    /// What only a leaked guard uses.
    kept: Vec<Arc<Mapping>>,
}

struct Live {
    segment: Weak<Segment>,
    /// Lives a little longer than the segment, while that is being dropped.
    mapping: Weak<Mapping>,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

thread_local! {
    /// Held from before a `fork` until after it, so that the child does not find it locked by a thread it lacks.
    /// Without a destructor, so that it is there until the thread is gone.
    static ACROSS_FORK: Cell<Option<ManuallyDrop<MutexGuard<'static, Option<Registry>>>>> = const { Cell::new(None) };
}

/// Sees to it that the registry is held across every `fork`.
pub(crate) fn set_up() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // Without memory for the hook there is no safe `fork`, but all else works.
        let _ = sys::fork::register(before_fork, after_fork, after_fork);
    });
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

/// Adds a segment that this process has just created, if `publish` gives it its name.
///
/// Both happen under the mutex: once others can open it by name, a thread of this process could map it again.
pub(super) fn add(
    mapping: Mapping,
    publish: impl FnOnce(&Mapping) -> Result<(), Error>,
) -> Result<Arc<Segment>, Error> {
    with(|registry| {
        publish(&mapping)?;
        Ok(registry.insert(Arc::new(mapping)))
    })
}

/// The segment of this identity, if this process has mapped it.
pub(super) fn get(identity: Identity) -> Option<Arc<Segment>> {
    with(|registry| registry.get(identity))
}

/// The segment of a mapping that was made while `get` found none: another thread may have been faster.
pub(super) fn get_or_add(mapping: Mapping) -> Arc<Segment> {
    with(|registry| registry.get(mapping.identity()).unwrap_or_else(|| registry.insert(Arc::new(mapping))))
}

/// Keeps a mapping in which a thread holds a lock, until the next segment is dropped after the thread has left it.
pub(super) fn keep(mapping: Arc<Mapping>) {
    with(|registry| {
        if !registry.kept.iter().any(|kept| Arc::ptr_eq(kept, &mapping)) {
            registry.kept.push(mapping);
        }
    });
}

/// Forgets a segment that is being dropped, unless it was opened again meanwhile, and what needs not be kept any more.
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

    fn insert(&mut self, mapping: Arc<Mapping>) -> Arc<Segment> {
        let (identity, weak) = (mapping.identity(), Arc::downgrade(&mapping));
        let segment = Arc::new(Segment::of(mapping));
        self.live.insert(identity, Live { segment: Arc::downgrade(&segment), mapping: weak });
        segment
    }
}
