//! Models of the version machine.

use std::ops::Range;

use loom::sync::Arc;
use loom::sync::Mutex;
use loom::thread;

use crate::models::model;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::atomics::Ordering::{self, Relaxed, Release};
use crate::protocol::slots::{Slots, Versions};

/// The bytes that writers announce to change: a part of the value, so that the rest is copied first.
const PART: Range<usize> = 0..8;

/// A value of two words that must always be equal, and its lock.
struct Value {
    versions: Versions,
    words: Vec<AtomicU64>,
    /// The marks of a large value: one number and one word of bits. Empty for other values.
    marks: Vec<AtomicU64>,
    lock: Mutex<()>,
}

impl Value {
    fn new() -> Arc<Self> {
        Self::with_marks(0)
    }

    fn with_marks(marks: usize) -> Arc<Self> {
        let zeros = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { versions: Versions::default(), words: zeros(4), marks: zeros(marks), lock: Mutex::new(()) })
    }

    fn slots(&self) -> Slots<'_> {
        Slots::new(&self.versions, &self.words, 2, 16, &self.marks)
    }

    /// Adds one to both words under the lock, one after the other. The second block is recorded by its bit.
    fn increment_each(&self) {
        let _locked = self.lock.lock().unwrap();
        for index in 0..2 {
            let word = &self.slots().change(&(index * 8..index * 8 + 8))[index];
            word.store(word.load(Relaxed) + 1, Relaxed);
        }
        self.slots().commit();
    }

    /// Adds one to both words under the lock.
    fn increment(&self) {
        let _locked = self.lock.lock().unwrap();
        for word in self.slots().change(&PART) {
            word.store(word.load(Relaxed) + 1, Relaxed);
        }
        self.slots().commit();
    }

    /// Adds one to both words under the lock, without a draft.
    fn publish(&self) {
        let _locked = self.lock.lock().unwrap();
        self.slots().publish(&PART, |slot| {
            for word in slot {
                word.store(word.load(Relaxed) + 1, Relaxed);
            }
        });
    }

    /// Writes one word under the lock, and dies: the lock is free again, the draft stays.
    fn die_half_way(&self) {
        let _locked = self.lock.lock().unwrap();
        self.slots().change(&PART)[0].store(99, Relaxed);
    }

    /// Recovers as the next owner does.
    fn recover(&self) {
        let _locked = self.lock.lock().unwrap();
        self.slots().rollback();
    }

    /// Reads without the lock. Returns `None` if the read was not valid.
    fn read(&self) -> Option<u64> {
        let candidate = self.slots().look()?;
        let (one, other) = self.slots().copy(candidate, |slot| (slot[0].load(Relaxed), slot[1].load(Relaxed)))?;
        assert_eq!(one, other, "a read that claims to be valid is torn");
        Some(one)
    }
}

/// Runs the writers, each in a thread, and then a reader in one more. The value ends as `last`.
///
/// The order matters. loom backtracks to an access of a word only if the same thread has not accessed the word since, and
/// every writer loads the version before it changes the version. So the reader's accesses must come after the writers'.
fn run(writers: &[fn(&Value)], last: u64) {
    run_on(Value::new(), writers, last);
}

/// Runs writers and a reader on this value, as `run` does on a new one.
fn run_on(value: Arc<Value>, writers: &[fn(&Value)], last: u64) {
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

/// Without the fences of `prepare` and `copy`, or the acquire and release of the version, a reader mistakes words of two
/// versions for one value.
#[test]
fn a_reader_sees_one_version() {
    // Two commits, because the second one overwrites the slot that a slow reader copies from.
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

/// Without the lock's hand-over between the commit of one writer and the fence of the next, a reader mistakes words of two
/// versions for one value.
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

/// Without the fence of `publish`, or the release of its version, a reader mistakes words of two versions for one value.
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
fn a_reader_sees_one_version_of_two_that_publish() {
    model(2, || run(&[Value::publish, Value::increment], 2));
}

/// Two values of one word each that must always be equal, and the record that commits both at once.
struct Pair {
    versions: [Versions; 2],
    words: [[AtomicU64; 2]; 2],
    record: AtomicU64,
    lock: Mutex<()>,
}

const OPEN: u64 = 1;
const COMMITTED: u64 = 2;

/// The ordering of the store that opens an idle record.
const REUSED: Ordering = Release;

impl Pair {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            versions: [Versions::default(), Versions::default()],
            words: [0; 2].map(|_| [AtomicU64::new(0), AtomicU64::new(0)]),
            record: AtomicU64::new(0),
            lock: Mutex::new(()),
        })
    }

    fn slots(&self, number: usize) -> Slots<'_> {
        Slots::new(&self.versions[number], &self.words[number], 1, 8, &[])
    }

    /// Adds one to both values in one transaction, or dies after some of its steps.
    fn transact(&self, steps: usize) {
        let _locked = self.lock.lock().unwrap();
        for number in 0..2 {
            let next = self.slots(number).committed()[0].load(Relaxed) + 1;
            self.slots(number).change(&(0..8))[0].store(next, Relaxed);
        }
        let decide = |state, ordering| self.record.store(state, ordering);
        let settle = |number: usize| self.versions[number].settle(|_| true);
        let all: [&dyn Fn(); 7] = [
            &|| decide(OPEN, REUSED),
            &|| self.versions[0].join(8),
            &|| self.versions[1].join(8),
            &|| decide(COMMITTED, Release),
            &|| settle(0),
            &|| settle(1),
            &|| decide(0, Release),
        ];
        all[..steps].iter().for_each(|step| step());
    }

    /// Writes both values in one transaction that is rolled back when the versions are joined.
    fn give_up(&self) {
        let _locked = self.lock.lock().unwrap();
        for number in 0..2 {
            self.slots(number).change(&(0..8))[0].store(99, Relaxed);
        }
        self.record.store(OPEN, REUSED);
        self.versions.iter().for_each(|versions| versions.join(8));
        self.versions.iter().for_each(|versions| versions.settle(|_| false));
        self.record.store(0, Release);
    }

    /// Opens the idle record for another transaction, which changes other values.
    fn transact_elsewhere(&self) {
        let _locked = self.lock.lock().unwrap();
        self.record.store(OPEN, REUSED);
    }

    fn is_committed(&self) -> bool {
        self.record.load(Relaxed) == COMMITTED
    }

    /// Recovers as the next owner does.
    fn recover(&self) {
        let _locked = self.lock.lock().unwrap();
        for versions in &self.versions {
            versions.settle(|_| self.is_committed());
            versions.rollback();
        }
    }

    fn read(&self, number: usize) -> Option<(u64, u64)> {
        let candidate = self.slots(number).look_decided(false, |_| self.is_committed())?;
        let value = self.slots(number).copy(candidate, |slot| slot[0].load(Relaxed))?;
        assert_eq!(candidate.version(), value, "the words are of another version");
        Some((candidate.version(), value))
    }

    /// Returns the common content of both values at one moment; `None` if there was no such moment.
    fn snapshot(&self) -> Option<u64> {
        let seen = [self.read(0)?, self.read(1)?];
        for (number, (version, _)) in seen.iter().enumerate() {
            if self.read(number)?.0 != *version {
                return None;
            }
        }
        assert_eq!(seen[0], seen[1], "a snapshot shows a part of a transaction");
        Some(seen[0].1)
    }
}

/// Runs the writers, each in a thread, and then a reader in one more.
fn run_pair(bound: usize, writers: &'static [fn(&Pair)], last: u64) {
    model(bound, move || {
        let pair = Pair::new();
        let reader = move |pair: &Pair| assert!(pair.snapshot().unwrap_or(last) <= last);
        let works = writers.iter().map(|writer| Box::new(writer) as Box<dyn Fn(&Pair) + Send>);
        let threads: Vec<_> = works
            .chain([Box::new(reader) as Box<dyn Fn(&Pair) + Send>])
            .map(|work| {
                let pair = Arc::clone(&pair);
                thread::spawn(move || work(&pair))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(pair.snapshot(), Some(last));
    });
}

/// Without the release of the decision, or the fence after it, a snapshot shows one value after the transaction and the
/// other before it.
#[test]
fn a_transaction_is_seen_whole() {
    run_pair(3, &[|pair| pair.transact(7)], 1);
}

/// The second transaction reuses the record, and overwrites the slots that a slow reader copies from.
#[test]
fn transactions_that_follow_each_other_are_seen_whole() {
    let twice: fn(&Pair) = |pair| {
        pair.transact(7);
        pair.transact(7);
    };
    run_pair(1, Box::leak(Box::new([twice])), 2);
}

/// Without the release of a joined version, a reader of a version that another thread has committed reads words that are not
/// written yet.
#[test]
fn transactions_of_two_are_seen_whole() {
    run_pair(1, &[|pair| pair.transact(7), |pair| pair.transact(7)], 2);
}

/// Without the release of a record that is opened, a reader that still finds a version joined mistakes the new state of the
/// record for the decision, and a snapshot shows one value before the transaction and the other after it.
#[test]
fn a_record_is_used_again_for_other_values() {
    let both: fn(&Pair) = |pair| pair.transact(7);
    run_pair(1, Box::leak(Box::new([both, Pair::transact_elsewhere])), 1);
}

/// Without the fence after the decision, a reader that found the version joined to a transaction which was rolled back takes the
/// words of that transaction for those of the next one, which has joined the same version.
#[test]
fn a_version_is_joined_again() {
    let again: fn(&Pair) = |pair| {
        pair.give_up();
        pair.transact(7);
    };
    run_pair(2, Box::leak(Box::new([again])), 1);
}

/// A thread that dies during the transaction has committed both values or neither.
#[test]
fn a_transaction_dies_whole() {
    run_pair(2, &[|pair| pair.transact(0)], 0);
    run_pair(2, &[|pair| pair.transact(2)], 0);
    run_pair(2, &[|pair| pair.transact(3)], 0);
    run_pair(2, &[|pair| pair.transact(4)], 1);
    run_pair(2, &[|pair| pair.transact(5)], 1);
    let recovered: [fn(&Pair); 2] = [
        |pair| {
            pair.transact(3);
            pair.recover();
        },
        |pair| {
            pair.transact(5);
            pair.recover();
        },
    ];
    let [undone, done] = recovered.map(|writer| &*Box::leak(Box::new([writer])));
    run_pair(2, undone, 0);
    run_pair(2, done, 1);
}

/// Only the marked blocks of a large value are copied: without a mark, a word from two commits ago would be committed again.
/// The blocks are copied after the fence, as the whole slot of a small value is.
#[test]
fn a_reader_sees_one_version_of_a_large_value() {
    model(2, || {
        run_on(
            Value::with_marks(crate::protocol::marks::words(2)),
            &[|value| {
                value.increment_each();
                value.increment_each();
            }],
            2,
        );
    });
}

/// A dead owner has marked the blocks that it overwrote, so the next owner copies them again.
#[test]
fn marks_outlive_their_owner() {
    model(1, || {
        run_on(
            Value::with_marks(crate::protocol::marks::words(2)),
            &[|value| {
                value.increment_each();
                value.die_half_way();
                value.recover();
                value.increment_each();
            }],
            2,
        );
    });
}

/// Marks pass from one owner to the next with the lock.
#[test]
fn a_reader_sees_one_version_of_two_writers_of_a_large_value() {
    model(1, || {
        run_on(Value::with_marks(crate::protocol::marks::words(2)), &[Value::increment_each, Value::increment_each], 2);
    });
}
