// 25: what Python cuts off.
use shared_value::Synchronized;

fn set(value: &Synchronized<u8>) {
    let _ = value.set(256);
}

fn main() {}
