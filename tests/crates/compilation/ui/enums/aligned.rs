use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8, align(8))]
enum State {
    Open,
    Frozen,
}

fn main() {}
