//! The pin of a struct that evolves: it must fit a released version of itself.
//!
//! `cell/misfit.rs` has the same rules for schemas that are read at run time. Tests compare the two.

use crate::layout::pins::{MESSAGE, equal, fail};
use crate::layout::text::Text;
use crate::layout::{Field, Kind, Layout, SharedValue, Variant};

/// Asserts that programs with the type and programs with a released version of it can share values.
///
/// # Panics
/// If they cannot. The message names the field and the reason.
#[track_caller]
pub const fn assert_released<T: SharedValue, Released: SharedValue>() {
    let mut reason = Text::<MESSAGE>::from(0);
    if !T::LAYOUT.evolves() {
        reason.text("it is not `#[shared(evolves)]`");
    } else if fits(&mut reason, "", T::LAYOUT, Released::LAYOUT) {
        return;
    }
    let mut message = Text::<MESSAGE>::from(0);
    message.text("`");
    message.text(T::LAYOUT.name());
    message.text("` does not fit its released version: ");
    message.text(reason.beginning());
    fail(&message)
}

type Reason = Text<MESSAGE>;

/// Writes a reason, and returns `false`.
const fn misfit(reason: &mut Reason, field: &str, text: &str) -> bool {
    if !field.is_empty() {
        reason.text("field `");
        reason.text(field);
        reason.text("`: ");
    }
    reason.text(text);
    false
}

/// Returns whether the two layouts fit; if not, writes the reason. `field` is the field of this type.
const fn fits(reason: &mut Reason, field: &str, new: &Layout, old: &Layout) -> bool {
    match (new.kind(), old.kind()) {
        (Kind::Struct { .. } | Kind::Newtype { .. }, Kind::Struct { .. } | Kind::Newtype { .. })
            if !equal(new.name(), old.name()) =>
        {
            misfit(reason, field, "the name of a type cannot change")
        }
        (Kind::Struct { fields: mine }, Kind::Struct { fields: other }) => match (new.evolves(), old.evolves()) {
            (true, true) => versions_fit(reason, field, [new, old], mine, other),
            (false, false) => fields_fit(reason, field, [new, old], mine, other),
            _ => misfit(reason, field, "the struct is `#[shared(evolves)]` in one version only"),
        },
        (Kind::Array { length, element }, Kind::Array { length: other, element: old }) => {
            if *length != *other {
                return misfit(reason, field, "the length of an array cannot change");
            }
            fits(reason, field, element, old)
        }
        (Kind::Newtype { inner }, Kind::Newtype { inner: old }) => fits(reason, field, inner, old),
        _ if is_equal(new, old) => true,
        _ => misfit(reason, field, "the type of a field cannot change"),
    }
}

/// Returns whether two layouts are equal: not of structs, arrays or newtypes.
const fn is_equal(new: &Layout, old: &Layout) -> bool {
    match (new.kind(), old.kind()) {
        (Kind::Scalar { .. }, Kind::Scalar { .. }) => equal(new.name(), old.name()),
        (Kind::Text, Kind::Text) | (Kind::Bytes, Kind::Bytes) | (Kind::Reserved, Kind::Reserved) => {
            new.size() == old.size() && new.align() == old.align()
        }
        (Kind::Enum { repr, variants }, Kind::Enum { repr: old_repr, variants: old_variants }) => {
            equal(new.name(), old.name()) && equal(repr.name(), old_repr.name()) && are_equal(variants, old_variants)
        }
        _ => false,
    }
}

const fn are_equal(new: &[Variant], old: &[Variant]) -> bool {
    let mut index = 0;
    while index < new.len() && index < old.len() {
        let (one, other) = (&new[index], &old[index]);
        if !equal(one.name(), other.name()) || one.discriminant() != other.discriminant() {
            return false;
        }
        index += 1;
    }
    new.len() == old.len()
}

/// Compares two structs that do not evolve.
const fn fields_fit(
    reason: &mut Reason,
    field: &str,
    [new, old]: [&Layout; 2],
    mine: &[Field],
    other: &[Field],
) -> bool {
    if new.size() != old.size() || new.align() != old.align() || new.lanes() != old.lanes() || mine.len() != other.len()
    {
        return misfit(reason, field, "only a struct that is `#[shared(evolves)]` can change");
    }
    let mut index = 0;
    while index < mine.len() {
        if !equal(mine[index].name(), other[index].name()) {
            return misfit(reason, mine[index].name(), "only a struct that is `#[shared(evolves)]` can change");
        }
        if !field_fits(reason, &mine[index], &other[index]) {
            return false;
        }
        index += 1;
    }
    true
}

/// Compares two versions of a struct that evolves.
const fn versions_fit(
    reason: &mut Reason,
    field: &str,
    [new, old]: [&Layout; 2],
    mine: &[Field],
    other: &[Field],
) -> bool {
    if new.size() != old.size() {
        misfit(reason, field, "the size cannot change: expected ");
        reason.number(old.size());
        reason.text(" bytes, found ");
        reason.number(new.size());
        reason.text(
            "; take the bytes of new fields from a field of type `Reserved<N>`, or from padding, and make that shorter",
        );
        return false;
    }
    if new.lanes() != old.lanes() && new.lanes() != 0 && old.lanes() != 0 {
        return misfit(reason, field, "the number of lanes of counters cannot change");
    }
    let mut index = 0;
    while index < mine.len() {
        let field = &mine[index];
        index += 1;
        if field.layout().is_reserved() {
            continue;
        }
        let is_right = match find(other, field.name()) {
            Some(old) => field_fits(reason, field, old),
            None => may_be_missing(reason, field, other),
        };
        if !is_right {
            return false;
        }
    }
    index = 0;
    while index < other.len() {
        let field = &other[index];
        index += 1;
        let is_gone = !field.layout().is_reserved() && find(mine, field.name()).is_none();
        if is_gone && !may_be_missing(reason, field, mine) {
            return false;
        }
    }
    true
}

const fn find<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    let mut index = 0;
    while index < fields.len() {
        if equal(fields[index].name(), name) && !fields[index].layout().is_reserved() {
            return Some(&fields[index]);
        }
        index += 1;
    }
    None
}

/// Compares a field that both versions have.
const fn field_fits(reason: &mut Reason, new: &Field, old: &Field) -> bool {
    if new.offset() != old.offset() {
        misfit(reason, new.name(), "a field cannot move: expected offset ");
        reason.number(old.offset());
        reason.text(", found ");
        reason.number(new.offset());
        return false;
    }
    if new.is_atomic() != old.is_atomic() {
        return misfit(reason, new.name(), "a field can neither become atomic nor cease to be");
    }
    if new.is_counter() != old.is_counter() {
        return misfit(reason, new.name(), "a field can neither become a counter nor cease to be");
    }
    let is_described_alike = match (new.typecode(), old.typecode()) {
        (Some(new), Some(old)) => equal(new, old),
        (None, None) => true,
        _ => false,
    };
    if !is_described_alike {
        return misfit(reason, new.name(), "the typecode of a field cannot change");
    }
    fits(reason, new.name(), new.layout(), old.layout())
}

/// Returns whether a version with the fields `others` may lack the field.
const fn may_be_missing(reason: &mut Reason, field: &Field, others: &[Field]) -> bool {
    if field.is_atomic() {
        return misfit(reason, field.name(), "an atomic field can be neither added nor removed");
    }
    if field.is_counter() {
        return misfit(reason, field.name(), "a counter can be neither added nor removed");
    }
    let (start, end) = (field.offset(), field.offset() + field.layout().size());
    let mut index = 0;
    while index < others.len() {
        let other = &others[index];
        index += 1;
        let is_apart = other.offset() >= end || other.offset() + other.layout().size() <= start;
        if !is_apart && !other.layout().is_reserved() {
            misfit(reason, field.name(), "`");
            reason.text(other.name());
            reason.text(
                "` lies there in the other version: a field keeps its name, and a new one must lie in bytes of a \
                 `Reserved` field, or in padding",
            );
            return false;
        }
    }
    if !accepts_zeros(field.layout()) {
        return misfit(
            reason,
            field.name(),
            "a new field is zero in old values, and zeros are not a value of its type",
        );
    }
    true
}

/// Returns whether zeros are a value.
const fn accepts_zeros(layout: &Layout) -> bool {
    match layout.kind() {
        // Only `NonZero` integers refuse zero.
        Kind::Scalar { code, checked } => !*checked || matches!(*code, '?' | 'w'),
        Kind::Text | Kind::Bytes | Kind::Reserved => true,
        Kind::Array { element, .. } => accepts_zeros(element),
        Kind::Newtype { inner } => accepts_zeros(inner),
        Kind::Struct { fields } => {
            let mut index = 0;
            while index < fields.len() {
                if !accepts_zeros(fields[index].layout()) {
                    return false;
                }
                index += 1;
            }
            true
        }
        Kind::Enum { variants, .. } => {
            let mut index = 0;
            while index < variants.len() {
                if variants[index].discriminant() == 0 {
                    return true;
                }
                index += 1;
            }
            false
        }
    }
}
