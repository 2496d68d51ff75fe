//! Which thread owns which lane, and until when.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use shared_value::{Arena, Counter, SharedCounter, SharedValue, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName, eventually, fork};

use crate::Lanes;

fn create<const LANES: usize>(label: &str) -> (SegmentName, SharedCounter<LANES>, Lanes) {
    let name = SegmentName::new(label);
    let counter = SharedCounter::<LANES>::create(&name, Counter::new(0)).unwrap();
    let lanes = Lanes::of(&counter, &name, LANES as u64);
    (name, counter, lanes)
}

/// If a thread that ends kept its lane, threads of other processes would soon find none.
#[test]
fn a_thread_that_ends_gives_its_lane_back() {
    let (_name, counter, lanes) = create::<4>("thread-end");
    thread::scope(|scope| {
        scope.spawn(|| {
            counter.add(5);
            assert_eq!(lanes.owners().iter().filter(|owner| **owner != 0).count(), 1);
        });
    });
    // The scope ends before the threads have run their last destructors.
    eventually("the lane is free", || lanes.owners() == [0; 4]);
    assert_eq!(counter.total(), 5);
}

/// If the last handle of a process kept the lanes of its threads, they would be lost to others as long as the threads live.
#[test]
fn the_last_handle_gives_the_lanes_back() {
    let (name, counter, lanes) = create::<4>("handle-drop");
    let other = counter.clone();
    counter.increment();
    let owned = lanes.owners();
    assert!(owned.iter().any(|owner| *owner != 0));
    drop(counter);
    assert_eq!(lanes.owners(), owned, "a handle is left");
    other.increment();
    drop(other);
    assert_eq!(lanes.owners(), [0; 4]);
    let again = SharedCounter::<4>::open(&name).unwrap();
    again.increment();
    assert_eq!((again.total(), lanes.owners()), (3, owned));
}

/// Without a look at the owner, a thread would go on in a lane of a value whose memory is that of another one by now.
#[test]
fn memory_that_is_used_again() {
    const EACH: u64 = 20_000;
    for _ in 0..20 {
        let counter: SharedCounter = SharedCounter::new(Counter::new(0)).unwrap();
        counter.add(3);
        assert_eq!(counter.total(), 3);
    }
    let arena = Arena::new(1 << 16).unwrap();
    for turn in 0..20_u64 {
        let counter = arena.insert("counter", Counter::<2>::new(0)).unwrap();
        let start = Barrier::new(2);
        let count = || {
            start.wait();
            (0..EACH).for_each(|_| counter.increment());
        };
        thread::scope(|scope| {
            scope.spawn(count);
            count();
        });
        assert_eq!(counter.total(), 2 * EACH);
        drop(counter);
        arena.remove("counter").unwrap();
        // Where the lanes were, words of all kinds may be written, and stay.
        let words = arena.insert("words", [u64::MAX; 40]).unwrap();
        thread::scope(|scope| scope.spawn(|| words.set([turn; 40]).unwrap()).join().unwrap());
        assert_eq!(words.get(), [turn; 40]);
        drop(words);
        arena.remove("words").unwrap();
    }
}

/// A value with few lanes may lie where one with many was. A thread that went on in its lane there would add behind the end of them.
#[test]
fn memory_of_a_value_with_more_lanes() {
    // Threads own different lanes, so most of them own one that the smaller counter does not have.
    for turn in 0..8 {
        let count = || {
            let many = SharedCounter::<16>::new(Counter::new(0)).unwrap();
            many.add(turn);
            assert_eq!(many.total(), turn);
            drop(many);
            let few = SharedCounter::<1>::new(Counter::new(0)).unwrap();
            few.add(turn);
            assert_eq!((few.total(), few.reset().unwrap(), few.total()), (turn, turn, 0));
        };
        thread::scope(|scope| scope.spawn(count).join().unwrap());
    }
}

/// A value may lie where one with fewer lanes was. A thread that went on where a shared lane was would add to a lane that another
/// thread owns, and one of the two would undo the addition of the other.
#[test]
fn memory_of_a_value_with_fewer_lanes() {
    for _ in 0..20 {
        let (_name, few, _) = create::<1>("few");
        few.increment();
        drop(few);
        let (_name, many, lanes) = create::<4>("many");
        beside_owners(3, || many.increment(), || many.add(10));
        assert_eq!(lanes.sums(), [1, 1, 1, 10]);
    }
}

/// A value may lie where one with shorter lanes was. A thread that went on where a shared lane was would add to another counter.
#[test]
fn memory_of_a_value_with_shorter_lanes() {
    #[derive(SharedValue, Clone, Copy, Default)]
    #[shared(lanes = 2)]
    #[repr(C)]
    struct Short {
        #[shared(counter)]
        hits: u64,
        rest: [u64; 14],
    }

    #[derive(SharedValue, Clone, Copy, Default)]
    #[shared(lanes = 2)]
    #[repr(C)]
    struct Long {
        #[shared(counter)]
        hits: [u64; 15],
    }

    for _ in 0..20 {
        let short = Synchronized::<Short>::new(Short::default()).unwrap();
        beside_owners(1, || short.hits().increment(), || short.hits().increment());
        drop(short);
        let long = Synchronized::<Long>::new(Long::default()).unwrap();
        long.hits().element(0).increment();
        assert_eq!(long.hits().get(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}

/// Counts while this number of threads own lanes.
fn beside_owners(number: usize, count_as_owner: impl Fn() + Sync, count: impl FnOnce()) {
    let (owned, counted) = (Barrier::new(number + 1), Barrier::new(number + 1));
    thread::scope(|scope| {
        for _ in 0..number {
            scope.spawn(|| {
                count_as_owner();
                owned.wait();
                counted.wait();
            });
        }
        owned.wait();
        count();
        counted.wait();
    });
}

/// If a thread took a lane from another one of its process that lives, both would add to it by load and store.
#[test]
fn a_thread_that_lives_keeps_its_lane() {
    let (_name, counter, lanes) = create::<2>("kept");
    counter.increment();
    let owners = lanes.owners();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..20_000).for_each(|_| counter.increment());
                // Threads without a lane ask for one again after a while.
                thread::sleep(Duration::from_millis(150));
                (0..20_000).for_each(|_| counter.increment());
            });
        }
    });
    assert_eq!((lanes.owners(), lanes.sums()), (owners, vec![1, 160_000]));
}

/// If threads without a lane of their own added by load and store, they would undo each other's additions.
#[test]
fn threads_without_a_lane_share() {
    const THREADS: u64 = 8;
    const EACH: u64 = 500_000;
    let (_name, counter, lanes) = create::<2>("exhausted");
    let (start, end) = (Barrier::new(8), Barrier::new(8));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                counter.increment();
                start.wait();
                (1..EACH).for_each(|_| counter.increment());
                // Until then, the owner of the only lane lives.
                end.wait();
            });
        }
    });
    assert_eq!((counter.total(), lanes.sums()), (THREADS * EACH, vec![EACH, (THREADS - 1) * EACH]));
    // The owner of the only lane is gone, so the next thread gets it.
    eventually("the lane is free", || lanes.owners() == [0, 0]);
    counter.increment();
    assert_ne!(lanes.owners()[0], 0);
}

/// A thread that shares a lane gets one of its own when one is free.
#[test]
fn a_lane_that_is_given_back_is_found() {
    let (_name, counter, lanes) = create::<2>("given-back");
    let (owned, shared) = (Barrier::new(2), Barrier::new(2));
    let first = thread::scope(|scope| {
        scope.spawn(|| {
            counter.increment();
            owned.wait();
            shared.wait();
        });
        owned.wait();
        counter.increment();
        let owners = lanes.owners();
        assert_eq!(lanes.sums(), [1, 1]);
        shared.wait();
        owners[0]
    });
    eventually("the lane is free", || lanes.owners() == [0, 0]);
    (0..10_000).for_each(|_| counter.increment());
    assert!(![0, first].contains(&lanes.owners()[0]));
    assert_eq!(counter.total(), 10_002);
}

/// If a forked child went on in the lane of its parent, each would undo additions of the other.
#[test]
fn a_forked_child_has_a_lane_of_its_own() {
    const EACH: u64 = 300_000;
    let (_name, counter, lanes) = create::<4>("fork");
    counter.increment();
    let parents = lanes.owners();
    let child = fork(|| (0..EACH).for_each(|_| counter.increment()));
    (0..EACH).for_each(|_| counter.increment());
    child.finish();
    assert_eq!(counter.total(), 2 * EACH + 1);
    let left = lanes.owners();
    assert!(parents.iter().zip(&left).all(|(before, after)| *before == 0 || before == after), "{parents:x?} {left:x?}");
    // The child of a child, beside another thread of the parent that adds at the moment of the fork.
    thread::scope(|scope| {
        scope.spawn(|| (0..EACH).for_each(|_| counter.increment()));
        let child = fork(|| {
            counter.increment();
            fork(|| (0..EACH).for_each(|_| counter.increment())).finish();
            counter.increment();
        });
        child.finish();
    });
    assert_eq!(counter.total(), 4 * EACH + 3);
}

/// If the drop of a handle in a child gave back the lane of its parent, the parent would lose additions.
#[test]
fn a_child_gives_back_only_its_own_lane() {
    let (_name, counter, lanes) = create::<4>("child-drop");
    counter.increment();
    let before = lanes.owners();
    let mut handle = Some(counter);
    fork(|| drop(handle.take())).finish();
    assert_eq!(lanes.owners(), before);
    fork(|| {
        let counter = handle.take().unwrap();
        counter.increment();
        drop(counter);
    })
    .finish();
    assert_eq!(lanes.owners(), before);
    assert_eq!(handle.unwrap().total(), 2);
}

/// No other process uses a file when the first one opens it: the owners in it are of processes that are gone.
#[test]
fn a_file_without_processes_has_no_owners() {
    let (name, counter, lanes) = create::<4>("adopted");
    counter.add(2);
    drop(counter);
    name.wait_until_unused();
    for lane in 0..4 {
        lanes.set_owner(lane, 0xdead_beef_0000_1234);
    }
    let counter = SharedCounter::<4>::open(&name).unwrap();
    assert_eq!((counter.total(), lanes.owners()), (2, vec![0, 0, 0, 0xdead_beef_0000_1234]));
    let _ = SegmentFile::open(name.path());
    let _: &Synchronized<Counter<4>> = &counter;
}
