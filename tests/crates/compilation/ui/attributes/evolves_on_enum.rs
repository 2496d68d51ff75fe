use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
#[shared(evolves)]
enum State {
    Open,
}

fn main() {}
