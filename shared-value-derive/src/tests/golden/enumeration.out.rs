/// A handle to a shared [`Mode`].
type SynchronizedMode<A = ::shared_value::__private::ReadWrite> = ::shared_value::__private::Synchronized<
    Mode,
    A,
>;
/// Holds the lock of a shared [`Mode`]: dropping it commits and unlocks.
type ModeGuard<'guard> = ::shared_value::__private::Guard<'guard, Mode>;
const _: () = {
    #[automatically_derived]
    unsafe impl ::shared_value::__private::SharedValue for Mode {
        const LAYOUT: &'static ::shared_value::__private::TypeLayout = &<::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE
            .enumeration::<
                Self,
                ::core::primitive::i8,
            >(
                "Mode",
                const {
                    &[
                        <::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE
                            .variant(
                                "Idle",
                                Self::Idle as ::core::primitive::i8
                                    as ::core::primitive::i128,
                            ),
                        <::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE
                            .variant(
                                "Busy",
                                Self::Busy as ::core::primitive::i8
                                    as ::core::primitive::i128,
                            ),
                        <::core::primitive::u8 as ::shared_value::__private::SharedValue>::DESCRIBE
                            .variant(
                                "Late",
                                Self::r#Late as ::core::primitive::i8
                                    as ::core::primitive::i128,
                            ),
                    ]
                },
            );
        #[inline(always)]
        fn valid_bits(bits: ::core::primitive::u64) -> ::core::primitive::bool {
            bits
                == Self::Idle as ::core::primitive::i8 as ::core::primitive::u8
                    as ::core::primitive::u64
                || bits
                    == Self::Busy as ::core::primitive::i8 as ::core::primitive::u8
                        as ::core::primitive::u64
                || bits
                    == Self::r#Late as ::core::primitive::i8 as ::core::primitive::u8
                        as ::core::primitive::u64
        }
    }
};
