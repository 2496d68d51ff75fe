use shared_value::{ReadOnly, ReadWrite, SharedValue, Source, Synchronized, Unlocked, Writable};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: [u32; 2],
    #[shared(atomic)]
    requests: u64,
}

const ACCOUNT: Account = Account { balance: 1, limits: [2, 3], requests: 4 };

// The setters are there for whatever can write.
fn write<A: Writable>(account: &SynchronizedAccount<A>) {
    account.set_balance(account.balance() + 1).unwrap();
    account.update_limits(|limits| limits[0] += 1).unwrap();
    account.in_limits().set_at(1, 5).unwrap();
    assert_eq!(account.requests().fetch_add(1), 4);
    assert_eq!((account.balance(), account.limits(), account.requests().load()), (2, [3, 5], 5));
}

fn main() {
    // No constructor needs to be told the access.
    let account = SynchronizedAccount::new(ACCOUNT).unwrap();
    write(&account);
    let unlocked = SynchronizedAccount::options().unlocked().new(ACCOUNT).unwrap();
    write(&unlocked);
    let reader = SynchronizedAccount::open_read_only(&account.token().unwrap()).unwrap();
    assert_eq!((reader.balance(), reader.requests().load()), (2, 5));
    assert!(SynchronizedAccount::open_read_only("no such account").is_err());
    assert!(SynchronizedAccount::open(Source::inherited("NO_SUCH_ACCOUNT")).is_err());

    // It is the runtime's own type, under another name.
    let named: Synchronized<Account, ReadWrite> = account;
    let _: [&SynchronizedAccount<ReadOnly>; 1] = [&reader as &Synchronized<Account, ReadOnly>];
    let _: SynchronizedAccount<Unlocked> = unlocked;

    // Each write is made from a read.
    let guard: AccountGuard<'_> = named.lock().unwrap();
    guard.set_balance(guard.balance() + 1).unwrap();
    let limits = guard.in_limits();
    limits.set_at(0, limits.at(0) + u32::try_from(guard.requests().load()).unwrap()).unwrap();
    drop(guard);
    assert_eq!((reader.balance(), reader.limits()), (3, [8, 5]));

    // Whose number it is becomes known after the methods were found.
    let number = Synchronized::new(0).unwrap();
    number.update(|number| *number += 1).unwrap();
    assert_eq!(number.get(), 1);
}
