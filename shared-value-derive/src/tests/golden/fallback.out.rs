::core::compile_error! {
    "`String` keeps its text in the memory of one process: use `FixedStr<N>`"
}
::core::compile_error! {
    "the guard has a method `commit` already: give the accessors another name with `#[shared(rename = \"..\")]`"
}
::core::compile_error! {
    "the handle has a method `store` already: give the accessors another name with `#[shared(rename = \"..\")]`"
}
#[automatically_derived]
unsafe impl<
    T: ::shared_value::__private::SharedValue,
> ::shared_value::__private::SharedValue for Broken<T>
where
    for<'never> Broken<T>: ::core::marker::Copy,
{
    const LAYOUT: &'static ::shared_value::__private::TypeLayout = <::core::primitive::u8 as ::shared_value::__private::SharedValue>::LAYOUT;
}
/// A handle to a shared [`Broken`]: its fields are read without a lock and
/// written under one. [`lock`](Self::lock) gives the guard, [`BrokenGuard`].
#[allow(deprecated)]
pub struct SynchronizedBroken<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access = ::shared_value::__private::ReadWrite,
>(
    ::core::marker::PhantomData<(A, fn() -> Broken<T>)>,
);
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<
        T: ::shared_value::__private::SharedValue,
        A: ::shared_value::__private::Access,
    > ::core::clone::Clone for SynchronizedBroken<T, A> {
        #[inline]
        fn clone(&self) -> Self {
            loop {}
        }
    }
    #[automatically_derived]
    impl<
        T: ::shared_value::__private::SharedValue,
        A: ::shared_value::__private::Access,
    > ::core::fmt::Debug for SynchronizedBroken<T, A> {
        #[inline]
        fn fmt(
            &self,
            formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            loop {}
        }
    }
    #[automatically_derived]
    impl<
        T: ::shared_value::__private::SharedValue,
        A: ::shared_value::__private::Access,
    > ::core::ops::Deref for SynchronizedBroken<T, A>
    where
        for<'never> Broken<T>: ::shared_value::__private::SharedValue,
    {
        type Target = ::shared_value::__private::Synchronized<Broken<T>, A>;
        #[inline]
        fn deref(&self) -> &Self::Target {
            loop {}
        }
    }
    #[automatically_derived]
    impl<
        T: ::shared_value::__private::SharedValue,
        A: ::shared_value::__private::Access,
    > ::core::convert::From<::shared_value::__private::Synchronized<Broken<T>, A>>
    for SynchronizedBroken<T, A>
    where
        for<'never> Broken<T>: ::shared_value::__private::SharedValue,
    {
        #[inline]
        fn from(handle: ::shared_value::__private::Synchronized<Broken<T>, A>) -> Self {
            loop {}
        }
    }
};
/// Holds the lock of a shared [`Broken`]: dropping it commits and unlocks.
#[must_use = "if unused the lock is released at once"]
#[allow(deprecated)]
pub struct BrokenGuard<'guard, T: ::shared_value::__private::SharedValue>(
    ::core::marker::PhantomData<(&'guard (), fn() -> Broken<T>)>,
);
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<'guard, T: ::shared_value::__private::SharedValue> ::core::fmt::Debug
    for BrokenGuard<'guard, T> {
        #[inline]
        fn fmt(
            &self,
            formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            loop {}
        }
    }
    #[automatically_derived]
    impl<'guard, T: ::shared_value::__private::SharedValue> ::core::ops::Deref
    for BrokenGuard<'guard, T>
    where
        for<'never> Broken<T>: ::shared_value::__private::SharedValue,
    {
        type Target = ::shared_value::__private::Guard<'guard, Broken<T>>;
        #[inline]
        fn deref(&self) -> &Self::Target {
            loop {}
        }
    }
    #[automatically_derived]
    impl<'guard, T: ::shared_value::__private::SharedValue> ::core::ops::DerefMut
    for BrokenGuard<'guard, T>
    where
        for<'never> Broken<T>: ::shared_value::__private::SharedValue,
    {
        #[inline]
        fn deref_mut(&mut self) -> &mut Self::Target {
            loop {}
        }
    }
};
#[allow(deprecated)]
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> SynchronizedBroken<T, A> {
    /** Reads `good` without a lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn good(&self) -> T {
        loop {}
    }
    /** Reads `text` without a lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn text(&self) -> String {
        loop {}
    }
}
#[allow(deprecated)]
impl<
    T: ::shared_value::__private::SharedValue,
> SynchronizedBroken<T, ::shared_value::__private::ReadWrite> {
    /** Shares `value` in memory without a name, which child processes can be given.

 # Errors

 If the system refuses.*/
    #[inline]
    pub fn new(
        value: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Shares `value` under `name`.

 # Errors

 If the name is taken or cannot be one, or the system refuses.*/
    #[inline]
    pub fn create(
        name: &::core::primitive::str,
        value: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Opens the value that is shared under `name`.

 # Errors

 If there is none, if it has another layout, or the system refuses.*/
    #[inline]
    pub fn open(
        name: &::core::primitive::str,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Opens the value that is shared under `name`; if there is none, shares `value`.

 # Errors

 If the value found has another layout, or the system refuses.*/
    #[inline]
    pub fn open_or_create(
        name: &::core::primitive::str,
        value: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Shares `value` in a new file, which outlives every process.

 # Errors

 If the file exists, or the system refuses.*/
    #[inline]
    pub fn create_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
        value: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Opens the value in the file at `path`.

 # Errors

 If there is none, if it has another layout, or the system refuses.*/
    #[inline]
    pub fn open_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Opens the value in the file at `path`; if there is none, shares `value` there.

 # Errors

 If the value found has another layout, or the system refuses.*/
    #[inline]
    pub fn open_or_create_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
        value: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    /** Waits for the lock, and holds it until the guard is dropped.

 # Errors

 If the lock cannot be had.*/
    #[inline]
    pub fn lock(
        &self,
    ) -> ::core::result::Result<BrokenGuard<'_, T>, ::shared_value::__private::Error> {
        loop {}
    }
    /** Takes the lock, unless another thread holds it.

 # Errors

 If the lock cannot be had at once.*/
    #[inline]
    pub fn try_lock(
        &self,
    ) -> ::core::result::Result<BrokenGuard<'_, T>, ::shared_value::__private::Error> {
        loop {}
    }
    /** Waits for the lock, but not longer than `timeout`.

 # Errors

 If the lock cannot be had in time.*/
    #[inline]
    pub fn lock_timeout(
        &self,
        timeout: ::core::time::Duration,
    ) -> ::core::result::Result<BrokenGuard<'_, T>, ::shared_value::__private::Error> {
        loop {}
    }
    /** Writes `good`: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn set_good(
        &self,
        value: T,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /** Changes `good` in place under the lock, then commits.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn update_good<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut T) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /** Writes `text`: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn set_text(
        &self,
        value: String,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /** Changes `text` in place under the lock, then commits.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn update_text<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut String) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
}
#[allow(deprecated)]
impl<'guard, T: ::shared_value::__private::SharedValue> BrokenGuard<'guard, T> {
    /** Reads `good`, with the changes made under this lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn good(&self) -> T {
        loop {}
    }
    /** Writes `good`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_good(&mut self, value: T) {
        loop {}
    }
    /** Changes `good` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_good<R>(&mut self, change: impl ::core::ops::FnOnce(&mut T) -> R) -> R {
        loop {}
    }
    /** Reads `text`, with the changes made under this lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn text(&self) -> String {
        loop {}
    }
    /** Writes `text`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_text(&mut self, value: String) {
        loop {}
    }
    /** Changes `text` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_text<R>(
        &mut self,
        change: impl ::core::ops::FnOnce(&mut String) -> R,
    ) -> R {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
> SynchronizedBroken<T, ::shared_value::__private::ReadWrite> {
    pub fn load(
        &self,
    ) -> ::core::result::Result<Broken<T>, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn store(
        &self,
        _: Broken<T>,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    pub fn update<R>(
        &self,
        _: impl ::core::ops::FnOnce(&mut Broken<T>) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
}
impl<'guard, T: ::shared_value::__private::SharedValue> BrokenGuard<'guard, T> {
    pub fn load(
        &self,
    ) -> ::core::result::Result<Broken<T>, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn store(&mut self, _: Broken<T>) {}
    pub fn update<R>(
        &mut self,
        _: impl ::core::ops::FnOnce(&mut Broken<T>) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn commit(&mut self) {}
    pub fn rollback(&mut self) {}
}
