use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u128)]
enum State {
    Open,
    Frozen,
}

fn main() {}
