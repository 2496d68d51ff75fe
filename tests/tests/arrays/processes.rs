//! Arrays that several processes and threads use at once.

use std::thread;

use shared_value::{Filled, SharedArray};
use shared_value_tests::{DEADLINE, Forked, SegmentName, fork, in_time};

/// Without the version, a copy of a large array would mix several commits.
#[test]
fn a_snapshot_is_of_one_commit() {
    in_time(|| {
        let name = SegmentName::new("array-snapshot");
        let array = SharedArray::create(&name, Filled(0_u32, 5_000)).unwrap();
        let writer = fork(|| {
            let array = SharedArray::<u32>::open(&name).unwrap();
            for round in 1..=2_000 {
                match round % 3 {
                    0 => array.fill(round).unwrap(),
                    1 => array.write_slice(0, &vec![round; array.len()]).unwrap(),
                    _ => {
                        let guard = array.lock().unwrap();
                        (0..guard.len()).for_each(|index| guard.set_at(index, round).unwrap());
                    }
                }
            }
        });
        let read_only = array.read_only().unwrap();
        let mut copy = vec![0; array.len()];
        while copy[0] < 2_000 {
            for array in [&array.to_vec().unwrap(), &read_only.to_vec().unwrap()] {
                assert!(array.iter().all(|element| *element == array[0]), "{array:?}");
            }
            array.read_slice(.., &mut copy).unwrap();
            assert!(copy.iter().all(|element| *element == copy[0]), "{copy:?}");
        }
        writer.finish();
    });
}

/// Processes that change different elements of the same words must not lose each other's changes.
#[test]
fn processes_count_in_neighbouring_elements() {
    let array = SharedArray::new(Filled(0_u16, 6)).unwrap();
    let children: Vec<_> = (0..3)
        .map(|child| {
            fork(|| {
                for _ in 0..2_000 {
                    array.update_at(child, |count| *count += 1).unwrap();
                    let guard = array.lock().unwrap();
                    let count = guard.at(child + 3);
                    guard.set_at(child + 3, count + 1).unwrap();
                }
            })
        })
        .collect();
    children.into_iter().for_each(Forked::finish);
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![2_000; 6], 12_000));
}

/// A wait must see the elements of one commit, as every other read.
#[test]
fn a_wait_sees_all_elements() {
    let array = SharedArray::new(Filled(0_u8, 100)).unwrap();
    let writer = array.clone();
    let mut changes = array.changes();
    let thread = thread::spawn(move || (0..100).for_each(|index| writer.set_at(index, 1).unwrap()));
    let all = array.wait_for(|elements| elements.iter().all(|element| *element == 1), DEADLINE).unwrap();
    assert_eq!(all, [1; 100]);
    assert_eq!(changes.next_timeout(DEADLINE).unwrap().len(), 100);
    thread.join().unwrap();
}
