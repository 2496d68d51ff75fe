use shared_value::SharedValue;

mod v1 {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    #[shared(evolves)]
    pub struct Account {
        pub balance: i64,
        pub limit: u32,
        pub spare: shared_value::Reserved<4>,
    }
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves, released = v1::Account)]
struct Account {
    balance: i64,
    spare: shared_value::Reserved<4>,
    limit: u32,
}

fn main() {}
