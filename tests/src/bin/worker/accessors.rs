//! Writing every field of a value in one of the ways to do so.

use anyhow::Result;
use clap::ValueEnum;
use shared_value_tests::values::{Assorted, SynchronizedAssorted};

/// Turns the value into that of a seed.
#[derive(Debug, clap::Args)]
pub(crate) struct Accessors {
    name: String,
    seed: u8,
    #[arg(value_enum)]
    way: Way,
}

/// How fields are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Store,
    Update,
    Setters,
    UpdateFields,
    GuardStore,
    GuardUpdate,
    GuardSetters,
    GuardUpdateFields,
}

/// Sets every field, through a handle, whose setters return results, or a guard, whose setters do not.
macro_rules! set_fields {
    ($target:ident, $value:ident $(, $try:tt)?) => {
        $target.set_tiny($value.tiny)$($try)?;
        $target.set_short($value.short)$($try)?;
        $target.set_middle($value.middle)$($try)?;
        $target.set_long($value.long)$($try)?;
        $target.set_index($value.index)$($try)?;
        $target.set_ratio($value.ratio)$($try)?;
        $target.set_exact($value.exact)$($try)?;
        $target.set_is_on($value.is_on)$($try)?;
        $target.set_letter($value.letter)$($try)?;
        $target.set_city($value.city)$($try)?;
        $target.set_mode($value.mode)$($try)?;
        $target.set_level($value.level)$($try)?;
        $target.set_serial($value.serial)$($try)?;
        $target.set_change($value.change)$($try)?;
        $target.set_height($value.height)$($try)?;
        $target.set_pair($value.pair)$($try)?;
        $target.in_spans().set_at(0, $value.spans[0])$($try)?;
        $target.in_spans().set_at(1, $value.spans[1])$($try)?;
        $target.in_grid().set_at(1, $value.grid[1])$($try)?;
        $target.in_grid().set_at(0, $value.grid[0])$($try)?;
        $target.set_limits($value.limits)$($try)?;
        $target.set_tint($value.tint)$($try)?;
        $target.set_type($value.r#type)$($try)?;
        $target.set_latest($value.last)$($try)?;
        $target.set_shade($value.shade)$($try)?;
    };
}

/// Updates every field.
macro_rules! update_fields {
    ($target:ident, $value:ident $(, $try:tt)?) => {
        $target.update_tiny(|field| *field = $value.tiny)$($try)?;
        $target.update_short(|field| *field = $value.short)$($try)?;
        $target.update_middle(|field| *field = $value.middle)$($try)?;
        $target.update_long(|field| *field = $value.long)$($try)?;
        $target.update_index(|field| *field = $value.index)$($try)?;
        $target.update_ratio(|field| *field = $value.ratio)$($try)?;
        $target.update_exact(|field| *field = $value.exact)$($try)?;
        $target.update_is_on(|field| *field = $value.is_on)$($try)?;
        $target.update_letter(|field| *field = $value.letter)$($try)?;
        $target.update_city(|field| *field = $value.city)$($try)?;
        $target.update_mode(|field| *field = $value.mode)$($try)?;
        $target.update_level(|field| *field = $value.level)$($try)?;
        $target.update_serial(|field| *field = $value.serial)$($try)?;
        $target.update_change(|field| *field = $value.change)$($try)?;
        $target.update_height(|field| field.0 = $value.height.0)$($try)?;
        $target.update_pair(|field| (field.0, field.1) = ($value.pair.0, $value.pair.1))$($try)?;
        $target.update_spans(|field| *field = $value.spans)$($try)?;
        $target.update_grid(|field| field.copy_from_slice(&$value.grid))$($try)?;
        $target.update_limits(|field| *field = $value.limits)$($try)?;
        $target.update_tint(|field| *field = $value.tint)$($try)?;
        $target.update_type(|field| *field = $value.r#type)$($try)?;
        $target.update_latest(|field| *field = $value.last)$($try)?;
        $target.update_shade(|field| field.color = $value.shade.color)$($try)?;
    };
}

impl Accessors {
    pub(crate) fn run(self) -> Result<()> {
        let shared = SynchronizedAssorted::open(&self.name)?;
        let value = Assorted::of(self.seed);
        match self.way {
            Way::Store => shared.set(value)?,
            Way::Update => shared.update(|shared| *shared = value)?,
            Way::Setters => {
                set_fields!(shared, value, ?);
            }
            Way::UpdateFields => {
                update_fields!(shared, value, ?);
            }
            Way::GuardStore => shared.lock()?.set(value),
            Way::GuardUpdate => shared.lock()?.update(|shared| *shared = value)?,
            Way::GuardSetters => {
                let guard = shared.lock()?;
                set_fields!(guard, value);
            }
            Way::GuardUpdateFields => {
                let guard = shared.lock()?;
                update_fields!(guard, value);
            }
        }
        Ok(())
    }
}
