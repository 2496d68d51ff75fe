use shared_value::{SharedValue, Unlocked};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
}

fn lock(account: &SynchronizedAccount<Unlocked>) {
    account.lock();
}

fn main() {}
