//! Versions of a struct that fit: pins, names, the places where reserved bytes may lie.

use shared_value::{Kind, Reserved, SharedValue, Synchronized};

mod v1 {
    use shared_value::{Reserved, SharedValue};

    #[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(C)]
    #[shared(evolves, size = 32, layout = "T{<q:balance:?:open:23x}")]
    pub struct Account {
        pub balance: i64,
        pub open: bool,
        pub spare: [Reserved<8>; 2],
    }
}

mod v2 {
    use shared_value::{Reserved, SharedValue};

    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    #[shared(evolves, released = super::v1::Account)]
    pub struct Account {
        pub balance: i64,
        pub open: bool,
        pub kind: u8,
        pub limit: u32,
        pub spare: Reserved<16>,
    }
}

type Earlier = v2::Account;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves, released = (v1::Account, Earlier))]
struct Account {
    balance: i64,
    open: bool,
    kind: u8,
    limit: u32,
    rates: [f64; 2],
}

/// A type of the user may have the name.
mod own {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    pub struct Reserved {
        pub until: u64,
    }
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Table {
    reserved: own::Reserved,
}

/// A struct that does not evolve may contain one that does.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Bank {
    accounts: [v1::Account; 3],
    count: u64,
}

fn main() {
    let old = Synchronized::new(v1::Account::default()).unwrap();
    old.set(v1::Account { balance: 5, ..v1::Account::default() }).unwrap();
    assert_eq!((old.balance(), old.open(), old.get()), (5, false, v1::Account { balance: 5, ..Default::default() }));
    assert_eq!(format!("{:?}", Reserved::<9>::new()), "Reserved");
    assert!(v1::Account::LAYOUT.evolves() && !Bank::LAYOUT.evolves());
    assert_eq!(v1::Account::LAYOUT.padding(), 23);
    let Kind::Struct { fields } = v2::Account::LAYOUT.kind() else { unreachable!() };
    assert!(matches!(fields[4].layout().kind(), Kind::Reserved));
    assert_ne!(v1::Account::FINGERPRINT, v2::Account::FINGERPRINT);
    assert_eq!(Table::TYPECODE, "T{T{<Q:until:}:reserved:}");
    let bank = Synchronized::new(Bank { accounts: [v1::Account::default(); 3], count: 0 }).unwrap();
    bank.in_accounts().element(2).set_balance(7).unwrap();
    assert_eq!(bank.accounts()[2].balance, 7);
    let new = SynchronizedAccount::new(Account { balance: 1, open: true, kind: 2, limit: 3, rates: [4.0; 2] }).unwrap();
    assert_eq!((new.kind(), new.rates()), (2, [4.0; 2]));
}
