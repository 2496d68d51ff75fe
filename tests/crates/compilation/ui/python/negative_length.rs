// 16: `Array('i', -1)`.
use shared_value::{Filled, SharedArray};

fn main() {
    let _ = SharedArray::new(Filled(0_i32, -1));
}
