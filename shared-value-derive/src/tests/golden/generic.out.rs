#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    unsafe impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
    > ::shared_value::__private::SharedValue for Matrix<T, N> {
        const FIELDS: &'static [::shared_value::__private::Field] = &[
            Description::new::<[[T; N]; N]>("0", ::core::mem::offset_of!(Self, 0)),
            Description::pod::<foreign::Vector>("1", ::core::mem::offset_of!(Self, 1)),
        ];
        const LAYOUT: &'static ::shared_value::__private::TypeLayout = &::shared_value::__private::TypeLayout::structure::<
            Self,
        >("Matrix", fields_of::<Self>());
        #[inline(always)]
        fn fields<V: ::shared_value::__private::FieldVisitor>(visitor: &mut V) {
            ::shared_value::__private::FieldVisitor::field::<
                [[T; N]; N],
            >(
                visitor,
                ::shared_value::__private::Field::offset(&fields_of::<Self>()[0]),
            );
            let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
            ::shared_value::__private::FieldVisitor::field::<
                ::shared_value::__private::Pod<foreign::Vector>,
            >(
                visitor,
                ::shared_value::__private::Field::offset(&fields_of::<Self>()[1]),
            );
        }
    }
    type Description = ::shared_value::__private::Field;
    const fn fields_of<Value: ::shared_value::__private::SharedValue>() -> &'static [::shared_value::__private::Field] {
        Value::FIELDS
    }
    fn unchanged<T, const N: usize>(value: &Matrix<T, N>)
    where
        T: Default + ::shared_value::__private::SharedValue,
    {
        let Matrix { 0: field_0, 1: field_1 } = value;
        let _: &[[T; N]; N] = field_0;
        let _: &foreign::Vector = field_1;
    }
};
/// A handle to a shared [`Matrix`]: its fields are read without a lock and
/// written under one. [`lock`](Self::lock) gives the guard, [`MatrixGuard`].
#[allow(deprecated)]
struct SynchronizedMatrix<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize = 4,
    A: ::shared_value::__private::Access = ::shared_value::__private::ReadWrite,
>(
    ::shared_value::__private::Synchronized<Matrix<T, N>, A>,
);
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        A: ::shared_value::__private::Access,
    > ::core::clone::Clone for SynchronizedMatrix<T, N, A> {
        #[inline]
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    #[automatically_derived]
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        A: ::shared_value::__private::Access,
    > ::core::fmt::Debug for SynchronizedMatrix<T, N, A> {
        #[inline]
        fn fmt(
            &self,
            formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::shared_value::__private::debug(&self.0, formatter)
        }
    }
    #[automatically_derived]
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        A: ::shared_value::__private::Access,
    > ::core::ops::Deref for SynchronizedMatrix<T, N, A> {
        type Target = ::shared_value::__private::Synchronized<Matrix<T, N>, A>;
        #[inline]
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }
    #[automatically_derived]
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        A: ::shared_value::__private::Access,
    > ::core::convert::From<::shared_value::__private::Synchronized<Matrix<T, N>, A>>
    for SynchronizedMatrix<T, N, A> {
        #[inline]
        fn from(
            handle: ::shared_value::__private::Synchronized<Matrix<T, N>, A>,
        ) -> Self {
            Self(handle)
        }
    }
};
/// Holds the lock of a shared [`Matrix`]: dropping it commits and unlocks.
#[must_use = "if unused the lock is released at once"]
#[allow(deprecated)]
struct MatrixGuard<
    'guard,
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize = 4,
>(
    ::shared_value::__private::Guard<'guard, Matrix<T, N>>,
);
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<
        'guard,
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
    > ::core::fmt::Debug for MatrixGuard<'guard, T, N> {
        #[inline]
        fn fmt(
            &self,
            formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::shared_value::__private::debug_guard(&self.0, formatter)
        }
    }
    #[automatically_derived]
    impl<
        'guard,
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
    > ::core::ops::Deref for MatrixGuard<'guard, T, N> {
        type Target = ::shared_value::__private::Guard<'guard, Matrix<T, N>>;
        #[inline]
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }
    #[automatically_derived]
    impl<
        'guard,
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
    > ::core::ops::DerefMut for MatrixGuard<'guard, T, N> {
        #[inline]
        fn deref_mut(&mut self) -> &mut Self::Target {
            &mut self.0
        }
    }
};
#[allow(deprecated)]
impl<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
    A: ::shared_value::__private::Access,
> SynchronizedMatrix<T, N, A> {
    /** Reads field 0 without a lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0(&self) -> [[T; N]; N] {
        ::shared_value::__private::get(&self.0, 0)
    }
    /** Reads element `index` of field 0 without a lock.

 # Panics

 If `index` is out of range, or another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0_at(&self, index: ::core::primitive::usize) -> [T; N] {
        ::shared_value::__private::get_at(&self.0, 0, index)
    }
    /// Reads field 1 without a lock.
    #[inline]
    pub fn r#fn(&self) -> foreign::Vector {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::get::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
            _,
        >(&self.0, 1)
            .0
    }
}
#[allow(deprecated)]
impl<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
> SynchronizedMatrix<T, N, ::shared_value::__private::ReadWrite> {
    /** Shares `value` in memory without a name, which child processes can be given.

 # Errors

 If the system refuses.*/
    #[inline]
    fn new(
        value: Matrix<T, N>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::new(value)
            .map(Self)
    }
    /** Shares `value` under `name`.

 # Errors

 If the name is taken or cannot be one, or the system refuses.*/
    #[inline]
    fn create(
        name: &::core::primitive::str,
        value: Matrix<T, N>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::create(name, value)
            .map(Self)
    }
    /** Opens the value that is shared under `name`.

 # Errors

 If there is none, if it has another layout, or the system refuses.*/
    #[inline]
    fn open(
        name: &::core::primitive::str,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::open(name)
            .map(Self)
    }
    /** Opens the value that is shared under `name`; if there is none, shares `value`.

 # Errors

 If the value found has another layout, or the system refuses.*/
    #[inline]
    fn open_or_create(
        name: &::core::primitive::str,
        value: Matrix<T, N>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::open_or_create(name, value)
            .map(Self)
    }
    /** Shares `value` in a new file, which outlives every process.

 # Errors

 If the file exists, or the system refuses.*/
    #[inline]
    fn create_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
        value: Matrix<T, N>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::create_file(path, value)
            .map(Self)
    }
    /** Opens the value in the file at `path`.

 # Errors

 If there is none, if it has another layout, or the system refuses.*/
    #[inline]
    fn open_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::open_file(path)
            .map(Self)
    }
    /** Opens the value in the file at `path`; if there is none, shares `value` there.

 # Errors

 If the value found has another layout, or the system refuses.*/
    #[inline]
    fn open_or_create_file(
        path: impl ::core::convert::AsRef<::std::path::Path>,
        value: Matrix<T, N>,
    ) -> ::core::result::Result<Self, ::shared_value::__private::Error> {
        ::shared_value::__private::Synchronized::<
            Matrix<T, N>,
            ::shared_value::__private::ReadWrite,
        >::open_or_create_file(path, value)
            .map(Self)
    }
    /** Waits for the lock, and holds it until the guard is dropped.

 # Errors

 If the lock cannot be had.*/
    #[inline]
    fn lock(
        &self,
    ) -> ::core::result::Result<
        MatrixGuard<'_, T, N>,
        ::shared_value::__private::Error,
    > {
        self.0.lock().map(MatrixGuard)
    }
    /** Takes the lock, unless another thread holds it.

 # Errors

 If the lock cannot be had at once.*/
    #[inline]
    fn try_lock(
        &self,
    ) -> ::core::result::Result<
        MatrixGuard<'_, T, N>,
        ::shared_value::__private::Error,
    > {
        self.0.try_lock().map(MatrixGuard)
    }
    /** Waits for the lock, but not longer than `timeout`.

 # Errors

 If the lock cannot be had in time.*/
    #[inline]
    fn lock_timeout(
        &self,
        timeout: ::core::time::Duration,
    ) -> ::core::result::Result<
        MatrixGuard<'_, T, N>,
        ::shared_value::__private::Error,
    > {
        self.0.lock_timeout(timeout).map(MatrixGuard)
    }
    /** Writes field 0: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn set_field_0(
        &self,
        value: [[T; N]; N],
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::set(&self.0, 0, value)
    }
    /** Changes field 0 in place under the lock, then commits.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    fn update_field_0<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut [[T; N]; N]) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        ::shared_value::__private::update(&self.0, 0, change)
    }
    /** Writes element `index` of field 0: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.

 # Panics

 If `index` is out of range.*/
    #[track_caller]
    #[inline]
    fn set_field_0_at(
        &self,
        index: ::core::primitive::usize,
        value: [T; N],
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::set_at(&self.0, 0, index, value)
    }
    /** Writes field 1: locks, commits and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    pub fn set_fn(
        &self,
        value: foreign::Vector,
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::set::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
        >(&self.0, 1, ::shared_value::__private::Pod(value))
    }
    /** Changes field 1 in place under the lock, then commits.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.*/
    #[inline]
    pub fn update_fn<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut foreign::Vector) -> R,
    ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::update::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
            _,
        >(
            &self.0,
            1,
            |pod: &mut ::shared_value::__private::Pod<foreign::Vector>| change(
                &mut pod.0,
            ),
        )
    }
}
#[allow(deprecated)]
impl<
    'guard,
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
> MatrixGuard<'guard, T, N> {
    /** Reads field 0, with the changes made under this lock.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0(&self) -> [[T; N]; N] {
        ::shared_value::__private::guard_get(&self.0, 0)
    }
    /** Writes field 0; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_field_0(&mut self, value: [[T; N]; N]) {
        ::shared_value::__private::guard_set(&mut self.0, 0, value);
    }
    /** Changes field 0 in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_field_0<R>(
        &mut self,
        change: impl ::core::ops::FnOnce(&mut [[T; N]; N]) -> R,
    ) -> R {
        ::shared_value::__private::guard_update(&mut self.0, 0, change)
    }
    /** Reads element `index` of field 0, with the changes made under this lock.

 # Panics

 If `index` is out of range, or another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0_at(&self, index: ::core::primitive::usize) -> [T; N] {
        ::shared_value::__private::guard_get_at(&self.0, 0, index)
    }
    /** Writes element `index` of field 0; the next commit publishes it.

 # Panics

 If `index` is out of range, within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_field_0_at(&mut self, index: ::core::primitive::usize, value: [T; N]) {
        ::shared_value::__private::guard_set_at(&mut self.0, 0, index, value);
    }
    /// Reads field 1, with the changes made under this lock.
    #[inline]
    pub fn r#fn(&self) -> foreign::Vector {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::guard_get::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
        >(&self.0, 1)
            .0
    }
    /** Writes field 1; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn set_fn(&mut self, value: foreign::Vector) {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::guard_set::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
        >(&mut self.0, 1, ::shared_value::__private::Pod(value));
    }
    /** Changes field 1 in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn update_fn<R>(
        &mut self,
        change: impl ::core::ops::FnOnce(&mut foreign::Vector) -> R,
    ) -> R {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::guard_update::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
            _,
        >(
            &mut self.0,
            1,
            |pod: &mut ::shared_value::__private::Pod<foreign::Vector>| change(
                &mut pod.0,
            ),
        )
    }
}
