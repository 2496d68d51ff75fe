//! Writes every field of a value in one of the possible ways.

use anyhow::Result;
use clap::ValueEnum;
use shared_value::Pod;
use shared_value_tests::values::{Assorted, SynchronizedAssorted};

/// Changes the value into the one of a seed.
#[derive(Debug, clap::Args)]
pub(crate) struct Accessors {
    name: String,
    seed: u8,
    #[arg(value_enum)]
    way: Way,
}

/// The way of writing the fields.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Store,
    Update,
    Setters,
    UpdateFields,
    /// Through parts of parts, for fields that are structs or arrays.
    Parts,
    GuardStore,
    GuardUpdate,
    GuardSetters,
    GuardUpdateFields,
    GuardParts,
}

/// Sets every field of a handle or a guard.
macro_rules! set_fields {
    ($target:ident, $value:ident) => {
        $target.set_tiny($value.tiny)?;
        $target.set_short($value.short)?;
        $target.set_middle($value.middle)?;
        $target.set_long($value.long)?;
        $target.set_index($value.index)?;
        $target.set_ratio($value.ratio)?;
        $target.set_exact($value.exact)?;
        $target.set_is_on($value.is_on)?;
        $target.set_letter($value.letter)?;
        $target.set_city($value.city)?;
        $target.set_mode($value.mode)?;
        $target.set_level($value.level)?;
        $target.set_serial($value.serial)?;
        $target.set_change($value.change)?;
        $target.set_height($value.height)?;
        $target.set_pair($value.pair)?;
        $target.in_spans().set_at(0, $value.spans[0])?;
        $target.in_spans().set_at(1, $value.spans[1])?;
        $target.in_grid().set_at(1, $value.grid[1])?;
        $target.in_grid().set_at(0, $value.grid[0])?;
        $target.set_limits($value.limits)?;
        $target.set_tint($value.tint)?;
        $target.set_type($value.r#type)?;
        $target.set_last($value.last)?;
        $target.set_shade($value.shade)?;
    };
}

/// Updates every field of a handle or a guard.
macro_rules! update_fields {
    ($target:ident, $value:ident) => {
        $target.update_tiny(|field| *field = $value.tiny)?;
        $target.update_short(|field| *field = $value.short)?;
        $target.update_middle(|field| *field = $value.middle)?;
        $target.update_long(|field| *field = $value.long)?;
        $target.update_index(|field| *field = $value.index)?;
        $target.update_ratio(|field| *field = $value.ratio)?;
        $target.update_exact(|field| *field = $value.exact)?;
        $target.update_is_on(|field| *field = $value.is_on)?;
        $target.update_letter(|field| *field = $value.letter)?;
        $target.update_city(|field| *field = $value.city)?;
        $target.update_mode(|field| *field = $value.mode)?;
        $target.update_level(|field| *field = $value.level)?;
        $target.update_serial(|field| *field = $value.serial)?;
        $target.update_change(|field| *field = $value.change)?;
        $target.update_height(|field| field.0 = $value.height.0)?;
        $target.update_pair(|field| (field.0, field.1) = ($value.pair.0, $value.pair.1))?;
        $target.update_spans(|field| *field = $value.spans)?;
        $target.update_grid(|field| field.copy_from_slice(&$value.grid))?;
        $target.update_limits(|field| *field = $value.limits)?;
        $target.update_tint(|field| *field = $value.tint)?;
        $target.update_type(|field| *field = $value.r#type)?;
        $target.update_last(|field| *field = $value.last)?;
        $target.update_shade(|field| field.color = $value.shade.color)?;
    };
}

/// Sets every field of a handle or a guard through its parts, down to the numbers where there are several levels.
macro_rules! set_parts {
    ($target:ident, $value:ident) => {
        $target.in_tiny().set($value.tiny)?;
        $target.in_short().set($value.short)?;
        $target.in_middle().set($value.middle)?;
        $target.in_long().set($value.long)?;
        $target.in_index().set($value.index)?;
        $target.in_ratio().set($value.ratio)?;
        $target.in_exact().update(|field| *field = $value.exact)?;
        $target.in_is_on().set($value.is_on)?;
        $target.in_letter().set($value.letter)?;
        $target.in_city().set($value.city)?;
        $target.in_mode().set($value.mode)?;
        $target.in_level().update(|field| *field = $value.level)?;
        $target.in_serial().set($value.serial)?;
        $target.in_change().set($value.change)?;
        $target.in_height().set($value.height)?;
        $target.in_pair().set($value.pair)?;
        for (index, span) in $value.spans.iter().enumerate() {
            let part = $target.in_spans().element(index);
            part.set_mode(span.mode)?;
            part.update_start(|start| *start = span.start)?;
            part.set_end(span.end)?;
        }
        for (row, bytes) in $value.grid.iter().enumerate() {
            $target.in_grid().element(row).write_slice(0, bytes)?;
        }
        let limits = $target.in_limits();
        limits.set_is_set($value.limits.is_set)?;
        limits.in_span().set_mode($value.limits.span.mode)?;
        limits.in_span().in_start().set($value.limits.span.start)?;
        limits.in_span().set_end($value.limits.span.end)?;
        $target.in_tint().set(Pod($value.tint))?;
        $target.in_type().set($value.r#type)?;
        $target.in_last().set($value.last)?;
        $target.in_shade().in_color().set($value.shade.color)?;
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
                set_fields!(shared, value);
            }
            Way::UpdateFields => {
                update_fields!(shared, value);
            }
            Way::Parts => {
                set_parts!(shared, value);
            }
            Way::GuardStore => shared.lock()?.set(value)?,
            Way::GuardUpdate => shared.lock()?.update(|shared| *shared = value)?,
            Way::GuardSetters => {
                let guard = shared.lock()?;
                set_fields!(guard, value);
            }
            Way::GuardUpdateFields => {
                let guard = shared.lock()?;
                update_fields!(guard, value);
            }
            Way::GuardParts => {
                let guard = shared.lock()?;
                set_parts!(guard, value);
            }
        }
        Ok(())
    }
}
