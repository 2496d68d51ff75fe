use shared_value::SharedValue;

#[derive(Clone, Copy)]
struct Name<'a>(&'a str);

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account<'a> {
    balance: i64,
    owner: Name<'a>,
}

fn main() {}
