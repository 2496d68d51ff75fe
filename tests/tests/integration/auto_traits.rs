//! Which types may be sent to or shared with other threads, and may be used after a panic: checked at compile time.

use std::panic::{RefUnwindSafe, UnwindSafe};

use shared_value::{Error, Guard, Options, RLock, Synchronized};
use shared_value_tests::values::{Account, AccountGuard, SynchronizedAccount};

/// Fails to compile if the type implements the trait, because then two implementations apply.
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

// Without these, each thread would have to open a handle of its own.
const _: () = {
    assert_send::<Synchronized<Account>>();
    assert_sync::<Synchronized<Account>>();
    assert_send::<SynchronizedAccount>();
    assert_sync::<SynchronizedAccount>();
    assert_send::<Error>();
    assert_sync::<Error>();
    assert_send::<Options<SynchronizedAccount>>();
    assert_sync::<Options<SynchronizedAccount>>();
    assert_send::<RLock>();
    assert_sync::<RLock>();
    // A panic rolls the value back, so code that catches it finds a whole value.
    assert_unwind_safe::<Synchronized<Account>>();
    assert_unwind_safe::<SynchronizedAccount>();
};

// The kernel identifies the owner of a lock by its thread: no other thread can release the lock.
assert_not_implemented!(Guard<'static, Account>: Send);
assert_not_implemented!(AccountGuard<'static>: Send);
// No other thread may write through a guard either.
assert_not_implemented!(Guard<'static, Account>: Sync);
assert_not_implemented!(AccountGuard<'static>: Sync);

/// Two copies of a guard would release one hold twice.
#[test]
fn a_guard_cannot_be_copied() {
    assert_not_implemented!(Guard<'static, Account>: Clone);
    assert_not_implemented!(AccountGuard<'static>: Clone);
}
