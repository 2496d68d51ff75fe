//! Eight versions of a struct that fit each other.
//!
//! All fields are counters. A step adds 1 to all counters that its version knows. So all counters that all versions know are
//! equal in each commit, and each other counter tells how many steps were made by versions that know it.

use shared_value::SharedValue;

/// A version of the struct.
pub trait Version: SharedValue {
    /// The counters that not all versions know, and this one does: one bit for each.
    const KNOWN: u8;

    /// A value whose counters are zero.
    fn zero() -> Self;

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

/// What the last version tells of all counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The counters that all versions know.
    pub common: Vec<u64>,
    /// The others, in the order of their bits: each with all its parts.
    pub others: [Vec<u64>; 7],
}

/// The modulus in which all counters are compared: the smallest of them has 16 bits.
pub const MODULUS: u64 = 1 << 16;

macro_rules! versions {
    ($length:literal) => {
        /// The number of elements of the log.
        pub const N: usize = $length;

        /// The first version, with room for all that come later.
        pub mod first {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves)]
            pub struct Limit {
                pub cents: u32,
                pub spare: Reserved<4>,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub early: Reserved<16>,
                pub limits: [Limit; 2],
                pub code: u16,
                pub middle: Reserved<14>,
                pub late: [Reserved<8>; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = 0;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        early: Reserved::new(),
                        limits: [Limit { cents: 0, spare: Reserved::new() }; 2],
                        code: 0,
                        middle: Reserved::new(),
                        late: [Reserved::new(); N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                }
            }
        }

        /// Takes a part of a `Reserved` field.
        pub mod limited {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub spare: Reserved<4>,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub limit: u32,
                pub early: Reserved<12>,
                pub limits: [Limit; 2],
                pub code: u16,
                pub middle: Reserved<14>,
                pub late: [Reserved<8>; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = LIMIT;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        limit: 0,
                        early: Reserved::new(),
                        limits: [Limit { cents: 0, spare: Reserved::new() }; 2],
                        code: 0,
                        middle: Reserved::new(),
                        late: [Reserved::new(); N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.limit += 1;
                }
            }
        }

        /// Takes bytes inside of a `Reserved` field.
        pub mod levelled {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub spare: Reserved<4>,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub before: Reserved<4>,
                pub level: u32,
                pub after: Reserved<8>,
                pub limits: [Limit; 2],
                pub code: u16,
                pub middle: Reserved<14>,
                pub late: [Reserved<8>; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = LEVEL;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        before: Reserved::new(),
                        level: 0,
                        after: Reserved::new(),
                        limits: [Limit { cents: 0, spare: Reserved::new() }; 2],
                        code: 0,
                        middle: Reserved::new(),
                        late: [Reserved::new(); N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.level += 1;
                }
            }
        }

        /// Has a float, and more padding.
        pub mod rated {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub spare: Reserved<4>,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub before: Reserved<8>,
                pub rate: f64,
                pub limits: [Limit; 2],
                pub code: u16,
                pub total: u64,
                pub late: [Reserved<8>; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = RATE | TOTAL;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        before: Reserved::new(),
                        rate: 0.0,
                        limits: [Limit { cents: 0, spare: Reserved::new() }; 2],
                        code: 0,
                        total: 0,
                        late: [Reserved::new(); N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.rate += 1.0;
                    self.total += 1;
                }
            }
        }

        /// Extends a struct inside of an array.
        pub mod nested {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub days: u32,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub early: Reserved<16>,
                pub limits: [Limit; 2],
                pub code: u16,
                pub middle: Reserved<14>,
                pub late: [Reserved<8>; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = DAYS;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        early: Reserved::new(),
                        limits: [Limit { cents: 0, days: 0 }; 2],
                        code: 0,
                        middle: Reserved::new(),
                        late: [Reserved::new(); N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.limits.iter_mut().for_each(|limit| limit.days += 1);
                }
            }
        }

        /// Has a field in the padding of other versions.
        pub mod flagged {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub spare: Reserved<4>,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub limit: u32,
                pub level: u32,
                pub before: Reserved<8>,
                pub limits: [Limit; 2],
                pub code: u16,
                pub flag: u16,
                pub middle: Reserved<12>,
                pub late: [Reserved<8>; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = LIMIT | LEVEL | FLAG;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        limit: 0,
                        level: 0,
                        before: Reserved::new(),
                        limits: [Limit { cents: 0, spare: Reserved::new() }; 2],
                        code: 0,
                        flag: 0,
                        middle: Reserved::new(),
                        late: [Reserved::new(); N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.limit += 1;
                    self.level += 1;
                    self.flag = self.flag.wrapping_add(1);
                }
            }
        }

        /// Has a long field.
        pub mod logged {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub days: u32,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub before: Reserved<8>,
                pub rate: f64,
                pub limits: [Limit; 2],
                pub code: u16,
                pub flag: u16,
                pub middle: Reserved<12>,
                pub log: [u64; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = RATE | DAYS | FLAG | LOG;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        before: Reserved::new(),
                        rate: 0.0,
                        limits: [Limit { cents: 0, days: 0 }; 2],
                        code: 0,
                        flag: 0,
                        middle: Reserved::new(),
                        log: [0; N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.rate += 1.0;
                    self.limits.iter_mut().for_each(|limit| limit.days += 1);
                    self.flag = self.flag.wrapping_add(1);
                    self.log.iter_mut().for_each(|entry| *entry += 1);
                }
            }
        }

        /// Knows all fields.
        pub mod full {
            use shared_value::{Reserved, SharedValue};

            use super::N;
            #[allow(clippy::wildcard_imports, unused_imports, reason = "the names of the counters")]
            use crate::evolving::versions::*;

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Limit)]
            pub struct Limit {
                pub cents: u32,
                pub days: u32,
            }

            #[derive(SharedValue, Clone, Copy, Debug)]
            #[repr(C)]
            #[shared(evolves, released = super::first::Account)]
            pub struct Account {
                pub balance: i64,
                #[shared(atomic)]
                pub requests: u64,
                pub limit: u32,
                pub level: u32,
                pub rate: f64,
                pub limits: [Limit; 2],
                pub code: u16,
                pub flag: u16,
                pub total: u64,
                pub log: [u64; N],
                pub last: Reserved<8>,
            }

            impl Version for Account {
                const KNOWN: u8 = LIMIT | LEVEL | RATE | DAYS | FLAG | TOTAL | LOG;

                fn zero() -> Self {
                    Self {
                        balance: 0,
                        requests: 0,
                        limit: 0,
                        level: 0,
                        rate: 0.0,
                        limits: [Limit { cents: 0, days: 0 }; 2],
                        code: 0,
                        flag: 0,
                        total: 0,
                        log: [0; N],
                        last: Reserved::new(),
                    }
                }

                fn step(&mut self) {
                    self.balance += 1;
                    self.code = self.code.wrapping_add(1);
                    self.limits.iter_mut().for_each(|limit| limit.cents += 1);
                    self.limit += 1;
                    self.level += 1;
                    self.rate += 1.0;
                    self.limits.iter_mut().for_each(|limit| limit.days += 1);
                    self.flag = self.flag.wrapping_add(1);
                    self.total += 1;
                    self.log.iter_mut().for_each(|entry| *entry += 1);
                }
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
