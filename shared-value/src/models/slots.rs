//! Models of the version machine.

use std::ops::Range;

use loom::sync::Arc;
use loom::sync::Mutex;
use loom::thread;

use crate::models::model;
use crate::primitive::{AtomicU64, Ordering::Relaxed};
use crate::slots::{Slots, Versions};

/// The bytes that writers say they change, so that the rest is copied first.
const PART: Range<usize> = 0..8;

/// A value of two words that must always be equal, and its lock.
struct Value {
    versions: Versions,
    words: Vec<AtomicU64>,
    lock: Mutex<()>,
}

impl Value {
    fn new() -> Arc<Self> {
        let words = (0..4).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { versions: Versions::default(), words, lock: Mutex::new(()) })
    }

    fn slots(&self) -> Slots<'_> {
        Slots::new(&self.versions, &self.words, 2, 16, &[])
    }

    /// Adds one to both words under the lock.
    fn increment(&self) {
        let _locked = self.lock.lock().unwrap();
        for word in self.slots().change(&PART) {
            word.store(word.load(Relaxed) + 1, Relaxed);
        }
        self.slots().commit();
    }

    /// The same, prepared and committed in one go.
    fn publish(&self) {
        let _locked = self.lock.lock().unwrap();
        self.slots().publish(&PART, |slot| {
            for word in slot {
                word.store(word.load(Relaxed) + 1, Relaxed);
            }
        });
    }

    /// Writes one word under the lock, and dies: the lock passes on, the draft stays.
    fn die_half_way(&self) {
        let _locked = self.lock.lock().unwrap();
        self.slots().change(&PART)[0].store(99, Relaxed);
    }

    /// What the next owner does.
    fn recover(&self) {
        let _locked = self.lock.lock().unwrap();
        self.slots().rollback();
    }

    /// Reads without the lock; `None` if the read was not valid.
    fn read(&self) -> Option<u64> {
        let (one, other) = self.slots().read(|slot| (slot[0].load(Relaxed), slot[1].load(Relaxed)))?;
        assert_eq!(one, other, "a read that claims to be valid is torn");
        Some(one)
    }
}

/// Runs the writers, each in a thread, and then a reader in one more; the value ends as `last`.
///
/// The order matters: loom goes back to an access only if the same thread has not touched the word since, as every
/// writer has that looks at the version before it changes it. So the reader's accesses must come behind the writers'.
fn run(writers: &[fn(&Value)], last: u64) {
    let value = Value::new();
    let mut threads = Vec::new();
    for writer in writers.iter().copied() {
        let value = Arc::clone(&value);
        threads.push(thread::spawn(move || writer(&value)));
    }
    {
        let value = Arc::clone(&value);
        threads.push(thread::spawn(move || {
            let first = value.read();
            let second = value.read();
            assert!(first.unwrap_or(0) <= second.unwrap_or(last), "a later read saw an older version");
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(value.read(), Some(last));
}

/// Without the fences of `begin` and `read`, or the acquire and release of the version, a reader takes words of two
/// versions for one value.
#[test]
fn a_reader_sees_one_version() {
    // Two commits, because the second overwrites the slot that a slow reader copies from.
    model(3, || {
        run(
            &[|value| {
                value.increment();
                value.increment();
            }],
            2,
        );
    });
}

/// Without the lock's hand-over between the commit of one writer and the fence of the next, the same.
#[test]
fn a_reader_sees_one_version_of_two_writers() {
    model(2, || run(&[Value::increment, Value::increment], 2));
}

/// Without the rollback, the half-written draft of a dead owner would be committed by the next one.
#[test]
fn a_draft_dies_with_its_owner() {
    model(2, || {
        run(
            &[|value| {
                value.increment();
                value.die_half_way();
                value.recover();
                value.increment();
            }],
            2,
        );
    });
}

/// As above, without a draft: the fence of `publish` and the release of its version.
#[test]
fn a_reader_sees_one_version_of_what_is_published() {
    model(3, || {
        run(
            &[|value| {
                value.publish();
                value.publish();
            }],
            2,
        );
    });
}

#[test]
fn a_reader_sees_one_version_of_two_who_publish() {
    model(2, || run(&[Value::publish, Value::increment], 2));
}
