/// A handle to a shared [`Matrix`]. The functions for its fields are in [`MatrixAccessors`].
type SynchronizedMatrix<
    T,
    const N: usize = 4,
    A = ::shared_value::__private::ReadWrite,
> = ::shared_value::__private::Synchronized<Matrix<T, N>, A>;
/// Holds the lock of a shared [`Matrix`]: dropping it commits and unlocks. The functions for its fields are in [`MatrixAccessors`].
type MatrixGuard<'guard, T, const N: usize = 4> = ::shared_value::__private::Guard<
    'guard,
    Matrix<T, N>,
>;
/// The functions for the fields of a shared [`Matrix`]: call them on its handle,
/// [`SynchronizedMatrix`], on its guard, [`MatrixGuard`], and on parts that are of this type.
#[repr(transparent)]
struct MatrixAccessors<H>(H);
const _: () = {
    #[automatically_derived]
    unsafe impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
    > ::shared_value::__private::SharedValue for Matrix<T, N> {
        const FIELDS: &'static [::shared_value::__private::Field] = {
            let _ = ::shared_value::__private::Describe::pod::<foreign::Vector>;
            let describe = <::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE;
            &[
                describe.field::<[[T; N]; N]>("0", ::core::mem::offset_of!(Self, 0)),
                describe.pod::<foreign::Vector>("1", ::core::mem::offset_of!(Self, 1)),
            ]
        };
        const LAYOUT: &'static ::shared_value::__private::TypeLayout = &<::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE
            .structure::<Self>("Matrix", fields_of::<Self>());
        #[inline(always)]
        fn fields<V: ::shared_value::__private::FieldVisitor>(visitor: &mut V) {
            <::core::primitive::u8 as ::shared_value::__private::SharedValue>::visit::<
                Self,
                [[T; N]; N],
                V,
            >(visitor, 0);
            let _ = ::shared_value::__private::Describe::pod::<foreign::Vector>;
            <::core::primitive::u8 as ::shared_value::__private::SharedValue>::visit_pod::<
                Self,
                foreign::Vector,
                V,
            >(visitor, 1);
        }
    }
    const fn fields_of<Value: ::shared_value::__private::SharedValue>() -> &'static [::shared_value::__private::Field] {
        Value::FIELDS
    }
    fn unchanged<T, const N: usize>(Matrix { 0: field_0, 1: field_1 }: Matrix<T, N>)
    where
        T: Default + ::shared_value::__private::SharedValue,
    {
        let _: [[T; N]; N] = field_0;
        let _: foreign::Vector = field_1;
    }
    #[automatically_derived]
    unsafe impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
    > ::shared_value::__private::Accessible for Matrix<T, N> {
        type Accessors<H> = MatrixAccessors<H>;
    }
    /// Parts, each of which has the functions that the whole has.
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        H: ::shared_value::__private::Host<Value = Matrix<T, N>>,
    > MatrixAccessors<H> {
        /// The part field 0.
        #[inline]
        fn in_field_0(&self) -> H::Part<'_, [[T; N]; N]> {
            H::field(&self.0, 0)
        }
        /// The part field 1.
        #[inline]
        pub fn in_field_1(
            &self,
        ) -> H::Part<'_, ::shared_value::__private::Pod<foreign::Vector>> {
            H::field(&self.0, 1)
        }
    }
    /// Reading, without the lock: what is committed, or what this thread has written since. It panics if another process wrote bytes that are not a value of the type.
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        H: ::shared_value::__private::Reader<Value = Matrix<T, N>>,
    > MatrixAccessors<H> {
        /// Reads field 0.
        #[track_caller]
        #[inline]
        fn field_0(&self) -> [[T; N]; N] {
            H::get_field(&self.0, 0)
        }
        /// Reads field 1.
        #[inline]
        pub fn field_1(&self) -> foreign::Vector {
            let _ = ::shared_value::__private::Describe::pod::<foreign::Vector>;
            H::get_field::<::shared_value::__private::Pod<foreign::Vector>>(&self.0, 1).0
        }
    }
    /// Writing: a handle locks, commits and unlocks, unless this thread has a guard; what is written with a guard is published by its next commit. The errors are those of `update`.
    impl<
        T: Default + ::shared_value::__private::SharedValue,
        const N: usize,
        H: ::shared_value::__private::Writer<Value = Matrix<T, N>>,
    > MatrixAccessors<H> {
        /// Writes field 0.
        #[inline]
        fn set_field_0(
            &self,
            value: [[T; N]; N],
        ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
            H::set_field(&self.0, 0, value)
        }
        /// Lets the closure change field 0.
        #[inline]
        fn update_field_0<R>(
            &self,
            change: impl ::core::ops::FnOnce(&mut [[T; N]; N]) -> R,
        ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
            H::update_field(&self.0, 0, change)
        }
        /// Writes field 1.
        #[inline]
        pub fn set_field_1(
            &self,
            value: foreign::Vector,
        ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
            let _ = ::shared_value::__private::Describe::pod::<foreign::Vector>;
            H::set_field::<
                ::shared_value::__private::Pod<foreign::Vector>,
            >(&self.0, 1, ::shared_value::__private::Pod(value))
        }
        /// Lets the closure change field 1.
        #[inline]
        pub fn update_field_1<R>(
            &self,
            change: impl ::core::ops::FnOnce(&mut foreign::Vector) -> R,
        ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
            let _ = ::shared_value::__private::Describe::pod::<foreign::Vector>;
            H::update_field::<
                ::shared_value::__private::Pod<foreign::Vector>,
                _,
            >(
                &self.0,
                1,
                |pod_: &mut ::shared_value::__private::Pod<foreign::Vector>| change(
                    &mut pod_.0,
                ),
            )
        }
    }
};
