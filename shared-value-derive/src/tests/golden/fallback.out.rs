::core::compile_error! {
    "`String` keeps its text in the memory of one process: use `FixedStr<N>`"
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
> ::core::ops::Deref for SynchronizedBroken<T, A> {
    type Target = BrokenAccessors<T, A>;
    fn deref(&self) -> &Self::Target {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> SynchronizedBroken<T, A> {
    pub fn get(&self) -> Broken<T> {
        loop {}
    }
    pub fn load(
        &self,
    ) -> ::core::result::Result<Broken<T>, ::shared_value::__private::Error> {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Writable,
> SynchronizedBroken<T, A> {
    pub fn set(
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
impl<
    T: ::shared_value::__private::SharedValue,
> SynchronizedBroken<T, ::shared_value::__private::ReadWrite> {
    pub fn new(
        _: impl ::core::marker::Sized,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn create(
        _: impl ::core::marker::Sized,
        _: impl ::core::marker::Sized,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn open(
        _: impl ::core::marker::Sized,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn open_or_create(
        _: impl ::core::marker::Sized,
        _: impl ::core::marker::Sized,
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
}
pub struct BrokenAccessors<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access = ::shared_value::__private::ReadWrite,
>(
    ::core::marker::PhantomData<(A, fn() -> Broken<T>)>,
);
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Access,
> ::core::ops::Deref for BrokenAccessors<T, A>
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
> BrokenAccessors<T, A> {
    /// The part `good`.
    #[inline]
    fn in_good(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        T,
    > {
        loop {}
    }
    /// The part `text`.
    #[inline]
    fn in_text(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        String,
    > {
        loop {}
    }
    /// The part `commit`.
    #[inline]
    fn in_commit(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        u8,
    > {
        loop {}
    }
    /// The part `store`.
    #[inline]
    fn in_store(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        u8,
    > {
        loop {}
    }
    /// Reads `good`.
    #[track_caller]
    #[inline]
    fn good(&self) -> T {
        loop {}
    }
    /// Reads `text`.
    #[track_caller]
    #[inline]
    fn text(&self) -> String {
        loop {}
    }
    /// Reads `store`.
    #[inline]
    fn store(&self) -> u8 {
        loop {}
    }
}
impl<
    T: ::shared_value::__private::SharedValue,
    A: ::shared_value::__private::Writable,
> BrokenAccessors<T, A> {
    /// Writes `good`.
    #[inline]
    fn set_good(
        &self,
        value: T,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `good`.
    #[inline]
    fn update_good<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut T) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /// Writes `text`.
    #[inline]
    fn set_text(
        &self,
        value: String,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `text`.
    #[inline]
    fn update_text<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut String) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /// Writes `commit`.
    #[inline]
    fn set_commit(
        &self,
        value: u8,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `commit`.
    #[inline]
    fn update_commit<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut u8) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /// Writes `store`.
    #[inline]
    fn set_store(
        &self,
        value: u8,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `store`.
    #[inline]
    fn update_store<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut u8) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
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
impl<'guard, T: ::shared_value::__private::SharedValue> BrokenGuard<'guard, T> {
    pub fn get(&self) -> Broken<T> {
        loop {}
    }
    pub fn load(
        &self,
    ) -> ::core::result::Result<Broken<T>, ::shared_value::__private::Error> {
        loop {}
    }
    pub fn set(
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
    pub fn commit(&self) {}
    pub fn rollback(&self) {}
    /// The part `good`.
    #[inline]
    fn in_good(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        T,
    > {
        loop {}
    }
    /// The part `text`.
    #[inline]
    fn in_text(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        String,
    > {
        loop {}
    }
    /// The part `commit`.
    #[inline]
    fn in_commit(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        u8,
    > {
        loop {}
    }
    /// The part `store`.
    #[inline]
    fn in_store(
        &self,
    ) -> ::shared_value::__private::Part<
        '_,
        ::shared_value::__private::Synchronized<::core::primitive::u8>,
        u8,
    > {
        loop {}
    }
    /// Reads `good`.
    #[track_caller]
    #[inline]
    fn good(&self) -> T {
        loop {}
    }
    /// Reads `text`.
    #[track_caller]
    #[inline]
    fn text(&self) -> String {
        loop {}
    }
    /// Reads `store`.
    #[inline]
    fn store(&self) -> u8 {
        loop {}
    }
    /// Writes `good`.
    #[inline]
    fn set_good(
        &self,
        value: T,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `good`.
    #[inline]
    fn update_good<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut T) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /// Writes `text`.
    #[inline]
    fn set_text(
        &self,
        value: String,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `text`.
    #[inline]
    fn update_text<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut String) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /// Writes `commit`.
    #[inline]
    fn set_commit(
        &self,
        value: u8,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `commit`.
    #[inline]
    fn update_commit<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut u8) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
    /// Writes `store`.
    #[inline]
    fn set_store(
        &self,
        value: u8,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        loop {}
    }
    /// Lets the closure change `store`.
    #[inline]
    fn update_store<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut u8) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        loop {}
    }
}
