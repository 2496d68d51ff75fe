use shared_value::{SharedValue, Synchronized};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pair<T> {
    first: T,
    second: T,
}

fn main() {
    let _ = Synchronized::<Pair<&str>>::open("pair");
}
