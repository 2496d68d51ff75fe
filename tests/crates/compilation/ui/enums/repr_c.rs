use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
enum State {
    Open,
    Frozen,
}

fn main() {}
