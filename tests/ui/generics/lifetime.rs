use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account<'a> {
    balance: i64,
    owner: std::marker::PhantomData<&'a str>,
}

fn main() {}
