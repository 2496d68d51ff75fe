//! Waits that a peer tries to prolong.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Error, Filled, LockError, SharedArray, Synchronized, Zeroed};
use shared_value_tests::{DEADLINE, SHORT, SegmentName, in_time};

use crate::peer::{OWNER_DIED, Peer, WAITERS};

/// Far longer than any timeout here, for a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// If a wait looked at the clock only when there is no new version, a peer that commits all the time could prolong it.
#[test]
fn waiting_for_a_change_ends_although_versions_come_all_the_time() {
    let name = SegmentName::new("restless");
    let value = Synchronized::create(&name, 0_u64).unwrap();
    let peer = Peer::of(&name);
    let start = Instant::now();
    let waited = value.wait_for(
        |_| {
            peer.set_version(peer.version() + 2);
            assert!(start.elapsed() < LATE, "the wait is longer than its timeout");
            false
        },
        SHORT,
    );
    assert!(matches!(waited, Err(Error::TimedOut { .. })), "{waited:?}");
}

/// If a wait looked at the clock only when the lock word is unchanged, a peer that changes it could prolong the wait.
#[test]
fn waiting_for_the_lock_ends_although_its_word_changes() {
    in_time(|| {
        let name = SegmentName::new("restless-lock");
        let value = Synchronized::create(&name, 0_u64).unwrap();
        let peer = Peer::of(&name);
        peer.set_lock_word(1);
        let (stop, start) = (AtomicBool::new(false), Instant::now());
        thread::scope(|scope| {
            scope.spawn(|| {
                // All ones would be a retired lock, which is not waited for.
                let words = [1, WAITERS | 1, 2, OWNER_DIED | 1, u32::MAX - 1];
                for word in words.iter().cycle() {
                    if stop.load(Relaxed) || start.elapsed() > DEADLINE {
                        break;
                    }
                    peer.set_lock_word(*word);
                }
            });
            for timeout in [Duration::ZERO, Duration::from_micros(100), SHORT] {
                let start = Instant::now();
                while start.elapsed() < SHORT {
                    let waited = value.lock_timeout(timeout);
                    assert!(matches!(waited, Err(Error::Lock(LockError::TimedOut))), "{waited:?}");
                    assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
                }
                assert!(start.elapsed() < LATE, "{timeout:?} took {:?}", start.elapsed());
            }
            stop.store(true, Relaxed);
        });
        peer.set_lock_word(0);
        value.set(1).unwrap();
    });
}

/// Under its own lock, a thread sees no commit of others. If it went on until a copy is whole, a peer that changes the version
/// without the lock could prolong a read or a wait.
#[test]
fn a_read_under_the_own_lock_ends_although_the_version_changes() {
    // Values that are copied at once, and piece by piece. The copies take longer than the pause between two changes.
    in_time(|| {
        let names = [SegmentName::new("restless-small"), SegmentName::new("restless-large")];
        let small = Synchronized::<[u64; 8 << 10]>::create(&names[0], Zeroed).unwrap();
        let large = SharedArray::create(&names[1], Filled(1_u64, 1 << 18)).unwrap();
        let peers = names.each_ref().map(Peer::of);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let start = Instant::now();
                while !stop.load(Relaxed) && start.elapsed() < DEADLINE {
                    for peer in &peers {
                        peer.set_version(peer.version() + 2);
                    }
                }
            });
            let (small_guard, large_guard) = (small.lock().unwrap(), large.lock().unwrap());
            for timeout in [Duration::ZERO, Duration::from_micros(100), SHORT] {
                let start = Instant::now();
                let _ = (small.load_timeout(timeout).map(drop), large.load_timeout(timeout).map(drop));
                let waited =
                    (small.wait_for(|_| false, timeout).map(drop), large.wait_for(|_| false, timeout).map(drop));
                for waited in [waited.0, waited.1] {
                    let expected = matches!(waited, Err(Error::TimedOut { .. } | Error::WaitUnderLock { .. }));
                    assert!(expected, "{waited:?}");
                }
                assert!(start.elapsed() < LATE, "{timeout:?} took {:?}", start.elapsed());
            }
            stop.store(true, Relaxed);
            drop((small_guard, large_guard));
        });
    });
}
