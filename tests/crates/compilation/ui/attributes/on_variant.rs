use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
enum State {
    #[shared(pod)]
    Open,
    Frozen,
}

fn main() {}
