//! The output of the macro works for a strict user.

use shared_value_strict::bare::{Account, Bare, SynchronizedAccount};
use shared_value_strict::names::{A, Names, SynchronizedNames};
use shared_value_strict::places;

/// Without this, paths in the output could lead to items of the user.
#[test]
fn without_a_prelude() {
    let account = Account { balance: 1, limits: [2, 3], requests: 4, state: Bare::Open, color: [5; 3] };
    let account = SynchronizedAccount::new(account).unwrap();
    account.set_state(Bare::Closed).unwrap();
    account.requests().fetch_add(1);
    account.update_color(|color| color[1] = 0).unwrap();
    account.lock().unwrap().in_limits().set_at(0, 9).unwrap();
    assert_eq!((account.balance(), account.limits(), account.requests().load()), (1, [9, 3], 5));
    assert_eq!(account.color(), [5, 0, 5]);
    assert!(matches!(account.state(), Bare::Closed));
}

/// Without this, a local of the output could hide a field of the user, or a method of the handle could hide its accessors.
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
        open: 16,
        create: 17,
        options: 18,
        portion: a(19),
        host: a(20),
        version: 21,
    })
    .unwrap();
    names.update_change(|change| change.number += 1).unwrap();
    names.set_value(names.change()).unwrap();
    names.in_pod().set_at(1, names.handle()).unwrap();
    assert_eq!((names.value().number, names.in_pod().at(1).number), (4, 6));
    assert_eq!((names.r#type(), names.in_load().get()), (14, 15));
    assert_eq!((names.open(), names.create(), names.options()), (16, 17, 18));
    names.set_load(22).unwrap();
    names.in_version().fetch_add(1);
    assert_eq!((names.load().unwrap().load, names.in_version().load(), names.version()), (22, 22, 4));
    assert_eq!((names.portion().number, names.host().number), (19, 20));
}

/// Without this, a type would work only at the top of a module.
#[test]
fn everywhere() {
    assert_eq!(places::sum().unwrap(), 2 + 2 + 4 + 5 + 8);
}
