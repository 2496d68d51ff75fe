//! Live values of arenas: thousands of them, in other processes, removed, and after a crash.

use shared_value::{Arena, Dyn, DynLayout, Error, Id, Live, LockError, Source, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName, fewer_if_emulated, fork};

/// An interpreter makes values and drops them all the time: their space must come back at once.
#[test]
fn space_of_a_value_comes_back_at_once() {
    // In a process of its own: a fork by another test would keep the values.
    fork(|| {
        let arena = Arena::new(1 << 20).unwrap();
        let make = || Live::<Dyn>::alloc(&arena, (DynLayout::of::<f64>().unwrap(), 0.5)).unwrap();
        drop(make());
        let used = arena.used();
        for _ in 0..fewer_if_emulated(20_000) {
            let value = make();
            let id = value.id().unwrap();
            drop(value);
            assert!(arena.remove(id).unwrap());
        }
        assert_eq!(arena.stats().removed, 0);
        assert!(arena.used() <= used + 128, "{} bytes", arena.used() - used);
    })
    .finish();
}

/// A value that is open keeps its space, and its contents, when it was removed.
#[test]
fn a_removed_value_stays_while_it_is_open() {
    let arena = Arena::new(1 << 20).unwrap();
    let value = Live::alloc(&arena, 7_u64).unwrap();
    let (same, id) = (value.clone(), value.id().unwrap());
    drop(value);
    assert!(arena.remove(id).unwrap() && Live::find(&arena, id).unwrap().is_none());
    let others: Vec<_> = (0..100).map(|number| Live::alloc(&arena, number).unwrap()).collect();
    assert_eq!((same.get(), same.update(|number| *number += 1).is_ok(), same.get()), (7, true, 8));
    assert!(others.iter().zip(0..).all(|(other, number): (_, u64)| other.get() == number));
}

/// Thousands of locks share one file and one mapping; none may stand for another one.
#[test]
fn many_locks_share_an_arena() {
    const LOCKS: usize = 10_000;
    let arena = Arena::new(4 << 20).unwrap();
    let options = Live::<[u8]>::options().non_recursive();
    let locks: Vec<_> = (0..LOCKS).map(|_| options.alloc(&arena, Vec::new()).unwrap()).collect();
    assert!(arena.used() < LOCKS * 130, "{} bytes", arena.used());
    let held: Vec<_> = locks.iter().step_by(7).take(500).map(|lock| lock.lock().unwrap()).collect();
    let is_held = |number: usize| number.is_multiple_of(7) && number / 7 < 500;
    let child = fork(|| {
        for (number, lock) in locks.iter().enumerate() {
            assert_eq!(matches!(lock.try_lock(), Err(Error::Lock(LockError::WouldBlock))), is_held(number), "{number}");
        }
    });
    child.finish();
    for (number, lock) in locks.iter().enumerate() {
        assert_eq!(lock.depth() == 1, is_held(number), "{number}");
    }
    drop(held);
    assert!(locks.iter().all(|lock| lock.size() == 0 && lock.depth() == 0));
}

/// Another process gets a value of an arena without a name by its token, or by the descriptor and the number.
#[test]
fn values_are_handed_to_other_processes() {
    let arena = Arena::new(1 << 20).unwrap();
    let value = Live::<[u16]>::alloc(&arena, &[1, 2, 3]).unwrap();
    let lock = Live::<[u8]>::options().non_recursive().alloc(&arena, Vec::new()).unwrap();
    let (token, number) = (value.token().unwrap().to_string(), value.id().unwrap().to_bits());
    let lock_token = lock.token().unwrap().to_string();
    let descriptor = value.as_fd().unwrap().try_clone_to_owned().unwrap();
    // It does not inherit a mapping by the fork only: it opens the arena anew.
    let child = fork(|| {
        let by_token = Live::<Dyn>::open(Source::token(token)).unwrap();
        by_token.parts().set("[1]", 20_u64).unwrap();
        let same = Arena::open(Source::descriptor(&descriptor)).unwrap();
        let by_number = Live::<[u16], _>::find(&same, Id::from_bits(number)).unwrap().unwrap();
        assert_eq!(by_number.parts().to_vec().unwrap(), [1, 20, 3]);
        let lock = Live::<[u8]>::open(Source::token(lock_token)).unwrap();
        lock.lock().unwrap().keep();
        assert!(matches!(lock.lock(), Err(Error::Lock(LockError::AlreadyHeld))));
    });
    child.finish();
    assert_eq!(value.parts().at(1), 20);
    assert!(lock.lock().unwrap().recovered(), "the child ended with the lock");
}

/// Returns where an address lies in the file that is mapped there.
fn offset_in_file(address: usize) -> u64 {
    let hexadecimal = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let found = maps.lines().find_map(|line| {
        let [range, _, offset, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let (from, to) = range.split_once('-')?;
        let (from, address) = (hexadecimal(from), address as u64);
        (from..hexadecimal(to)).contains(&address).then(|| address - from + hexadecimal(offset))
    });
    found.expect("it is mapped")
}

/// A process that opens an arena alone repairs what a crash of the machine has left: the locks of live values too.
#[test]
fn an_abandoned_arena_is_repaired() {
    let name = SegmentName::new("live-abandoned");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    let live = Live::options().non_recursive().insert(&arena, "live", [5_u64; 100]).unwrap();
    let plain = arena.insert("plain", 6_u64).unwrap();
    let cell = offset_in_file(live.as_ptr().addr()) - 64;
    drop((arena, live, plain));
    name.wait_until_unused();
    // An owner that the kernel does not know, as in a copy of a file in use.
    SegmentFile::open(name.path()).overwrite(cell, &0x1234_5678_0000_0123_u64.to_le_bytes());
    let arena = Arena::open(&name).unwrap();
    let live = Live::<[u64; 100], _>::find(&arena, "live").unwrap().unwrap();
    let guard = live.try_lock().unwrap();
    assert!(guard.recovered() && live.get() == [5; 100] && live.recoveries() == 1);
    assert!(matches!(live.lock(), Err(Error::Lock(LockError::AlreadyHeld))), "it is still what it was");
    assert_eq!(arena.get::<u64>("plain").unwrap().unwrap().get(), 6);
    drop(guard);

    // A segment of its own is repaired in the same way.
    let own = SegmentName::new("live-abandoned-own");
    drop(Live::create(&own, [5_u64; 100]).unwrap());
    own.wait_until_unused();
    let file = SegmentFile::open(own.path());
    file.overwrite(file.cell_offset(), &0x1234_5678_0000_0123_u64.to_le_bytes());
    let live = Live::<[u64; 100]>::open(&own).unwrap();
    assert!(live.try_lock().unwrap().recovered() && live.get() == [5; 100]);
    assert!(Synchronized::<[u64; 100]>::open(&own).is_err());
}
