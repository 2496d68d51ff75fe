//! Eight versions of a struct that fit each other.
//!
//! All fields are counters. A step adds 1 to all counters that its version knows. So all counters that all versions know are
//! equal in each commit, and each other counter tells how many steps were made by versions that know it.

use shared_value::SharedValue;

/// A version of the struct.
pub trait Version: SharedValue {
    /// The counters that not all versions know, and this one does: one bit for each.
    const KNOWN: u8;

    /// Counts a step in all counters.
    fn step(&mut self);
}

/// The numbers of the counters that not all versions know.
pub const LIMIT: u8 = 1;
/// In the upper half of a field that other versions have as `Reserved`.
pub const LEVEL: u8 = 1 << 1;
/// A float.
pub const RATE: u8 = 1 << 2;
/// In a struct inside of an array.
pub const DAYS: u8 = 1 << 3;
/// In the padding of other versions.
pub const FLAG: u8 = 1 << 4;
/// Behind the padding.
pub const TOTAL: u8 = 1 << 5;
/// An array, which makes the value large.
pub const LOG: u8 = 1 << 6;

/// The values of all counters, as the last version reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The counters that all versions know.
    pub common: Vec<u64>,
    /// The others, in the order of their bits: each with all its parts.
    pub others: [Vec<u64>; 7],
}

/// The modulus in which all counters are compared: the smallest of them has 16 bits.
pub const MODULUS: u64 = 1 << 16;

macro_rules! version {
    (
        $(#[$doc:meta])* $module:ident, $known:expr,
        Limit { $($limit:tt)* } Account { $($fields:tt)* } |$account:ident| { $($step:expr);* }
    ) => {
        $(#[$doc])*
        pub mod $module {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            use crate::evolving::versions::{DAYS, FLAG, LEVEL, LIMIT, LOG, RATE, TOTAL, Version};

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            #[allow(missing_docs, reason = "its fields are counters or reserved")]
            pub struct Limit { $($limit)* }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            #[allow(missing_docs, reason = "its fields are counters or reserved")]
            pub struct Account { $($fields)* }

            impl Version for Account {
                const KNOWN: u8 = $known & (LIMIT | LEVEL | RATE | DAYS | FLAG | TOTAL | LOG);

                fn step(&mut self) {
                    let $account = self;
                    $account.balance += 1;
                    $account.code = $account.code.wrapping_add(1);
                    $account.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    $($step;)*
                }
            }

            /// All of these types are not used by each version.
            const _: Option<Reserved<1>> = None;
        }
    };
}

macro_rules! versions {
    ($length:literal) => {
        /// The number of elements of the log.
        pub const N: usize = $length;

        version! {
            /// The first version, with room for all that come later.
            first, 0,
            Limit { pub cents: u32, pub spare: Reserved<4> }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub early: Reserved<16>,
                pub limits: [Limit; 2], pub code: u16, pub middle: Reserved<14>, pub late: [Reserved<8>; N], pub last: Reserved<8>
            }
            |account| {}
        }

        version! {
            /// Takes a part of a `Reserved` field.
            limited, LIMIT,
            Limit { pub cents: u32, pub spare: Reserved<4> }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub limit: u32, pub early: Reserved<12>,
                pub limits: [Limit; 2], pub code: u16, pub middle: Reserved<14>, pub late: [Reserved<8>; N], pub last: Reserved<8>
            }
            |account| {
                account.limit += 1
            }
        }

        version! {
            /// Takes bytes inside of a `Reserved` field.
            levelled, LEVEL,
            Limit { pub cents: u32, pub spare: Reserved<4> }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub before: Reserved<4>, pub level: u32, pub after: Reserved<8>,
                pub limits: [Limit; 2], pub code: u16, pub middle: Reserved<14>, pub late: [Reserved<8>; N], pub last: Reserved<8>
            }
            |account| {
                account.level += 1
            }
        }

        version! {
            /// Has a float, and more padding.
            rated, RATE | TOTAL,
            Limit { pub cents: u32, pub spare: Reserved<4> }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub before: Reserved<8>, pub rate: f64,
                pub limits: [Limit; 2], pub code: u16, pub total: u64, pub late: [Reserved<8>; N], pub last: Reserved<8>
            }
            |account| {
                account.rate += 1.0;
                account.total += 1
            }
        }

        version! {
            /// Extends a struct inside of an array.
            nested, DAYS,
            Limit { pub cents: u32, pub days: u32 }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub early: Reserved<16>,
                pub limits: [Limit; 2], pub code: u16, pub middle: Reserved<14>, pub late: [Reserved<8>; N], pub last: Reserved<8>
            }
            |account| {
                account.limits.iter_mut().for_each(|limit| limit.days += 1)
            }
        }

        version! {
            /// Has a field in the padding of other versions.
            flagged, LIMIT | LEVEL | FLAG,
            Limit { pub cents: u32, pub spare: Reserved<4> }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub limit: u32, pub level: u32, pub before: Reserved<8>,
                pub limits: [Limit; 2], pub code: u16, pub flag: u16, pub middle: Reserved<12>, pub late: [Reserved<8>; N], pub last: Reserved<8>
            }
            |account| {
                account.limit += 1;
                account.level += 1;
                account.flag = account.flag.wrapping_add(1)
            }
        }

        version! {
            /// Has a long field.
            logged, RATE | DAYS | FLAG | LOG,
            Limit { pub cents: u32, pub days: u32 }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub before: Reserved<8>, pub rate: f64,
                pub limits: [Limit; 2], pub code: u16, pub flag: u16, pub middle: Reserved<12>, pub log: [u64; N], pub last: Reserved<8>
            }
            |account| {
                account.rate += 1.0;
                account.limits.iter_mut().for_each(|limit| limit.days += 1);
                account.flag = account.flag.wrapping_add(1);
                account.log.iter_mut().for_each(|entry| *entry += 1)
            }
        }

        version! {
            /// Knows all fields.
            full, LIMIT | LEVEL | RATE | DAYS | FLAG | TOTAL | LOG,
            Limit { pub cents: u32, pub days: u32 }
            Account {
                pub balance: i64, #[shared(atomic)] pub requests: u64, pub limit: u32, pub level: u32, pub rate: f64,
                pub limits: [Limit; 2], pub code: u16, pub flag: u16, pub total: u64, pub log: [u64; N], pub last: Reserved<8>
            }
            |account| {
                account.limit += 1;
                account.level += 1;
                account.rate += 1.0;
                account.limits.iter_mut().for_each(|limit| limit.days += 1);
                account.flag = account.flag.wrapping_add(1);
                account.total += 1;
                account.log.iter_mut().for_each(|entry| *entry += 1)
            }
        }

        /// Returns all counters.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are small and positive")]
        pub fn counted(account: &full::Account) -> Counted {
            let full::Account { balance, limit, level, rate, limits, code, flag, total, log, .. } = account;
            let mut counted = Counted {
                common: vec![*balance as u64, (*code).into(), limits[0].cents.into(), limits[1].cents.into()],
                others: [
                    vec![(*limit).into()],
                    vec![(*level).into()],
                    vec![*rate as u64],
                    limits.iter().map(|limit| limit.days.into()).collect(),
                    vec![(*flag).into()],
                    vec![*total],
                    log.to_vec(),
                ],
            };
            counted.common.iter_mut().chain(counted.others.iter_mut().flatten()).for_each(|count| *count %= MODULUS);
            counted
        }
    };
}

/// Values that are copied whole before each change.
pub mod small {
    use super::{Counted, MODULUS};

    versions!(1);
}

/// Values that have marks.
pub mod large {
    use super::{Counted, MODULUS};

    versions!(70);
}
