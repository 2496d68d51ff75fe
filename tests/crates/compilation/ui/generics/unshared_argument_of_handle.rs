use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pair<T> {
    first: T,
    second: T,
}

fn main() {
    let _ = SynchronizedPair::<char>::open("pair");
    let _ = SynchronizedPair::<&str>::open("pair");
}
