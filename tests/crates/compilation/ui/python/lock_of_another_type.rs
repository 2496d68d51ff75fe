// 8: `lock='navalue'`.
use shared_value::Synchronized;

fn main() {
    let _ = Synchronized::<i32>::options().lock("navalue").new(1);
}
