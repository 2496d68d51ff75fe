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
pub struct SynchronizedBroken<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access = ::shared_value::__private::ReadWrite,
>(
    ::core::marker::PhantomData<(A, fn() -> Broken<T>)>,
);
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> ::core::clone::Clone for SynchronizedBroken<T, A> {
    fn clone(&self) -> Self {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> ::core::fmt::Debug for SynchronizedBroken<T, A> {
    fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> ::core::ops::Deref for SynchronizedBroken<T, A>
where
    for<'never> Broken<T>: ::shared_value::__private::SharedValue,
{
    type Target = ::shared_value::__private::Synchronized<Broken<T>, A>;
    fn deref(&self) -> &Self::Target {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> SynchronizedBroken<T, A> {
    pub fn load(
        &self,
    ) -> ::core::result::Result<Broken<T>, ::shared_value::__private::Error> {
        loop {}
    }
    /** Reads `good` without a lock: what is committed, or what this thread has written since.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn good(&self) -> T {
        loop {}
    }
    /** Reads `text` without a lock: what is committed, or what this thread has written since.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn text(&self) -> String {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Writable,
> SynchronizedBroken<T, A> {
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
impl<
    T: ::shared_value::__private::SharedValue,
> SynchronizedBroken<T, ::shared_value::__private::ReadWrite> {
    pub fn open(
        _: &::core::primitive::str,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn open_file(
        _: impl ::core::convert::AsRef<::std::path::Path>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn lock(
        &self,
    ) -> ::core::result::Result<BrokenGuard<'_, T>, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn try_lock(
        &self,
    ) -> ::core::result::Result<BrokenGuard<'_, T>, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn lock_timeout(
        &self,
        _: ::core::time::Duration,
    ) -> ::core::result::Result<BrokenGuard<'_, T>, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn new(
        _: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn create(
        _: &::core::primitive::str,
        _: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn open_or_create(
        _: &::core::primitive::str,
        _: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn create_file(
        _: impl ::core::convert::AsRef<::std::path::Path>,
        _: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn open_or_create_file(
        _: impl ::core::convert::AsRef<::std::path::Path>,
        _: Broken<T>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
}
pub struct BrokenGuard<'guard, T: ::shared_value::__private::SharedValue>(
    ::core::marker::PhantomData<(&'guard (), fn() -> Broken<T>)>,
);
impl<'guard, T: ::shared_value::__private::SharedValue> ::core::fmt::Debug
for BrokenGuard<'guard, T> {
    fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        loop {}
    }
}
impl<'guard, T: ::shared_value::__private::SharedValue> ::core::ops::Deref
for BrokenGuard<'guard, T>
where
    for<'never> Broken<T>: ::shared_value::__private::SharedValue,
{
    type Target = ::shared_value::__private::Guard<'guard, Broken<T>>;
    fn deref(&self) -> &Self::Target {
        loop {}
    }
}
impl<'guard, T: ::shared_value::__private::SharedValue> ::core::ops::DerefMut
for BrokenGuard<'guard, T>
where
    for<'never> Broken<T>: ::shared_value::__private::SharedValue,
{
    fn deref_mut(&mut self) -> &mut Self::Target {
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
    /** Reads `good` without a lock: what is committed, or what this thread has written since.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn good(&self) -> T {
        loop {}
    }
    /** Reads `text` without a lock: what is committed, or what this thread has written since.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn text(&self) -> String {
        loop {}
    }
    /** Writes `good`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_good(&self, value: T) {
        loop {}
    }
    /** Changes `good` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_good<R>(&self, change: impl ::core::ops::FnOnce(&mut T) -> R) -> R {
        loop {}
    }
    /** Writes `text`; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_text(&self, value: String) {
        loop {}
    }
    /** Changes `text` in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_text<R>(&self, change: impl ::core::ops::FnOnce(&mut String) -> R) -> R {
        loop {}
    }
}
