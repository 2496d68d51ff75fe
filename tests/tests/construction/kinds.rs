//! The kinds of handles, behind one trait. Each counts something that other handles can see.

use std::mem;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;

use shared_value::{
    Arena, DynLayout, DynValue, Error, Filled, Location, Lock, RLock, SharedArray, Source, Synchronized, Token,
    Unlocked, Zeroed,
};
use shared_value_tests::values::{Account, SynchronizedAccount};

/// A kind of handle: how it is created, found, handed over, changed and read.
pub(crate) trait Kind: Sized {
    /// The name of the kind, for the child process.
    const NAME: &str;

    fn new() -> Result<Self, Error>;
    fn create(location: Location<'_>) -> Result<Self, Error>;
    fn open_or_create(location: Location<'_>) -> Result<Self, Error>;
    fn open(source: Source<'_>) -> Result<Self, Error>;
    fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error>;
    fn token(&self) -> Result<Token, Error>;
    fn send_to(&self, socket: &UnixStream) -> Result<(), Error>;

    /// Adds 1 to the number that all handles of this value see.
    fn add(&self) -> Result<(), Error>;

    /// Returns the number, which starts at zero.
    fn number(&self) -> Result<u64, Error>;

    /// Returns the number that a read-only handle sees; `None` for a kind without read-only handles.
    fn read(source: Source<'_>) -> Result<Option<u64>, Error>;
}

/// Handing over is spelled alike for all kinds.
macro_rules! kind {
    (
        $kind:ty, $name:literal, $initial:expr,
        $value:ident => add $add:expr, number $number:expr, read-only $read:expr
        $(, options $options:expr)?
    ) => {
        impl Kind for $kind {
            const NAME: &str = $name;

            fn new() -> Result<Self, Error> {
                kind!(@options $kind $(, $options)?).new($initial)
            }

            fn create(location: Location<'_>) -> Result<Self, Error> {
                kind!(@options $kind $(, $options)?).create(location, $initial)
            }

            fn open_or_create(location: Location<'_>) -> Result<Self, Error> {
                kind!(@options $kind $(, $options)?).open_or_create(location, $initial)
            }

            fn open(source: Source<'_>) -> Result<Self, Error> {
                kind!(@options $kind $(, $options)?).open(source)
            }

            fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
                Self::pass_to(self, command, name)
            }

            fn token(&self) -> Result<Token, Error> {
                Self::token(self)
            }

            fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
                Self::send_to(self, socket)
            }

            fn add(&self) -> Result<(), Error> {
                let $value = self;
                $add
            }

            fn number(&self) -> Result<u64, Error> {
                let $value = self;
                $number
            }

            fn read(source: Source<'_>) -> Result<Option<u64>, Error> {
                $read(source)
            }
        }
    };
    (@options $kind:ty) => { <$kind>::options() };
    (@options $kind:ty, $options:expr) => { $options };
}

kind!(
    Synchronized<u64>, "number", 0_u64,
    value => add value.update(|number| *number += 1),
    number value.load(),
    read-only |source| Self::open_read_only(source)?.load().map(Some)
);

kind!(
    SynchronizedAccount, "struct", &Account { deposits: 0, ..Account::after(1) },
    account => add account.update_deposits(|deposits| *deposits += 1),
    number Ok(account.deposits()),
    read-only |source| Ok(Some(Self::open_read_only(source)?.deposits()))
);

kind!(
    Synchronized<u64, Unlocked>, "unlocked", Zeroed,
    value => add value.update(|number| *number += 1),
    number value.load(),
    // A read-only handle reads versions, and a value without a lock has none.
    read-only |_| Ok(None),
    options Synchronized::<u64>::options().unlocked()
);

kind!(
    SharedArray<u64>, "array", Filled(0, 1_000),
    array => add array.update_at(999, |number| *number += 1),
    number Ok(array.at(999)),
    read-only |source| Ok(Some(Self::open_read_only(source)?.at(999)))
);

kind!(
    DynValue, "dynamic", DynLayout::of::<Account>()?,
    value => add value.update("deposits", |deposits| *deposits = (deposits.as_u64().unwrap_or(0) + 1).into()),
    number Ok(value.get("deposits")?.as_u64().expect("a number")),
    read-only |source| Ok(Self::open_read_only(source)?.get("deposits")?.as_u64())
);

kind!(
    Arena, "arena", 1 << 20,
    arena => add arena.get_or_insert_with("number", || 0_u64)?.update(|number| *number += 1),
    number arena.get::<u64>("number")?.map_or(Ok(0), |number| number.load()),
    read-only |source| Ok(Self::open_read_only(source)?.get::<u64>("number")?.map(|number| number.get()))
);

kind!(
    RLock, "recursive lock", (),
    lock => add { leave(move || lock.lock().map(mem::forget)); lock.lock().map(drop) },
    number Ok(lock.recoveries()),
    read-only |_| Ok(None)
);

kind!(
    Lock, "lock", (),
    lock => add { leave(move || lock.lock().map(mem::forget)); lock.lock().map(drop) },
    number Ok(lock.recoveries()),
    read-only |_| Ok(None)
);

/// Takes a lock in a thread that ends with it. The next owner counts that as a recovery, which all processes see.
fn leave(take: impl FnOnce() -> Result<(), Error> + Send) {
    thread::scope(|scope| {
        // Joined, because the end of a scope does not wait for the destructors of the thread.
        scope.spawn(take).join().expect("the thread does not panic").expect("the lock is free");
    });
}
