//! The output of the macro works for a strict user.

use std::time::Duration;

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

fn names() -> Names {
    let a = |number| A { number };
    Names {
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
        from: 23,
        get_field: 24,
        len: 27,
        iter: 28,
        is_empty: 29,
        next: 30,
        to_string: 31,
        into_iter: 32,
        as_ref: 33,
        from_str: 34,
        is_some: 35,
        default: 36,
        add: 37,
        version: 21,
    }
}

/// Without this, a local of the output could hide a field of the user, or a method of the handle could hide its accessors.
#[test]
fn with_the_names_of_the_output() {
    let names = SynchronizedNames::new(names()).unwrap();
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
    names.set_from(names.from() + 1).unwrap();
    names.within(Duration::MAX).set_from(names.from() + 1).unwrap();
    names.lock().unwrap().set_from(names.from() + 1).unwrap();
    assert_eq!(names.from(), 26);
}

/// Without this, a program that imports the traits of hosts would call their functions in place of accessors.
#[test]
fn with_the_traits_of_hosts_in_scope() {
    #[allow(unused_imports, reason = "the test is that they change nothing")]
    use memory::{Host, Reader, Root, Writer};

    let names = SynchronizedNames::new(names()).unwrap();
    names.set_field(A { number: names.field().number + 1 }).unwrap();
    names.update_field(|field| field.number += 1).unwrap();
    assert_eq!((names.in_field().get().number, names.get_field()), (9, 24));
}

/// Without this, a type would work only at the top of a module.
#[test]
fn everywhere() {
    assert_eq!(places::sum().unwrap(), 2 + 2 + 4 + 5 + 8);
}
