/// A handle to a shared [`Account`]. The functions for its fields are in [`AccountAccessors`].
pub type SynchronizedAccount<A = ::shared_value::__private::ReadWrite> = ::shared_value::__private::Synchronized<
    Account,
    A,
>;
/// Holds the lock of a shared [`Account`]: dropping it commits and unlocks. The functions for its fields are in [`AccountAccessors`].
pub type AccountGuard<'guard> = ::shared_value::__private::Guard<'guard, Account>;
/// The functions for the fields of a shared [`Account`]: call them on its handle,
/// [`SynchronizedAccount`], on its guard, [`AccountGuard`], and on parts that are of this type.
#[repr(transparent)]
pub struct AccountAccessors<H>(H);
const _: () = {
    #[automatically_derived]
    unsafe impl ::shared_value::__private::SharedValue for Account {
        const FIELDS: &'static [::shared_value::__private::Field] = {
            let _ = ::shared_value::__private::Describe::field::<Mode>;
            let describe = <::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE;
            &[
                describe.field::<i64>("balance", ::core::mem::offset_of!(Self, balance)),
                describe.field::<Mode>("type", ::core::mem::offset_of!(Self, r#type)),
                describe
                    .field::<[u32; 4]>("limits", ::core::mem::offset_of!(Self, limits)),
                describe
                    .atomic::<u64>("requests", ::core::mem::offset_of!(Self, requests)),
            ]
        };
        const LAYOUT: &'static ::shared_value::__private::TypeLayout = &<::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE
            .structure::<Self>("Account", fields_of::<Self>());
        #[inline(always)]
        fn fields<V: ::shared_value::__private::FieldVisitor>(visitor: &mut V) {
            <::core::primitive::u8 as ::shared_value::__private::SharedValue>::visit::<
                Self,
                i64,
                V,
            >(visitor, 0);
            let _ = ::shared_value::__private::Describe::field::<Mode>;
            <::core::primitive::u8 as ::shared_value::__private::SharedValue>::visit::<
                Self,
                Mode,
                V,
            >(visitor, 1);
            <::core::primitive::u8 as ::shared_value::__private::SharedValue>::visit::<
                Self,
                [u32; 4],
                V,
            >(visitor, 2);
            <::core::primitive::u8 as ::shared_value::__private::SharedValue>::visit::<
                Self,
                u64,
                V,
            >(visitor, 3);
        }
    }
    const fn fields_of<Value: ::shared_value::__private::SharedValue>() -> &'static [::shared_value::__private::Field] {
        Value::FIELDS
    }
    fn unchanged(
        Account {
            balance: field_0,
            r#type: field_1,
            limits: field_2,
            requests: field_3,
        }: Account,
    ) {
        let _: i64 = field_0;
        let _: Mode = field_1;
        let _: [u32; 4] = field_2;
        let _: u64 = field_3;
    }
    #[automatically_derived]
    unsafe impl ::shared_value::__private::Accessible for Account {
        type Accessors<H> = AccountAccessors<H>;
    }
    /// Parts, each of which has the functions that the whole has.
    impl<H: ::shared_value::__private::Host<Value = Account>> AccountAccessors<H> {
        /** The part `balance`.

 In cents.

 May be negative.*/
        #[inline]
        pub fn in_balance(&self) -> H::Part<'_, i64> {
            H::field(&self.0, 0)
        }
        /// The part `type`.
        #[inline]
        pub(crate) fn in_type(&self) -> H::Part<'_, Mode> {
            H::field(&self.0, 1)
        }
        /// The part `limits`.
        #[inline]
        fn in_limits(&self) -> H::Part<'_, [u32; 4]> {
            H::field(&self.0, 2)
        }
    }
    /// Reading, without the lock: what is committed, or what this thread has written since. It panics if another process wrote bytes that are not a value of the type.
    impl<H: ::shared_value::__private::Reader<Value = Account>> AccountAccessors<H> {
        /** Reads `balance`.

 In cents.

 May be negative.*/
        #[inline]
        pub fn balance(&self) -> i64 {
            H::get_field(&self.0, 0)
        }
        /// Reads `type`.
        #[track_caller]
        #[inline]
        pub(crate) fn r#type(&self) -> Mode {
            let _ = ::shared_value::__private::Describe::field::<Mode>;
            H::get_field::<Mode>(&self.0, 1)
        }
        /// Reads `limits`.
        #[inline]
        fn limits(&self) -> [u32; 4] {
            H::get_field(&self.0, 2)
        }
    }
    /// Writing: a handle locks, commits and unlocks, unless this thread has a guard; what is written with a guard is published by its next commit. The errors are those of `update`.
    impl<H: ::shared_value::__private::Writer<Value = Account>> AccountAccessors<H> {
        /** Writes `balance`.

 In cents.

 May be negative.*/
        #[inline]
        pub fn set_balance(
            &self,
            value: i64,
        ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
            H::set_field(&self.0, 0, value)
        }
        /** Lets the closure change `balance`.

 In cents.

 May be negative.*/
        #[inline]
        pub fn update_balance<R>(
            &self,
            change: impl ::core::ops::FnOnce(&mut i64) -> R,
        ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
            H::update_field(&self.0, 0, change)
        }
        /// Writes `type`.
        #[inline]
        pub(crate) fn set_type(
            &self,
            value: Mode,
        ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
            let _ = ::shared_value::__private::Describe::field::<Mode>;
            H::set_field::<Mode>(&self.0, 1, value)
        }
        /// Lets the closure change `type`.
        #[inline]
        pub(crate) fn update_type<R>(
            &self,
            change: impl ::core::ops::FnOnce(&mut Mode) -> R,
        ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
            let _ = ::shared_value::__private::Describe::field::<Mode>;
            H::update_field::<Mode, _>(&self.0, 1, change)
        }
        /// Writes `limits`.
        #[inline]
        fn set_limits(
            &self,
            value: [u32; 4],
        ) -> ::core::result::Result<(), ::shared_value::__private::Error> {
            H::set_field(&self.0, 2, value)
        }
        /// Lets the closure change `limits`.
        #[inline]
        fn update_limits<R>(
            &self,
            change: impl ::core::ops::FnOnce(&mut [u32; 4]) -> R,
        ) -> ::core::result::Result<R, ::shared_value::__private::Error> {
            H::update_field(&self.0, 2, change)
        }
    }
    /// Atomic fields and counters, which are changed at once, and without the lock.
    impl<H: ::shared_value::__private::Root<Value = Account>> AccountAccessors<H> {
        /// The atomic field `requests`.
        #[inline]
        pub fn requests(&self) -> ::shared_value::__private::Atomic<'_, H, u64> {
            ::shared_value::__private::Atomic::of::<3>(&self.0)
        }
    }
    const _: () = ::shared_value::__private::assert_layout::<Account>("T{<q:balance:}");
    const _: () = ::shared_value::__private::assert_fingerprint::<Account>(255u64);
    const _: () = ::shared_value::__private::assert_size::<Account>(40);
};
