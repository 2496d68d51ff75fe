use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
enum State {
    Open,
    Frozen,
}

fn main() {}
