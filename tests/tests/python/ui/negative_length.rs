// 16: `Array('i', -1)`.
use shared_value::Synchronized;

fn main() {
    let _ = Synchronized::new([0_i32; -1]);
}
