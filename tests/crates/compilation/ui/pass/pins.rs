use shared_value::SharedValue;

// What `ui/pins` drifts away from.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(size = 16, layout = "T{<q:balance:?:frozen:7x}", fingerprint = "0x28aad2bc62811371")]
struct Account {
    balance: i64,
    frozen: bool,
}

#[derive(SharedValue, Clone, Copy, PartialEq)]
#[repr(u8)]
#[shared(layout = "<B", fingerprint = "0x3665974bd175a643", size = 1)]
enum State {
    Open,
    Frozen,
}

fn main() {
    let account = SynchronizedAccount::new(Account { balance: 1, frozen: false }).unwrap();
    account.set_frozen(true).unwrap();
    assert!(account.frozen());
    let state = SynchronizedState::new(State::Open).unwrap();
    state.set(State::Frozen).unwrap();
    assert!(state.get() == State::Frozen);
}
