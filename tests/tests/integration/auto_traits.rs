//! What may cross threads and unwinding, checked at compile time.

use std::panic::{RefUnwindSafe, UnwindSafe};

use shared_value::{Error, Guard, Options, Synchronized};
use shared_value_tests::values::{Account, AccountGuard, SynchronizedAccount};

/// Fails to compile if the type implements the trait: then two implementations would fit.
macro_rules! assert_not_implemented {
    ($type:ty: $trait:ident) => {
        const _: fn() = || {
            trait Ambiguous<Which> {
                fn check() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            #[allow(dead_code)]
            struct Implemented;
            impl<T: ?Sized + $trait> Ambiguous<Implemented> for T {}
            let _ = <$type as Ambiguous<_>>::check;
        };
    };
}

const fn assert_send<T: Send>() {}
const fn assert_sync<T: Sync>() {}
const fn assert_unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}

// A handle that threads could not share would have to be opened once in each.
const _: () = {
    assert_send::<Synchronized<Account>>();
    assert_sync::<Synchronized<Account>>();
    assert_send::<SynchronizedAccount>();
    assert_sync::<SynchronizedAccount>();
    assert_send::<Error>();
    assert_sync::<Error>();
    assert_send::<Options>();
    assert_sync::<Options>();
    // A panic rolls back, so nobody sees a broken value after it was caught.
    assert_unwind_safe::<Synchronized<Account>>();
    assert_unwind_safe::<SynchronizedAccount>();
};

// The kernel knows a lock by the thread that took it: another cannot release it.
assert_not_implemented!(Guard<'static, Account>: Send);
assert_not_implemented!(AccountGuard<'static>: Send);
// Nor may another write through it.
assert_not_implemented!(Guard<'static, Account>: Sync);
assert_not_implemented!(AccountGuard<'static>: Sync);

/// If a guard could be copied, two would release one hold.
#[test]
fn a_guard_cannot_be_copied() {
    assert_not_implemented!(Guard<'static, Account>: Clone);
    assert_not_implemented!(AccountGuard<'static>: Clone);
}
