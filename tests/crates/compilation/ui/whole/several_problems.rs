use std::time::Duration;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[shared(sise = 64)]
struct Account<'a> {
    owner: String,
    peer: &'a str,
    #[shared(atomik)]
    requests: u64,
    #[shared(atomic)]
    errors: u32,
    update: bool,
    timeout: Duration,
}

fn main() {
    // What uses the type compiles: each problem is reported once.
    let account = SynchronizedAccount::open("account").unwrap();
    account.set_requests(account.requests() + 1).unwrap();
    account.update(|account| account.requests += 1).unwrap();
    account.lock().unwrap().commit();
}
