//! What is generated for a strict user also works.

use shared_value_strict::bare::{Account, Bare, SynchronizedAccount};
use shared_value_strict::names::{A, Names, SynchronizedNames};
use shared_value_strict::places;

/// Without this, paths in the output might lead to what the user has in scope.
#[test]
fn without_a_prelude() {
    let account = Account { balance: 1, limits: [2, 3], requests: 4, state: Bare::Open, color: [5; 3] };
    let account = SynchronizedAccount::new(account).unwrap();
    account.set_state(Bare::Closed).unwrap();
    account.requests().fetch_add(1);
    account.update_color(|color| color[1] = 0).unwrap();
    account.lock().unwrap().in_limits().set_at(0, 9);
    assert_eq!((account.balance(), account.limits(), account.requests()), (1, [9, 3], 5));
    assert_eq!(account.color(), [5, 0, 5]);
    assert!(matches!(account.state(), Bare::Closed));
}

/// Without this, a local of the macro's could be a field of the user's.
#[test]
fn with_the_names_of_the_output() {
    let a = |number| A { number };
    let names = SynchronizedNames::new(Names {
        value: a(1),
        index: a(2),
        change: a(3),
        visitor: a(4),
        formatter: a(5),
        handle: a(6),
        field: a(7),
        guard: a(8),
        pod: [a(9), a(10)],
        bits: true,
        unchanged: 11,
        fields_of: 12,
        field_0: 13,
        r#type: 14,
        load: 15,
    })
    .unwrap();
    names.update_change(|change| change.number += 1).unwrap();
    names.set_value(names.change()).unwrap();
    names.in_pod().set_at(1, names.handle()).unwrap();
    assert_eq!((names.value().number, names.in_pod().at(1).number), (4, 6));
    assert_eq!((names.r#type(), names.loads()), (14, 15));
}

/// Without this, a type would work only at the top of a module.
#[test]
fn everywhere() {
    assert_eq!(places::sum().unwrap(), 2 + 2 + 4 + 5 + 8);
}
