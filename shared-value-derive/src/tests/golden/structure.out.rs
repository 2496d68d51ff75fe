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
            ::shared_value::__private::FieldVisitor::field::<
                i64,
            >(
                visitor,
                ::shared_value::__private::Field::offset(&fields_of::<Self>()[0]),
            );
            let _ = ::shared_value::__private::Field::new::<Mode>;
            ::shared_value::__private::FieldVisitor::field::<
                Mode,
            >(
                visitor,
                ::shared_value::__private::Field::offset(&fields_of::<Self>()[1]),
            );
            ::shared_value::__private::FieldVisitor::field::<
                [u32; 4],
            >(
                visitor,
                ::shared_value::__private::Field::offset(&fields_of::<Self>()[2]),
            );
            ::shared_value::__private::FieldVisitor::field::<
                u64,
            >(
                visitor,
                ::shared_value::__private::Field::offset(&fields_of::<Self>()[3]),
            );
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
/// A handle to a shared [`Account`]: its fields are read without a lock and
/// written under one. [`lock`](Self::lock) gives the guard, [`AccountGuard`].
#[allow(deprecated)]
pub struct SynchronizedAccount<
    A: ::shared_value::__private::Access = ::shared_value::__private::ReadWrite,
>(
    ::shared_value::__private::Synchronized<Account, A>,
);
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<A: ::shared_value::__private::Access> ::core::clone::Clone
    for SynchronizedAccount<A> {
        #[inline]
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    #[automatically_derived]
    impl<A: ::shared_value::__private::Access> ::core::fmt::Debug
    for SynchronizedAccount<A> {
        #[inline]
        fn fmt(
            &self,
            formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::shared_value::__private::debug(&self.0, formatter)
        }
    }
    #[automatically_derived]
    impl<A: ::shared_value::__private::Access> ::core::ops::Deref
    for SynchronizedAccount<A> {
        type Target = ::shared_value::__private::Synchronized<Account, A>;
        #[inline]
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }
    #[automatically_derived]
    impl<
        A: ::shared_value::__private::Access,
    > ::core::convert::From<::shared_value::__private::Synchronized<Account, A>>
    for SynchronizedAccount<A> {
        #[inline]
        fn from(handle: ::shared_value::__private::Synchronized<Account, A>) -> Self {
            Self(handle)
        }
    }
};
/// Holds the lock of a shared [`Account`]: dropping it commits and unlocks.
#[must_use = "if unused the lock is released at once"]
#[allow(deprecated)]
pub struct AccountGuard<'guard>(::shared_value::__private::Guard<'guard, Account>);
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<'guard> ::core::fmt::Debug for AccountGuard<'guard> {
        #[inline]
        fn fmt(
            &self,
            formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::shared_value::__private::debug_guard(&self.0, formatter)
        }
    }
    #[automatically_derived]
    impl<'guard> ::core::ops::Deref for AccountGuard<'guard> {
        type Target = ::shared_value::__private::Guard<'guard, Account>;
        #[inline]
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }
    #[automatically_derived]
    impl<'guard> ::core::ops::DerefMut for AccountGuard<'guard> {
        #[inline]
        fn deref_mut(&mut self) -> &mut Self::Target {
            &mut self.0
        }
    }
};
#[allow(deprecated)]
impl<A: ::shared_value::__private::Access> SynchronizedAccount<A> {
    /** Reads `balance` without a lock.

 In cents.

 May be negative.*/
    #[inline]
    pub fn balance(&self) -> i64 {
        ::shared_value::__private::get(&self.0, 0)
    }
    /** Reads `type` without a lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    pub(crate) fn r#type(&self) -> Mode {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::get::<Mode, _, _>(&self.0, 1)
    }
    /// Reads `limits` without a lock.
    #[inline]
    fn limits(&self) -> [u32; 4] {
        ::shared_value::__private::get(&self.0, 2)
    }
    /** Reads element `index` of `limits` without a lock.

 # Panics

 If `index` is out of range.*/
    #[track_caller]
    #[inline]
    fn limits_at(&self, index: ::core::primitive::usize) -> u32 {
        ::shared_value::__private::get_at(&self.0, 2, index)
    }
    /// Reads `requests` atomically, without a lock.
    #[inline]
    pub fn requests(&self) -> u64 {
        ::shared_value::__private::atomic_load::<u64, 0, _, _>(&self.0)
    }
}
#[allow(deprecated)]
impl SynchronizedAccount<::shared_value::__private::ReadWrite> {
    /** Shares `value` in memory without a name, which child processes can be given.

 # Errors

 If the system refuses.*/
    #[inline]
    pub fn new(
        value: Account,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::new(value)
            .map(Self)
    }
    /** Shares `value` under `name`.

 # Errors

 If the name is taken or cannot be one, or the system refuses.*/
    #[inline]
    pub fn create(
        name: &::core::primitive::str,
        value: Account,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::create(name, value)
            .map(Self)
    }
    /** Opens the value that is shared under `name`.

 # Errors

 If there is none, if it has another layout, or the system refuses.*/
    #[inline]
    pub fn open(
        name: &::core::primitive::str,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::open(name)
            .map(Self)
    }
    /** Opens the value that is shared under `name`; if there is none, shares `value`.

 # Errors

 If the value found has another layout, or the system refuses.*/
    #[inline]
    pub fn open_or_create(
        name: &::core::primitive::str,
        value: Account,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::open_or_create(name, value)
            .map(Self)
    }
    /** Shares `value` in a new file, which outlives every process.

 # Errors

 If the file exists, or the system refuses.*/
    #[inline]
    pub fn create_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
        value: Account,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::create_file(path, value)
            .map(Self)
    }
    /** Opens the value in the file at `path`.

 # Errors

 If there is none, if it has another layout, or the system refuses.*/
    #[inline]
    pub fn open_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::open_file(path)
            .map(Self)
    }
    /** Opens the value in the file at `path`; if there is none, shares `value` there.

 # Errors

 If the value found has another layout, or the system refuses.*/
    #[inline]
    pub fn open_or_create_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
        value: Account,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Account,
            ::shared_value::__private::ReadWrite,
        >::open_or_create_file(path, value)
            .map(Self)
    }
    /** Waits for the lock, and holds it until the guard is dropped.

 # Errors

 If the lock cannot be had.*/
    #[inline]
    pub fn lock(
        &self,
    ) -> ::core::result::Result<AccountGuard<'_>, ::shared_value::__private::Error> {
        self.0.lock().map(AccountGuard)
    }
    /** Takes the lock, unless another thread holds it.

 # Errors

 If the lock cannot be had at once.*/
    #[inline]
    pub fn try_lock(
        &self,
    ) -> ::core::result::Result<AccountGuard<'_>, ::shared_value::__private::Error> {
        self.0.try_lock().map(AccountGuard)
    }
    /** Waits for the lock, but not longer than `timeout`.

 # Errors

 If the lock cannot be had in time.*/
    #[inline]
    pub fn lock_timeout(
        &self,
        timeout: ::core::time::Duration,
    ) -> ::core::result::Result<AccountGuard<'_>, ::shared_value::__private::Error> {
        self.0.lock_timeout(timeout).map(AccountGuard)
    }
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
        ::shared_value::__private::set::<Mode, _>(&self.0, 1, value)
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
        ::shared_value::__private::update::<Mode, _, _>(&self.0, 1, change)
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
    /// Writes `requests` atomically, without a lock.
    #[inline]
    pub fn requests_store(&self, value: u64) {
        ::shared_value::__private::atomic_store::<u64, 0, _>(&self.0, value);
    }
    /// Adds to `requests` without a lock, wrapping around; returns the value before.
    #[inline]
    pub fn requests_fetch_add(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_add::<u64, 0, _>(&self.0, value)
    }
    /// Subtracts from `requests` without a lock, wrapping around; returns the value before.
    #[inline]
    pub fn requests_fetch_sub(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_sub::<u64, 0, _>(&self.0, value)
    }
    /// Raises `requests` to `value` without a lock, unless it is higher; returns the value before.
    #[inline]
    pub fn requests_fetch_max(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_max::<u64, 0, _>(&self.0, value)
    }
    /// Lowers `requests` to `value` without a lock, unless it is lower; returns the value before.
    #[inline]
    pub fn requests_fetch_min(&self, value: u64) -> u64 {
        ::shared_value::__private::atomic_fetch_min::<u64, 0, _>(&self.0, value)
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
        ::shared_value::__private::atomic_compare_exchange::<
            u64,
            0,
            _,
        >(&self.0, current, new)
    }
}
#[allow(deprecated)]
impl<'guard> AccountGuard<'guard> {
    /** Reads `balance`, with the changes made under this lock.

 In cents.

 May be negative.*/
    #[inline]
    pub fn balance(&self) -> i64 {
        ::shared_value::__private::guard_get(&self.0, 0)
    }
    /** Writes `balance`; the next commit publishes it.

 In cents.

 May be negative.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn set_balance(&mut self, value: i64) {
        ::shared_value::__private::guard_set(&mut self.0, 0, value);
    }
    /** Changes `balance` in place; the next commit publishes it.

 In cents.

 May be negative.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn update_balance<R>(
        &mut self,
        change: impl ::core::ops::FnOnce(&mut i64) -> R,
    ) -> R {
        ::shared_value::__private::guard_update(&mut self.0, 0, change)
    }
    /** Reads `type`, with the changes made under this lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    pub(crate) fn r#type(&self) -> Mode {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::guard_get::<Mode, _>(&self.0, 1)
    }
    /** Writes `type`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub(crate) fn set_type(&mut self, value: Mode) {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::guard_set::<Mode, _>(&mut self.0, 1, value);
    }
    /** Changes `type` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub(crate) fn update_type<R>(
        &mut self,
        change: impl ::core::ops::FnOnce(&mut Mode) -> R,
    ) -> R {
        let _ = ::shared_value::__private::Field::new::<Mode>;
        ::shared_value::__private::guard_update::<Mode, _, _>(&mut self.0, 1, change)
    }
    /// Reads `limits`, with the changes made under this lock.
    #[inline]
    fn limits(&self) -> [u32; 4] {
        ::shared_value::__private::guard_get(&self.0, 2)
    }
    /** Writes `limits`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_limits(&mut self, value: [u32; 4]) {
        ::shared_value::__private::guard_set(&mut self.0, 2, value);
    }
    /** Changes `limits` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_limits<R>(
        &mut self,
        change: impl ::core::ops::FnOnce(&mut [u32; 4]) -> R,
    ) -> R {
        ::shared_value::__private::guard_update(&mut self.0, 2, change)
    }
    /** Reads element `index` of `limits`, with the changes made under this lock.

 # Panics

 If `index` is out of range.*/
    #[track_caller]
    #[inline]
    fn limits_at(&self, index: ::core::primitive::usize) -> u32 {
        ::shared_value::__private::guard_get_at(&self.0, 2, index)
    }
    /** Writes element `index` of `limits`; the next commit publishes it.

 # Panics

 If `index` is out of range, within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_limits_at(&mut self, index: ::core::primitive::usize, value: u32) {
        ::shared_value::__private::guard_set_at(&mut self.0, 2, index, value);
    }
    /// Reads `requests` atomically, without a lock.
    #[inline]
    pub fn requests(&self) -> u64 {
        ::shared_value::__private::guard_atomic_load::<u64, 0, _>(&self.0)
    }
}
