use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: [u32; 4],
}

// A view names parts: values that it returned could be of two versions.
fn read(account: &SynchronizedAccount) {
    account.read(|view| view.balance());
    account.read(|view| view.in_limits().at(0));
    account.read(|_| 1_u32);
}

fn main() {}
