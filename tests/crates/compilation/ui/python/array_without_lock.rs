// 7: `Array('i', range(10), lock=False).get_lock()`.
use shared_value::{SharedArray, Unlocked};

fn lock(array: &SharedArray<i32, Unlocked>) {
    array.lock();
}

fn main() {}
