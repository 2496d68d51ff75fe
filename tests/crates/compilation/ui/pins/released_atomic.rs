use shared_value::SharedValue;

mod v1 {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    #[shared(evolves)]
    pub struct Account {
        pub balance: i64,
        pub spare: shared_value::Reserved<8>,
    }
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves, released = v1::Account)]
struct Account {
    balance: i64,
    #[shared(atomic)]
    requests: u64,
}

fn main() {}
