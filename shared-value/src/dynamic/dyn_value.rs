//! `DynValue` and `DynGuard`: handles and guards of values whose type is known only from the segment.

use std::fmt;

use crate::dynamic::contents::Dyn;
use crate::dynamic::copy::print;
use crate::handle::access::{Access, ReadWrite};
use crate::handle::guard::Guard;
use crate::handle::synchronized::Synchronized;

/// A value in shared memory whose type the program does not know: the schema in its segment describes it.
///
/// It is a [`Synchronized<Dyn>`](Synchronized). So it takes the same lock and makes the same commits as programs that know
/// the type: readers see committed values only, a change of several fields is one commit, and a process that is killed
/// leaves the last committed value. Parts are named by paths such as `limits[2]` or `corners[1].x`; the empty path is the
/// whole value. [`DynData`](crate::DynData) lists the data that each part can hold.
///
/// | | |
/// |---|---|
/// | read, without the lock | [`get`](crate::DynAccessors::get) by path, [`load`](crate::DynAccessors::load) for all of it, [`version`](Synchronized::version) |
/// | change, in one commit | [`set`](crate::DynAccessors::set), [`update`](crate::DynAccessors::update) |
/// | change the length of a vector, a text or bytes | [`push`](crate::DynAccessors::push), [`extend`](crate::DynAccessors::extend), [`truncate`](crate::DynAccessors::truncate), or `set` the whole |
/// | copy plain bytes, at the speed of `memcpy` | [`read_bytes`](crate::DynAccessors::read_bytes), [`write_bytes`](crate::DynAccessors::write_bytes), [`read_elements`](crate::DynAccessors::read_elements), [`write_elements`](crate::DynAccessors::write_elements) |
/// | inspect its type | [`layout`](crate::DynAccessors::layout), [`fields`](crate::DynAccessors::fields) |
/// | hold the lock | [`lock`](Synchronized::lock) and its variants; then all of the above on a [`DynGuard`], [`commit`](Guard::commit), [`rollback`](Guard::rollback) |
/// | wait for a change | [`wait_for`](Synchronized::wait_for), [`changes`](Synchronized::changes) |
/// | hand it over | [`pass_to`](Synchronized::pass_to), [`token`](Synchronized::token), [`send_to`](Synchronized::send_to) |
///
/// A value with a native lock of its own opens without options. A value without a lock, under a pthread mutex or under a
/// lock object must be opened with the options that a program would use that knows its type. Any value can be opened for
/// reading.
///
/// The schema is not trusted: if it does not describe exactly the memory of the value, opening fails with `InvalidSegment`.
/// All bits are checked, as in programs that know the type. One call reads or writes at most 64 MiB and 4 million numbers,
/// texts and the like; larger values are read and written part by part, or as bytes. So are arrays whose elements have long names or deeply
/// nested types: their data would take far more memory than their bytes.
///
/// ```
/// use shared_value::{DynData, DynValue, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(u8)]
/// enum State { Open, Frozen }
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Account { balance: i64, limits: [u32; 3], state: State }
///
/// # let name = format!("shared-value-doc-dyn-{}", std::process::id());
/// let account =
///     SynchronizedAccount::create(&name, Account { balance: 100, limits: [1, 2, 3], state: State::Open })?;
///
/// // A program that has never heard of accounts.
/// let value = DynValue::open(&name)?;
/// assert_eq!(value.to_string(), "Account { balance: 100, limits: [1, 2, 3], state: Open }");
/// for field in value.fields() {
///     println!("{}: {} = {}", field.path(), field.layout().type_text(), value.get(field.path())?);
/// }
/// value.set("state", "Frozen")?;
/// value.set("limits[2]", 30_u64)?;
/// value.update("balance", |balance| *balance = DynData::from(balance.as_i64().unwrap_or(0) + 1))?;
/// assert_eq!((account.balance(), account.limits()), (101, [1, 2, 30]));
/// assert!(value.set("limits[2]", -1_i64).is_err());
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type DynValue<A = ReadWrite> = Synchronized<Dyn, A>;

/// Proof that this thread holds the lock of a [`DynValue`].
///
/// It is a [`Guard<Dyn>`](Guard), which decides when changes are committed: by [`commit`](Guard::commit), or when the last
/// guard of the thread is dropped. Reads through it see the thread's own writes.
///
/// | | |
/// |---|---|
/// | read | [`get`](crate::DynAccessors::get) by path, [`load`](crate::DynAccessors::load) for all of it |
/// | change | [`set`](crate::DynAccessors::set), [`update`](crate::DynAccessors::update); [`push`](crate::DynAccessors::push), [`extend`](crate::DynAccessors::extend), [`truncate`](crate::DynAccessors::truncate) |
/// | end | [`commit`](Guard::commit) or [`rollback`](Guard::rollback), and keep the lock; [`recovered`](Guard::recovered) |
///
/// ```
/// use shared_value::{DynValue, Synchronized};
///
/// # let name = format!("shared-value-doc-dyn-guard-{}", std::process::id());
/// let shared = Synchronized::create(&name, [1_u32, 2])?;
/// let value = DynValue::open(&name)?;
/// let guard = value.lock()?;
/// guard.set("[0]", 10_u32)?;
/// guard.set("[1]", 20_u32)?;
/// assert_eq!(guard.to_string(), "[10, 20]");
/// # std::thread::scope(|scope| {
/// # scope.spawn(|| {
/// assert_eq!(shared.get(), [1, 2]); // In another thread or process.
/// # });
/// # });
/// guard.commit();
/// guard.set("[0]", 0_u32)?;
/// guard.rollback();
/// drop(guard);
/// assert_eq!(shared.get(), [10, 20]);
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type DynGuard<'a> = Guard<'a, Dyn>;

/// Prints the value as [`DynData`](crate::DynData) does, or why it cannot be read.
impl<A: Access> fmt::Display for Synchronized<Dyn, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self.load(), formatter)
    }
}

/// Prints the value as [`DynData`](crate::DynData) does, with this thread's own writes, or why it cannot be read.
impl fmt::Display for Guard<'_, Dyn> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self.load(), formatter)
    }
}
