use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
enum State {
    #[shared(rename = "opened")]
    Open,
    Frozen,
}

fn main() {}
