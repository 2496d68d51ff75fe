// 25: what Python cuts off.
use shared_value::Synchronized;

fn set(value: &Synchronized<i32>) {
    let _ = value.set(1_i64 << 33);
}

fn main() {}
