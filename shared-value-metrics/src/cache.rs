//! The handles that a thread has used before, so that `counter!("jobs").increment(1)` finds its series without a look into the arena.
//!
//! Each thread has handles of its own: a map for all threads would need a lock, which a forked child could find locked forever.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Weak};

use metrics::{Counter, Gauge, Histogram, Key};

/// How many handles of one kind a thread keeps. A thread that uses more begins anew.
const MOST: usize = 4096;

type Handles<H> = HashMap<Key, H, BuildHasherDefault<OwnHash>>;

/// The handles of one recorder.
#[derive(Default)]
pub(crate) struct Cached {
    counters: Handles<Counter>,
    gauges: Handles<Gauge>,
    histograms: Handles<Histogram>,
}

/// A kind of handle.
pub(crate) trait Handle: Clone {
    fn handles(cached: &mut Cached) -> &mut Handles<Self>;
}

impl Handle for Counter {
    fn handles(cached: &mut Cached) -> &mut Handles<Self> {
        &mut cached.counters
    }
}

impl Handle for Gauge {
    fn handles(cached: &mut Cached) -> &mut Handles<Self> {
        &mut cached.gauges
    }
}

impl Handle for Histogram {
    fn handles(cached: &mut Cached) -> &mut Handles<Self> {
        &mut cached.histograms
    }
}

/// The recorders that a thread has used. `R` is what a recorder owns.
pub(crate) struct Cache<R>(RefCell<Vec<(Weak<R>, Cached)>>);

impl<R> Cache<R> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Returns the handle of a key; makes it if the thread has none.
    pub(crate) fn get<H: Handle>(&self, recorder: &Arc<R>, key: &Key, register: impl FnOnce() -> H) -> H {
        let find = |cached: &mut Cached| H::handles(cached).get(key).cloned();
        // The cache is in use if an allocator counts its calls by this recorder: the handle is then made without it.
        let known = self.0.try_borrow_mut().ok().and_then(|mut all| of(&mut all, recorder).and_then(find));
        if let Some(known) = known {
            return known;
        }
        let made = register();
        if let Ok(mut all) = self.0.try_borrow_mut() {
            if of(&mut all, recorder).is_none() {
                all.retain(|(recorder, _)| recorder.strong_count() > 0);
                all.push((Arc::downgrade(recorder), Cached::default()));
            }
            if let Some(cached) = of(&mut all, recorder) {
                let handles = H::handles(cached);
                if handles.len() >= MOST {
                    handles.clear();
                }
                handles.insert(key.clone(), made.clone());
            }
        }
        made
    }
}

fn of<'a, R>(all: &'a mut [(Weak<R>, Cached)], recorder: &Arc<R>) -> Option<&'a mut Cached> {
    // A weak pointer keeps the address from being used again.
    let is_its_own = |(known, _): &&mut (Weak<R>, Cached)| Weak::as_ptr(known) == Arc::as_ptr(recorder);
    all.iter_mut().find(is_its_own).map(|(_, cached)| cached)
}

/// Takes the hash that a [`Key`] has computed for itself.
#[derive(Default)]
pub(crate) struct OwnHash(u64);

impl Hasher for OwnHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
