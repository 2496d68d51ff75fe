//! Guards that may not write now: every setter returns an error, and changes nothing.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{ArrayGuard, DynGuard, DynValue, Error, LockError, SharedArray};
use shared_value_tests::values::{Account, AccountGuard, SynchronizedAccount};
use shared_value_tests::{fork, in_time};

/// Tries every way to write through a guard of a struct.
fn writes(guard: &AccountGuard<'_>) -> Vec<Result<(), Error>> {
    vec![
        guard.set(Account::after(9)),
        guard.copy_from(&Account::after(9)),
        guard.update(|_| panic!("the closure must not run")),
        guard.try_update(|_| panic!("the closure must not run")),
        guard.set_balance(9),
        guard.update_balance(|_| panic!("the closure must not run")),
        guard.in_balance().set(9),
        guard.in_balance().update(|_| panic!("the closure must not run")),
        guard.in_limits().set([9; 4]),
        guard.in_limits().set_at(0, 9),
        guard.in_limits().update_at(0, |_| panic!("the closure must not run")),
        guard.in_limits().write_slice(1, &[9, 9]),
        guard.in_limits().fill(9),
        guard.in_limits().swap(0, 1),
        guard.in_limits().update_all(|_| panic!("the closure must not run")),
        guard.in_limits().element(0).set(9),
    ]
}

/// Tries every way to write through a guard of an array.
fn writes_of_elements(guard: &ArrayGuard<'_, u32>) -> Vec<Result<(), Error>> {
    vec![
        guard.set_at(0, 9),
        guard.update_at(0, |_| panic!("the closure must not run")),
        guard.write_slice(0, &[9, 9]),
        guard.fill(9),
        guard.swap(0, 1),
        guard.update_all(|_| panic!("the closure must not run")),
        guard.element(0).set(9),
        guard.element(0).update(|_| panic!("the closure must not run")),
    ]
}

/// Tries every way to write through a guard of a dynamic value.
fn writes_of_parts(guard: &DynGuard<'_>) -> Vec<Result<(), Error>> {
    vec![
        guard.set("balance", 9),
        guard.set("limits[0]", 9),
        guard.update("balance", |_| panic!("the closure must not run")),
    ]
}

#[track_caller]
fn assert_refused(results: Vec<Result<(), Error>>, is_expected: fn(&Error) -> bool) {
    for (number, result) in results.into_iter().enumerate() {
        assert!(result.as_ref().is_err_and(is_expected), "write {number}: {result:?}");
    }
}

/// The handles of one struct, by type and by schema, and of an array.
struct Handles {
    account: SynchronizedAccount,
    dynamic: DynValue,
    array: SharedArray<u32>,
}

impl Handles {
    fn new() -> Self {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let dynamic = DynValue::open(account.token().unwrap()).unwrap();
        Self { account, dynamic, array: SharedArray::new(&[1, 2, 3]).unwrap() }
    }

    #[track_caller]
    fn assert_unchanged(&self) {
        assert_eq!((self.account.load().unwrap(), self.account.version()), (Account::after(1), 0));
        assert_eq!((self.array.to_vec().unwrap(), self.array.version()), (vec![1, 2, 3], 0));
    }
}

/// The result of an `update` would overwrite a write inside of its closure.
#[test]
fn inside_of_an_update_the_value_is_borrowed() {
    in_time(|| {
        let handles = Handles::new();
        let (account, dynamic) = (handles.account.lock().unwrap(), handles.dynamic.lock().unwrap());
        let array = handles.array.lock().unwrap();
        account
            .update(|_| {
                assert_refused(writes(&account), |error| matches!(error, Error::Borrowed));
                assert_refused(writes_of_parts(&dynamic), |error| matches!(error, Error::Borrowed));
            })
            .unwrap();
        dynamic
            .update("balance", |_| {
                assert_refused(writes(&account), |error| matches!(error, Error::Borrowed));
                assert_refused(writes_of_parts(&dynamic), |error| matches!(error, Error::Borrowed));
            })
            .unwrap();
        array
            .update_all(|_| assert_refused(writes_of_elements(&array), |error| matches!(error, Error::Borrowed)))
            .unwrap();
        array.rollback();
        account.rollback();
        drop((account, dynamic, array));
        handles.assert_unchanged();
    });
}

/// A panic that passed through an inner guard has interrupted a change, which must not be completed with other writes.
#[test]
fn after_a_panic_under_an_inner_guard_the_value_is_barred() {
    in_time(|| {
        let handles = Handles::new();
        let (account, dynamic) = (handles.account.lock().unwrap(), handles.dynamic.lock().unwrap());
        let array = handles.array.lock().unwrap();
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            let inner = (handles.account.lock().unwrap(), handles.array.lock().unwrap());
            inner.0.set_balance(5).unwrap();
            inner.1.set_at(0, 5).unwrap();
            panic!("in the middle");
        }));
        assert!(panicked.is_err());
        assert_refused(writes(&account), |error| matches!(error, Error::Unwound));
        assert_refused(writes_of_parts(&dynamic), |error| matches!(error, Error::Unwound));
        assert_refused(writes_of_elements(&array), |error| matches!(error, Error::Unwound));
        let committed = panic::catch_unwind(AssertUnwindSafe(|| array.commit())).unwrap_err();
        assert_eq!(committed.downcast_ref::<String>(), Some(&Error::Unwound.to_string()));

        account.rollback();
        array.rollback();
        account.set_deposits(1).expect("the rollback has lifted the bar");
        array.set_at(0, 1).expect("the rollback has lifted the bar");
        account.rollback();
        array.rollback();
        drop((account, dynamic, array));
        handles.assert_unchanged();
    });
}

/// A forked child has copies of its parent's guards, which hold nothing there: a write would change the parent's draft.
#[test]
fn in_a_forked_child_a_guard_holds_nothing() {
    in_time(|| {
        fn is_not_held(error: &Error) -> bool {
            matches!(error, Error::Lock(LockError::NotHeld))
        }
        let handles = Handles::new();
        let (account, dynamic) = (handles.account.lock().unwrap(), handles.dynamic.lock().unwrap());
        let array = handles.array.lock().unwrap();
        account.set_balance(77).unwrap();
        array.set_at(0, 77).unwrap();
        fork(|| {
            assert_refused(writes(&account), is_not_held);
            assert_refused(writes_of_parts(&dynamic), is_not_held);
            assert_refused(writes_of_elements(&array), is_not_held);
            account.commit();
            array.commit();
            account.rollback();
            array.rollback();
            assert_eq!((account.balance(), array.at(0)), (10, 1), "the committed values");
            assert_eq!(dynamic.get("balance").unwrap().as_i64(), Some(10));
        })
        .finish();
        assert_eq!((account.balance(), array.at(0), account.in_limits().at(0)), (77, 77, 1), "the parent's draft");
        drop((account, dynamic, array));
        assert_eq!((handles.account.balance(), handles.account.version()), (77, 1));
        assert_eq!((handles.array.to_vec().unwrap(), handles.array.version()), (vec![77, 2, 3], 1));
    });
}
