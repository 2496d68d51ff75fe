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
            ::shared_value::__private::visit::<Self, [[T; N]; N], V>(visitor, 0);
            let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
            ::shared_value::__private::visit::<
                Self,
                ::shared_value::__private::Pod<foreign::Vector>,
                V,
            >(visitor, 1);
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
/// A handle to a shared [`Matrix`]. The functions for its fields are in [`MatrixAccessors`].
#[allow(deprecated)]
type SynchronizedMatrix<
    T,
    const N: usize = 4,
    A = ::shared_value::__private::ReadWrite,
> = ::shared_value::__private::Synchronized<Matrix<T, N>, A>;
/// Holds the lock of a shared [`Matrix`]: dropping it commits and unlocks. The functions for its fields are in [`MatrixAccessors`].
#[allow(deprecated)]
type MatrixGuard<'guard, T, const N: usize = 4> = ::shared_value::__private::Guard<
    'guard,
    Matrix<T, N>,
>;
/// The functions for the fields of a shared [`Matrix`]: call them on its handle,
/// [`SynchronizedMatrix`], and on its guard, [`MatrixGuard`], which dereference to this type.
#[repr(transparent)]
struct MatrixAccessors<H>(H);
#[allow(deprecated)]
#[automatically_derived]
unsafe impl<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
> ::shared_value::__private::Accessible for Matrix<T, N> {
    type Accessors<H> = MatrixAccessors<H>;
}
/// On the handle and on the guard.
#[allow(deprecated)]
impl<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
    H: ::shared_value::__private::Reader<Value = Matrix<T, N>>,
> MatrixAccessors<H> {
    /** Reads field 0 without a lock: what is committed, or what this thread has written since.

 # Panics

 If another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0(&self) -> [[T; N]; N] {
        ::shared_value::__private::get(&self.0, 0)
    }
    /** Reads element `index` of field 0 without a lock: what is committed, or what this thread has written since.

 # Panics

 If `index` is out of range, or another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0_at(&self, index: ::core::primitive::usize) -> [T; N] {
        ::shared_value::__private::get_at(&self.0, 0, index)
    }
    /** Reads a range of the elements of field 0 into a slice, all of one version and without a lock: what is committed, or what this thread has written since.

 # Panics

 If there are no such elements, or not as many as `to` has, or another process wrote bits that are no value of this type.*/
    #[track_caller]
    #[inline]
    fn field_0_read(
        &self,
        range: impl ::core::ops::RangeBounds<::core::primitive::usize>,
        to: &mut [[T; N]],
    ) {
        ::shared_value::__private::read_at(&self.0, 0, range, to);
    }
    /// Reads field 1 without a lock: what is committed, or what this thread has written since.
    #[inline]
    pub fn r#fn(&self) -> foreign::Vector {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::get::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
        >(&self.0, 1)
            .0
    }
}
/// On a handle that can write.
#[allow(deprecated)]
impl<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
    A: ::shared_value::__private::Writable,
> MatrixAccessors<::shared_value::__private::Synchronized<Matrix<T, N>, A>> {
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
    /** Writes elements of field 0 from number `start` on: locks, commits all of them and unlocks.

 # Errors

 If the lock cannot be had, or within an `update` of the value by this thread.

 # Panics

 If there are not so many elements behind `start`.*/
    #[track_caller]
    #[inline]
    fn field_0_write(
        &self,
        start: ::core::primitive::usize,
        values: &[[T; N]],
    ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
        ::shared_value::__private::write_at(&self.0, 0, start, values)
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
/// On the guard.
#[allow(deprecated)]
impl<
    T: Default + ::shared_value::__private::SharedValue,
    const N: usize,
> MatrixAccessors<::shared_value::__private::Guard<'_, Matrix<T, N>>> {
    /** Writes field 0; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_field_0(&self, value: [[T; N]; N]) {
        ::shared_value::__private::guard_set(&self.0, 0, value);
    }
    /** Changes field 0 in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn update_field_0<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut [[T; N]; N]) -> R,
    ) -> R {
        ::shared_value::__private::guard_update(&self.0, 0, change)
    }
    /** Writes element `index` of field 0; the next commit publishes it.

 # Panics

 If `index` is out of range, within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn set_field_0_at(&self, index: ::core::primitive::usize, value: [T; N]) {
        ::shared_value::__private::guard_set_at(&self.0, 0, index, value);
    }
    /** Writes elements of field 0 from number `start` on; the next commit publishes them.

 # Panics

 If there are not so many elements behind `start`, within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    fn field_0_write(&self, start: ::core::primitive::usize, values: &[[T; N]]) {
        ::shared_value::__private::guard_write_at(&self.0, 0, start, values);
    }
    /** Writes field 1; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn set_fn(&self, value: foreign::Vector) {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::guard_set::<
            ::shared_value::__private::Pod<foreign::Vector>,
            _,
        >(&self.0, 1, ::shared_value::__private::Pod(value));
    }
    /** Changes field 1 in place; the next commit publishes it.

 # Panics

 Within an `update` of the value by this thread, and in a child process that was forked after the lock was taken.*/
    #[track_caller]
    #[inline]
    pub fn update_fn<R>(
        &self,
        change: impl ::core::ops::FnOnce(&mut foreign::Vector) -> R,
    ) -> R {
        let _ = ::shared_value::__private::Field::pod::<foreign::Vector>;
        ::shared_value::__private::guard_update::<
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
