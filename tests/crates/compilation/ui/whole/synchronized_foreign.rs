use std::num::Wrapping;

use shared_value::Synchronized;

fn main() {
    let _ = Synchronized::new(Wrapping(1_u32));
}
