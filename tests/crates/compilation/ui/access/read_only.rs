use shared_value::{ReadOnly, SharedValue};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: [u32; 4],
    #[shared(atomic)]
    requests: u64,
}

fn read(account: &SynchronizedAccount<ReadOnly>) -> (i64, u32, u64) {
    (account.balance(), account.in_limits().at(1), account.requests().load())
}

fn write(account: &SynchronizedAccount<ReadOnly>) {
    account.set_balance(1);
    account.update_balance(|balance| *balance += 1);
    account.in_balance().set(1);
    account.in_limits().set_at(1, 2);
    account.requests().fetch_add(1);
    account.lock();
}

fn main() {}
