//! `Specimen`: the types that are fuzzed, with the accessors of each type.

use std::fmt::Debug;

use crate::values::{
    Account, Assorted, Level, Padded, SynchronizedAccount, SynchronizedAssorted, SynchronizedPadded, SynchronizedTally,
    Tally,
};
use shared_value::{Error, FixedStr, SharedValue, Synchronized};

use crate::hostile::input::Input;

/// A type that is fuzzed.
pub(crate) trait Specimen: SharedValue + Debug + PartialEq {
    /// Makes a value that differs from the values of most other seeds.
    fn sample(seed: u8) -> Self;

    /// Calls one of the accessors. Getters panic if they find invalid bits.
    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error>;
}

/// Reads a field, sets it, or updates it, through the handle or through a guard.
macro_rules! accessors {
    ($wrapper:ty: $handle:expr, $input:expr; $($get:ident $set:ident $update:ident),* $(,)?) => {{
        let calls: &[fn(&$wrapper, u8) -> Result<(), Error>] = &[$(
            |handle, _| {
                let _ = handle.$get();
                Ok(())
            },
            |handle, seed| handle.$set(Self::sample(seed).$get),
            |handle, seed| handle.$update(|field| *field = Self::sample(seed).$get),
            |handle, seed| {
                let guard = handle.lock()?;
                guard.$set(Self::sample(seed).$get)?;
                guard.$update(|field| *field = Self::sample(seed + 1).$get)?;
                let _ = guard.$get();
                Ok(())
            },
        )*];
        let call = calls[$input.below(calls.len())];
        call($handle, $input.byte() % 100)
    }};
}

impl Specimen for u64 {
    fn sample(seed: u8) -> Self {
        u64::from_ne_bytes([seed; 8])
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        if input.bit() {
            handle.set(input.word())
        } else {
            handle.update(|number| *number = number.wrapping_add(handle.get()))
        }
    }
}

impl<const N: usize> Specimen for [u64; N] {
    fn sample(seed: u8) -> Self {
        [seed.into(); N]
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let _ = handle.at(input.below(N));
        handle.set_at(input.below(N), input.word())
    }
}

impl Specimen for [Level; 5] {
    fn sample(seed: u8) -> Self {
        [if seed.is_multiple_of(2) { Level::Cold } else { Level::Warm }; 5]
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let _ = handle.at(input.below(5));
        handle.set_at(input.below(5), Level::Frost)
    }
}

impl Specimen for FixedStr<12> {
    fn sample(seed: u8) -> Self {
        let text = char::from(seed % 26 + b'a').to_string().repeat(usize::from(seed % 13));
        Self::new(&text).expect("it fits")
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let _ = handle.get().as_str().chars().count();
        handle.set(Self::sample(input.byte()))
    }
}

impl Specimen for Account {
    fn sample(seed: u8) -> Self {
        Self::after(seed.into())
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let handle = handle.clone();
        let (old, new) = (handle.requests().load(), input.word());
        handle.requests().fetch_add(1);
        let _ = handle.requests().compare_exchange(old, new);
        handle.in_limits().set_at(input.below(4), 7)?;
        let _ = (handle.in_limits().at(input.below(4)), handle.lock()?.requests().load());
        accessors!(SynchronizedAccount: &handle, input;
            balance set_balance update_balance,
            frozen set_frozen update_frozen,
            limits set_limits update_limits,
            deposits set_deposits update_deposits,
        )
    }
}

impl Specimen for Assorted {
    fn sample(seed: u8) -> Self {
        Self::of(seed % 100)
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let handle = handle.clone();
        accessors!(SynchronizedAssorted: &handle, input;
            tiny set_tiny update_tiny,
            short set_short update_short,
            index set_index update_index,
            ratio set_ratio update_ratio,
            is_on set_is_on update_is_on,
            letter set_letter update_letter,
            city set_city update_city,
            mode set_mode update_mode,
            level set_level update_level,
            serial set_serial update_serial,
            change set_change update_change,
            height set_height update_height,
            pair set_pair update_pair,
            spans set_spans update_spans,
            grid set_grid update_grid,
            limits set_limits update_limits,
            tint set_tint update_tint,
            shade set_shade update_shade,
        )
    }
}

impl Specimen for Padded {
    fn sample(seed: u8) -> Self {
        Self::of(seed)
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let handle = handle.clone();
        let _ = handle.in_grains().at(input.below(23));
        accessors!(SynchronizedPadded: &handle, input;
            half set_half update_half,
            grains set_grains update_grains,
            tail set_tail update_tail,
        )
    }
}

impl Specimen for Tally {
    fn sample(seed: u8) -> Self {
        Self { total: seed.into(), lanes: [seed.into(); 8], ..Self::default() }
    }

    fn access(handle: &Synchronized<Self>, input: &mut Input<'_>) -> Result<(), Error> {
        let handle = handle.clone();
        let number = input.word();
        handle.sum().fetch_add(number.cast_signed());
        handle.difference().fetch_sub(number);
        handle.largest().fetch_max(number.cast_signed());
        handle.smallest().fetch_min(number.cast_signed());
        handle.compared().store(number);
        accessors!(SynchronizedTally: &handle, input; total set_total update_total, lanes set_lanes update_lanes)
    }
}
