use shared_value::SharedValue;

// Prices, and functions and methods of handles, guards and parts.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Candle {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    create: u64,
    new: u64,
    options: u64,
    lock: u64,
    version: u64,
    get: u64,
    clone: u64,
    commit: u64,
    len: u64,
    at: u64,
    from: u64,
    #[shared(atomic)]
    update: u64,
}

// Lengths that are called what functions, locals and parameters of the output are called.
#[allow(non_upper_case_globals)]
mod lengths {
    use shared_value::SharedValue;

    const value: usize = 1;
    const change: usize = 2;
    const V: usize = 5;

    const fn unchanged() -> usize {
        3
    }

    const fn fields_of() -> usize {
        4
    }

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub struct Lengths {
        pub one: [u8; value],
        pub two: [u8; change],
        pub three: [u8; unchanged()],
        pub four: [u8; fields_of()],
        pub five: [u8; V],
    }
}

use lengths::{Lengths, SynchronizedLengths};

fn main() {
    let candle = SynchronizedCandle::new(Candle::default()).unwrap();
    candle.set_open(1.0).unwrap();
    candle.set_close(candle.open() + 1.0).unwrap();
    candle.set_version(7).unwrap();
    candle.update_lock(|lock| *lock += 1).unwrap();
    candle.in_update().fetch_add(2);
    assert_eq!((candle.close(), candle.in_version().get(), candle.in_lock().get()), (2.0, 7, 1));
    assert_eq!((candle.version(), candle.in_update().load()), (4, 2), "that of the handle");
    candle.set_from(candle.from() + 6).unwrap();
    candle.update_from(|from| *from += 1).unwrap();
    assert_eq!(candle.in_from().get(), 7);
    let guard = candle.lock().unwrap();
    guard.set_len(guard.at() + 3).unwrap();
    guard.in_commit().set(5).unwrap();
    guard.commit();
    assert_eq!((guard.len(), guard.in_commit().get()), (3, 5));

    let start = Lengths { one: [1], two: [2; 2], three: [3; 3], four: [4; 4], five: [5; 5] };
    let lengths = SynchronizedLengths::new(start).unwrap();
    lengths.set_two([5; 2]).unwrap();
    assert_eq!(lengths.get(), Lengths { two: [5; 2], ..start });
}
