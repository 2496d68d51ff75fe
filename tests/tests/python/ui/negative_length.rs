// 16: `Array('i', -1)`.
use shared_value::SharedArray;

fn main() {
    let _ = SharedArray::<i32>::new(-1);
}
