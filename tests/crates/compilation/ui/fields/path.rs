use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    file: std::path::PathBuf,
}

fn main() {}
