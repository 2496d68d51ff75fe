// 8: `lock='navalue'`.
use shared_value::Options;

fn main() {
    let _ = Options::new().lock("navalue");
}
