#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    unsafe impl ::shared_value::__private::SharedValue for Account {
        const FIELDS: &'static [::shared_value::__private::Field] = &[
            Description::new::<i64>("balance", ::core::mem::offset_of!(Self, balance)),
            Description::new::<Mode>("type", ::core::mem::offset_of!(Self, r#type)),
            Description::new::<
                [u32; 4],
            >("limits", ::core::mem::offset_of!(Self, limits)),
            Description::atomic::<
                u64,
            >("requests", ::core::mem::offset_of!(Self, requests)),
        ];
        const LAYOUT: &'static ::shared_value::__private::TypeLayout = &::shared_value::__private::TypeLayout::structure::<
            Self,
        >("Account", fields_of::<Self>());
        #[inline(always)]
        fn fields<V: ::shared_value::__private::FieldVisitor>(visitor: &mut V) {
            ::shared_value::__private::visit::<Self, i64, V>(visitor, 0);
            let _ = ::shared_value::__private::Field::new::<Mode>;
            ::shared_value::__private::visit::<Self, Mode, V>(visitor, 1);
            ::shared_value::__private::visit::<Self, [u32; 4], V>(visitor, 2);
            ::shared_value::__private::visit::<Self, u64, V>(visitor, 3);
        }
    }
    type Description = ::shared_value::__private::Field;
    const fn fields_of<Value: ::shared_value::__private::SharedValue>() -> &'static [::shared_value::__private::Field] {
        Value::FIELDS
    }
    fn unchanged(value: &Account) {
        let Account {
            balance: field_0,
            r#type: field_1,
            limits: field_2,
            requests: field_3,
        } = value;
        let _: &i64 = field_0;
        let _: &Mode = field_1;
        let _: &[u32; 4] = field_2;
        let _: &u64 = field_3;
    }
};
#[allow(deprecated)]
const _: () = ::shared_value::__private::assert_layout::<Account>("T{<q:balance:}");
#[allow(deprecated)]
const _: () = ::shared_value::__private::assert_fingerprint::<Account>(255u64);
#[allow(deprecated)]
const _: () = ::shared_value::__private::assert_size::<Account>(40);
/// A handle to a shared [`Account`]. The functions for its fields are in [`AccountAccessors`].
#[allow(deprecated)]
pub type SynchronizedAccount<A = ::shared_value::__private::ReadWrite> = ::shared_value::__private::Synchronized<
    Account,
    A,
>;
/// Holds the lock of a shared [`Account`]: dropping it commits and unlocks. The functions for its fields are in [`AccountAccessors`].
#[allow(deprecated)]
pub type AccountGuard<'guard> = ::shared_value::__private::Guard<'guard, Account>;
/// The functions for the fields of a shared [`Account`]: call them on its handle,
/// [`SynchronizedAccount`], and on its guard, [`AccountGuard`], which dereference to this type.
#[repr(transparent)]
pub struct AccountAccessors<H>(H);
#[allow(deprecated)]
#[automatically_derived]
unsafe impl ::shared_value::__private::Accessible for Account {
    type Accessors<H> = AccountAccessors<H>;
}
/// On the handle and on the guard.
#[allow(deprecated)]
impl<H: ::shared_value::__private::Reader<Value = Account>> AccountAccessors<H> {
    /** Reads `balance` without a lock: what is committed, or what this thread has written since.

 In cents.

 May be negative.*/
    #[inline]
    pub fn balance(&self) -> i64 {
        ::shared_value::__private::get(&self.0, 0)
    }
    /** Reads `type` without a lock: what is committed, or what this thread has written since.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    pub(crate) fn r#type(&self) -> Mode {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::get::<Mode, _>(&self.0, 1)
    }
    /// Reads `limits` without a lock: what is committed, or what this thread has written since.
    #[inline]
    fn limits(&self) -> [u32; 4] {
        ::shared_value::__private::get(&self.0, 2)
    }
    /** Reads element `index` of `limits` without a lock: what is committed, or what this thread has written since.

 # Panics

 If `index` is out of range.*/
    #[track_caller]
    #[inline]
    fn limits_at(&self, index: ::core::primitive::usize) -> u32 {
        ::shared_value::__private::get_at(&self.0, 2, index)
    }
    /** Reads a range of the elements of `limits` into a slice, all of one version and without a lock: what is committed, or what this thread has written since.

 # Panics

 If there are no such elements, or not as many as `to` has.*/
    #[track_caller]
    #[inline]
    fn limits_read(
        &self,
        range: impl ::core::ops::RangeBounds<::core::primitive::usize>,
        to: &mut [u32],
    ) {
        ::shared_value::__private::read_at(&self.0, 2, range, to);
    }
    /// Reads `requests` atomically, without a lock.
    #[inline]
    pub fn requests(&self) -> u64 {
        ::shared_value::__private::atomic_load(&self.0, 0)
    }
}
/// On a handle that can write.
#[allow(deprecated)]
impl<
    A: ::shared_value::__private::Writable,
> AccountAccessors<::shared_value::__private::Synchronized<Account, A>> {
    /** Writes `balance`: locks, commits and unlocks.

 In cents.

 May be negative.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    pub fn set_balance(
        &self,
        value: i64,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::set(&self.0, 0, value)
    }
    /** Changes `balance` in place under the lock, then commits.

 In cents.

 May be negative.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    pub fn update_balance<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut i64) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        ::shared_value::__private::update(&self.0, 0, change)
    }
    /** Writes `type`: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    pub(crate) fn set_type(
        &self,
        value: Mode,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::set::<Mode, _, _>(&self.0, 1, value)
    }
    /** Changes `type` in place under the lock, then commits.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    pub(crate) fn update_type<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut Mode) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::update::<Mode, _, _, _>(&self.0, 1, change)
    }
    /** Writes `limits`: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn set_limits(
        &self,
        value: [u32; 4],
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::set(&self.0, 2, value)
    }
    /** Changes `limits` in place under the lock, then commits.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn update_limits<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut [u32; 4]) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        ::shared_value::__private::update(&self.0, 2, change)
    }
    /** Writes element `index` of `limits`: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.

 # Panics

 If `index` is out of range.*/
    #[track_caller]
    #[inline]
    fn set_limits_at(
        &self,
        index: ::core::primitive::usize,
        value: u32,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::set_at(&self.0, 2, index, value)
    }
    /** Writes elements of `limits` from number `start` on: locks, commits all of them and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.

 # Panics

 If there are not so many elements behind `start`.*/
    #[track_caller]
    #[inline]
    fn limits_write(
        &self,
        start: ::core::primitive::usize,
        values: &[u32],
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::write_at(&self.0, 2, start, values)
    }
    /// Writes `requests` atomically, without a lock.
    #[inline]
    pub fn requests_store(&self, value: u64) {
        ::shared_value::__private::atomic_store(&self.0, 0, value);
    }
    /// Adds to `requests` without a lock, wrapping around; returns the value before.
    #[inline]
    pub fn requests_fetch_add(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_add(&self.0, 0, value)
    }
    /// Subtracts from `requests` without a lock, wrapping around; returns the value before.
    #[inline]
    pub fn requests_fetch_sub(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_sub(&self.0, 0, value)
    }
    /// Raises `requests` to `value` without a lock, unless it is higher; returns the value before.
    #[inline]
    pub fn requests_fetch_max(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_max(&self.0, 0, value)
    }
    /// Lowers `requests` to `value` without a lock, unless it is lower; returns the value before.
    #[inline]
    pub fn requests_fetch_min(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_min(&self.0, 0, value)
    }
    /** Writes `new` into `requests` if it is `current`, without a lock; returns the value before.

 # Errors

 The value found, if it is not `current`; then nothing is written.*/
    #[inline]
    pub fn requests_compare_exchange(
        &self,
        current: u64,
        new: u64,
    ) -> ::core::result::Result<u64, u64> {
        ::shared_value::__private::atomic_compare_exchange(&self.0, 0, current, new)
    }
}
/// On the guard.
#[allow(deprecated)]
impl AccountAccessors<::shared_value::__private::Guard<'_, Account>> {
    /** Writes `balance`; the next commit publishes it.

 In cents.

 May be negative.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn set_balance(&self, value: i64) {
        ::shared_value::__private::guard_set(&self.0, 0, value);
    }
    /** Changes `balance` in place; the next commit publishes it.

 In cents.

 May be negative.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn update_balance<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut i64) -> R,
    ) -> R {
        ::shared_value::__private::guard_update(&self.0, 0, change)
    }
    /** Writes `type`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub(crate) fn set_type(&self, value: Mode) {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::guard_set::<Mode, _>(&self.0, 1, value);
    }
    /** Changes `type` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub(crate) fn update_type<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut Mode) -> R,
    ) -> R {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::guard_update::<Mode, _, _>(&self.0, 1, change)
    }
    /** Writes `limits`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_limits(&self, value: [u32; 4]) {
        ::shared_value::__private::guard_set(&self.0, 2, value);
    }
    /** Changes `limits` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_limits<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut [u32; 4]) -> R,
    ) -> R {
        ::shared_value::__private::guard_update(&self.0, 2, change)
    }
    /** Writes element `index` of `limits`; the next commit publishes it.

 # Panics

 If `index` is out of range, within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_limits_at(&self, index: ::core::primitive::usize, value: u32) {
        ::shared_value::__private::guard_set_at(&self.0, 2, index, value);
    }
    /** Writes elements of `limits` from number `start` on; the next commit publishes them.

 # Panics

 If there are not so many elements behind `start`, within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn limits_write(&self, start: ::core::primitive::usize, values: &[u32]) {
        ::shared_value::__private::guard_write_at(&self.0, 2, start, values);
    }
}
