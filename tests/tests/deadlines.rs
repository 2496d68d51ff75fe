//! Timeouts of reads and waits, beside writers that commit all the time, and waits that cannot end.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{
    Arena, Dyn, DynData, Error, Lock, LockKind, SharedArray, Snapshot, Synchronized, Transaction, Zeroed,
};
use shared_value_tests::{DEADLINE, SHORT, eventually, fork, in_time};

/// The words of a value whose copy takes far longer than the pause between two commits.
const WORDS: usize = 8 << 20;

const TIMEOUT: Duration = Duration::from_millis(100);

/// Far longer than `TIMEOUT`, for a busy machine, and far shorter than the writer goes on.
const LATE: Duration = Duration::from_secs(5);

fn large() -> SharedArray<u64> {
    SharedArray::new(shared_value::Filled(0_u64, WORDS)).unwrap()
}

/// Runs the body while another thread commits one word again and again: without a guard, or all the time under one guard.
fn beside_a_writer<R>(array: &SharedArray<u64>, keeps_lock: bool, body: impl FnOnce() -> R) -> R {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let (begun, stop, start) = (AtomicBool::new(false), AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| {
            let guard = keeps_lock.then(|| array.lock().unwrap());
            while !stop.load(Relaxed) && start.elapsed() < DEADLINE {
                array.update_at(0, |word| *word += 1).unwrap();
                if let Some(guard) = &guard {
                    guard.commit();
                }
                begun.store(true, Relaxed);
                thread::sleep(Duration::from_micros(20));
            }
        });
        let _stop = Stop(&stop);
        while !begun.load(Relaxed) {
            thread::yield_now();
        }
        body()
    })
}

/// Calls `read` with the timeout. It must come back in time, with a value or without.
#[track_caller]
fn assert_in_time<V>(what: &str, read: impl FnOnce(Duration) -> Result<V, Error>) {
    let start = Instant::now();
    let result = read(TIMEOUT).map(drop);
    let took = start.elapsed();
    assert!(matches!(result, Ok(()) | Err(Error::TimedOut { .. })), "{what}: {result:?}");
    assert!(took < LATE, "{what}: {took:?} instead of {TIMEOUT:?}");
    println!("{what}: {took:?}, {}", if result.is_ok() { "read" } else { "timed out" });
}

/// A read that is repeated until no commit overtakes it would go on as long as the writer does.
#[test]
fn a_read_only_handle_of_a_large_value_keeps_its_timeouts() {
    let array = large();
    let reader = array.read_only().unwrap();
    let seen = array.changes();
    beside_a_writer(&array, false, || {
        assert_in_time("load_timeout", |timeout| reader.load_timeout(timeout));
        assert_in_time("wait_for", |timeout| reader.wait_for(|_| true, timeout));
        assert_in_time("next_timeout", |timeout| reader.changes().next_timeout(timeout));
    });
    drop(seen);
    assert_eq!(reader.load_timeout(DEADLINE).unwrap().len(), WORDS);
}

/// A reader cannot take a lock that its owner keeps.
#[test]
fn a_handle_keeps_its_timeouts_although_a_guard_commits_all_the_time() {
    let array = large();
    beside_a_writer(&array, true, || {
        assert_in_time("load_timeout", |timeout| array.load_timeout(timeout));
        assert_in_time("wait_for", |timeout| array.wait_for(|_| true, timeout));
        assert_in_time("next_timeout", |timeout| array.changes().next_timeout(timeout));
    });
}

/// A reader that can take the lock must take it at last: attempts without the lock could fail as long as the writer goes on.
#[test]
fn a_read_by_a_handle_that_can_lock_ends() {
    let array = large();
    beside_a_writer(&array, false, || {
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(array.to_vec().unwrap().len(), WORDS);
        }
        // The writer goes on for longer.
        assert!(start.elapsed() < DEADLINE * 2 / 3, "{:?}", start.elapsed());
    });
}

/// A snapshot is repeated until no value has changed during it, which may never happen.
#[test]
fn a_snapshot_keeps_its_timeout() {
    let arena = Arena::new(1 << 28).unwrap();
    let array = arena.insert("array", vec![0_u64; WORDS]).unwrap();
    let other = arena.insert("other", 7_u64).unwrap();
    let read_only = array.read_only().unwrap();
    beside_a_writer(&array, false, || {
        assert_in_time("snapshot", |timeout| {
            arena.snapshot_timeout(timeout, |snapshot| Ok((snapshot.load(&array)?, snapshot.load(&other)?)))
        });
        assert_in_time("snapshot by a read-only handle", |timeout| {
            arena.snapshot_timeout(timeout, |snapshot| snapshot.load(&read_only))
        });
    });
    let (array, other) =
        arena.snapshot_timeout(DEADLINE, |snapshot| Ok((snapshot.load(&array)?, snapshot.load(&other)?))).unwrap();
    assert_eq!((array.len(), other), (WORDS, 7));
}

/// Attempts without locks could fail as long as the writers go on, so a snapshot must take the locks at last.
#[test]
fn a_snapshot_by_handles_that_can_lock_ends() {
    /// Enough for a copy to take far longer than the pause between two commits.
    const WORDS: usize = 1 << 20;
    let arena = Arena::new(1 << 28).unwrap();
    let array = arena.insert("array", vec![0_u64; WORDS]).unwrap();
    let [one, other] = ["one", "other"].map(|key| arena.insert(key, [0_u64; 100]).unwrap());
    let dynamic = arena.get::<Dyn>("other").unwrap().unwrap();
    // Two values under one lock, which a thread cannot take twice.
    let lock = Lock::new().unwrap();
    let [third, fourth] = [(); 2].map(|()| Synchronized::options().lock(&lock).new(0_u64).unwrap());
    let (is_over, start) = (AtomicBool::new(false), Instant::now());
    let goes_on = || !is_over.load(Relaxed) && start.elapsed() < DEADLINE;
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1.. {
                if !goes_on() {
                    break;
                }
                let change = |tx: &Transaction<'_>| {
                    tx.lock(&array)?.set_at(WORDS - 1, round)?;
                    tx.lock(&one)?.set([round; 100])?;
                    tx.lock(&other)?.set_at(99, round)
                };
                arena.transaction(change).unwrap();
                thread::sleep(Duration::from_micros(20));
            }
        });
        scope.spawn(|| {
            while goes_on() {
                third.update(|number| *number += 1).unwrap();
                fourth.update(|number| *number += 1).unwrap();
                thread::sleep(Duration::from_micros(20));
            }
        });
        let readers: Vec<_> = [false, true]
            .map(|is_reversed| {
                let (array, one, other, third, fourth) = (&array, &one, &other, &third, &fourth);
                let (arena, dynamic) = (&arena, &dynamic);
                scope.spawn(move || {
                    for _ in 0..3 {
                        let read = |snapshot: &Snapshot| {
                            let third = if is_reversed { None } else { Some(snapshot.load(third)?) };
                            let last = snapshot.load(array)?[WORDS - 1];
                            let dynamic = snapshot.load(dynamic)?;
                            let round = dynamic.part("[99]").and_then(DynData::as_u64);
                            let (one, other) = (snapshot.load(one)?, snapshot.load(other)?);
                            Ok((last, one[99], other[99], round, third, snapshot.load(fourth)?))
                        };
                        let (last, one, other, round, third, fourth) = arena.snapshot(read).unwrap();
                        assert_eq!((last, last, Some(last)), (one, other, round));
                        assert!(third.is_none_or(|third| third.abs_diff(fourth) <= 1), "{third:?} {fourth}");
                    }
                })
            })
            .into();
        for reader in readers {
            reader.join().unwrap();
        }
        // The writers go on for longer.
        assert!(start.elapsed() < DEADLINE * 2 / 3, "{:?}", start.elapsed());
        is_over.store(true, Relaxed);
    });
}

/// A transaction must not wait for a lock, or begin again, for longer than it was told.
#[test]
fn a_transaction_keeps_its_timeout() {
    #[track_caller]
    fn assert_late(arena: &Arena, awaited: &str, work: impl Fn(&Transaction<'_>) -> Result<(), Error>) {
        for timeout in [Duration::ZERO, TIMEOUT] {
            let (start, calls) = (Instant::now(), Cell::new(0));
            let result = arena.transaction_timeout(timeout, |tx| {
                calls.set(calls.get() + 1);
                work(tx)
            });
            let took = start.elapsed();
            let Err(Error::TimedOut { awaited: told }) = result else { panic!("{result:?}") };
            assert!(told.contains(awaited) || timeout.is_zero(), "{told}");
            assert!(timeout <= took && took < LATE, "{took:?} instead of {timeout:?}");
            assert!(calls.get() > 0);
        }
    }
    in_time(|| {
        let arena = Arena::new(1 << 28).unwrap();
        let (one, other) = (arena.insert("one", 1_u64).unwrap(), arena.insert("other", 2_u64).unwrap());
        let change = |tx: &Transaction<'_>| {
            tx.lock(&one)?.set(10)?;
            tx.lock(&other)?.set(20)
        };
        let change_backwards = |tx: &Transaction<'_>| {
            tx.lock(&other)?.set(20)?;
            tx.lock(&one)?.set(10)
        };
        for locked in [&one, &other] {
            let _guard = locked.lock().unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_late(&arena, "the lock of a value of `(anonymous)`", change);
                    // Where it would have to wait out of order, it begins again.
                    assert_late(&arena, "the lock of a value of `(anonymous)`", change_backwards);
                });
            });
        }

        // A process that is stopped while it adds a value has the lock of the arena.
        let child = fork(|| {
            for number in 0..1_000_000_u64 {
                arena.replace("churn", number).unwrap();
            }
        });
        let add = |tx: &Transaction<'_>| {
            tx.lock(&one)?.set(10)?;
            tx.insert("added", 3_u64).map(drop)
        };
        eventually("the child is stopped under the lock", || {
            child.signal(Signal::STOP);
            let stat = format!("/proc/{}/stat", child.process_id().as_raw_pid());
            eventually("it is stopped", || std::fs::read_to_string(&stat).unwrap().contains(") T "));
            let is_locked =
                arena.transaction_timeout(Duration::ZERO, |tx| tx.remove("no such key").and(tx.alloc(0_u8))).is_err();
            if !is_locked {
                child.signal(Signal::CONT);
                thread::sleep(Duration::from_micros(fastrand::u64(..500)));
            }
            is_locked
        });
        assert_late(&arena, "the lock of `(anonymous)`", add);
        assert_late(&arena, "the lock of `(anonymous)`", |tx| tx.remove("one").map(drop));
        // The record that commits several values is not made yet.
        assert_late(&arena, "the lock of `(anonymous)`", change);
        child.signal(Signal::KILL);
        child.finish_killed();
        assert_eq!((one.get(), other.get(), arena.contains("added"), arena.contains("one")), (1, 2, false, true));
        arena.transaction_timeout(DEADLINE, change).unwrap();
        arena.try_transaction_timeout(Duration::ZERO, change_backwards).unwrap();
        assert_eq!((one.get(), other.get()), (10, 20));
    });
}

/// If the clock were looked at only between two copies, a timeout would last as long as the copy of the value.
#[test]
fn a_timeout_ends_in_the_middle_of_a_copy() {
    let array = large();
    for array in
        [array.read_only().unwrap().load_timeout(Duration::from_nanos(1)), array.load_timeout(Duration::from_nanos(1))]
    {
        let Err(Error::TimedOut { awaited }) = array else { panic!("a copy takes longer than a nanosecond") };
        assert!(awaited.contains("a copy of"), "{awaited}");
    }
    // A change that was not read in time is not lost.
    let mut changes = array.changes();
    array.set_at(WORDS - 1, 5).unwrap();
    assert!(matches!(changes.next_timeout(Duration::from_nanos(1)), Err(Error::TimedOut { .. })));
    assert_eq!(changes.next_timeout(DEADLINE).unwrap()[WORDS - 1], 5);
}

/// A program that only looks, with a timeout of zero, must see a value of any size if nothing changes it.
#[test]
fn a_timeout_of_zero_is_one_attempt() {
    let array = large();
    let reader = array.read_only().unwrap();
    let mut changes = array.changes();
    assert_eq!(array.load_timeout(Duration::ZERO).unwrap().len(), WORDS);
    assert_eq!(reader.wait_for(|_| true, Duration::ZERO).unwrap().len(), WORDS);
    assert!(matches!(changes.next_timeout(Duration::ZERO), Err(Error::TimedOut { .. })));
    array.set_at(1, 5).unwrap();
    assert_eq!(changes.next_timeout(Duration::ZERO).unwrap()[1], 5);
    beside_a_writer(&array, false, || {
        let start = Instant::now();
        let looked = reader.load_timeout(Duration::ZERO);
        assert!(matches!(looked, Ok(_) | Err(Error::TimedOut { .. })));
        assert!(start.elapsed() < LATE, "{:?}", start.elapsed());
    });
}

/// A large value of a fixed size is copied piece by piece too, with its atomic fields and its last bytes.
#[test]
fn a_copy_in_pieces_is_whole() {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    struct Frame {
        #[shared(atomic)]
        count: u64,
        pixels: [u8; 131_100],
        last: u8,
    }
    // Without optimization, a value on the stack is moved many times.
    let body = || {
        let frame = SynchronizedFrame::new(Zeroed).unwrap();
        frame.count().store(7);
        frame.set_last(9).unwrap();
        frame.in_pixels().set_at(131_099, 3).unwrap();
        frame.in_pixels().set_at(131_072, 4).unwrap();
        let reader = frame.read_only().unwrap();
        for is_reader in [false, true] {
            let loaded = if is_reader { reader.load_timeout(DEADLINE) } else { frame.load_timeout(DEADLINE) }.unwrap();
            let pixels = [loaded.pixels[131_071], loaded.pixels[131_072], loaded.pixels[131_099]];
            assert_eq!((loaded.count, pixels, loaded.last), (7, [0, 4, 3], 9));
        }
        let guard = frame.lock().unwrap();
        guard.set_last(10).unwrap();
        assert_eq!(frame.load_timeout(DEADLINE).unwrap().last, 10, "the thread sees its own writes");
        drop(guard);
        let dynamic = shared_value::DynValue::open(frame.token().unwrap()).unwrap();
        let loaded = dynamic.load_timeout(DEADLINE).unwrap();
        assert_eq!(loaded.part("pixels[131099]").and_then(shared_value::DynData::as_u64), Some(3));
        assert_eq!(loaded.part("count").and_then(shared_value::DynData::as_u64), Some(7));
    };
    thread::Builder::new().stack_size(64 << 20).spawn(body).unwrap().join().unwrap();
}

/// A thread that waits for a change under its own lock would wait forever: no other thread can commit.
#[test]
fn a_wait_under_the_own_lock_is_an_error() {
    #[track_caller]
    fn assert_refused<V: std::fmt::Debug>(result: Result<V, Error>) {
        let Err(error @ Error::WaitUnderLock { .. }) = result else { panic!("{result:?}") };
        assert!(error.to_string().contains("this thread holds the lock"), "{error}");
    }
    in_time(|| {
        let own = Synchronized::new(0_u64).unwrap();
        let pthread = Synchronized::options().lock_kind(LockKind::Pthread).new(0_u64).unwrap();
        for value in [&own, &pthread] {
            let reader = value.read_only().unwrap();
            let (mut changes, mut seen) = (value.changes(), reader.changes());
            let guard = value.lock().unwrap();
            assert_refused(changes.next().unwrap());
            assert_refused(seen.next().unwrap());
            assert_refused(changes.next_timeout(SHORT));
            assert_refused(value.wait_for(|value| *value == 9, DEADLINE));
            assert_refused(reader.wait_for(|value| *value == 9, DEADLINE));
            assert_eq!(value.wait_for(|value| *value == 0, DEADLINE).unwrap(), 0, "no wait is needed");
            guard.set(5).unwrap();
            guard.commit();
            assert_eq!(changes.next().unwrap().unwrap(), 5, "the change has come already");
            drop(guard);
            value.set(0).unwrap();
        }
        let mut changes = own.changes();
        own.update(|_| assert_refused(changes.next().unwrap())).unwrap();

        let lock = shared_value::RLock::new().unwrap();
        let guarded = Synchronized::options().lock(&lock).new(0_u64).unwrap();
        let guard = lock.lock().unwrap();
        assert_refused(guarded.changes().next().unwrap());
        drop(guard);

        let arena = Arena::new(1 << 16).unwrap();
        let (one, other) = (arena.insert("one", 1_u64).unwrap(), arena.insert("other", 2_u64).unwrap());
        let refused = arena.transaction(|tx| {
            let _one = tx.lock(&one)?;
            assert!(matches!(other.changes().next_timeout(SHORT), Err(Error::TimedOut { .. })), "others may change it");
            one.changes().next().unwrap()
        });
        assert_refused(refused);
    });
}

/// A message that says only that the time is over leaves a user with several waits in the dark.
#[test]
fn a_timeout_says_what_was_waited_for() {
    let value = Synchronized::new(0_u64).unwrap();
    let said = |result: Result<u64, Error>| result.unwrap_err().to_string();
    let wait_for = said(value.wait_for(|value| *value == 1, SHORT / 5));
    assert_eq!(wait_for, "the time is over while waiting for a change of `(anonymous)` that fulfils the condition");
    let next = said(value.changes().next_timeout(SHORT / 5));
    assert_eq!(next, "the time is over while waiting for a commit of `(anonymous)`");
    let arena = Arena::new(1 << 16).unwrap();
    let number = arena.insert("number", 1_u64).unwrap();
    let snapshot = said(arena.snapshot_timeout(Duration::ZERO, |snapshot| {
        let loaded = snapshot.load(&number);
        number.update(|number| *number += 1)?;
        loaded
    }));
    let moment = "a moment at which no process changes the values of a snapshot of `(anonymous)`";
    assert_eq!(snapshot, format!("the time is over while waiting for {moment}"));
}
