use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
}

fn misspell(account: &SynchronizedAccount, guard: &AccountGuard<'_>) {
    account.balanse();
    guard.set_balence(1);
}

fn main() {}
