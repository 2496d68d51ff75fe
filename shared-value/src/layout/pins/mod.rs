//! Pins: layouts that an author has written down, so that a change of the struct stops compilation.

mod released;

use crate::layout::schema::schema;
use crate::layout::text::Text;
use crate::layout::{Layout, SharedValue};

pub use released::assert_released;

/// The maximum length of a message, in bytes. Longer messages are cut: this is enough to find the difference.
const MESSAGE: usize = 4096;

/// Asserts that the type has the pinned typecode.
///
/// # Panics
/// If it has another one; the message shows both.
#[track_caller]
pub const fn assert_layout<T: SharedValue>(pinned: &str) {
    if !equal(T::TYPECODE, pinned) {
        let mut message = start(T::LAYOUT, "layout");
        compare(&mut message, pinned, T::TYPECODE);
        fail(&message);
    }
}

/// Asserts that the type has the pinned fingerprint.
///
/// # Panics
/// If it has another one; the message shows both, and the schema.
#[track_caller]
pub const fn assert_fingerprint<T: SharedValue>(pinned: u64) {
    if T::FINGERPRINT != pinned {
        let mut message = start(T::LAYOUT, "fingerprint");
        compare(&mut message, hexadecimal(pinned).as_str(), hexadecimal(T::FINGERPRINT).as_str());
        message.text("\n  the fingerprint is that of\n");
        message.text(schema::<MESSAGE>(T::LAYOUT, 0).beginning());
        fail(&message);
    }
}

/// Asserts that the type has the pinned size in bytes.
///
/// # Panics
/// If it has another one; the message shows both.
#[track_caller]
pub const fn assert_size<T: SharedValue>(pinned: usize) {
    if size_of::<T>() != pinned {
        let mut message = start(T::LAYOUT, "size");
        compare(&mut message, decimal(pinned).as_str(), decimal(size_of::<T>()).as_str());
        message.text("\n  layout: ");
        message.text(T::TYPECODE);
        fail(&message);
    }
}

const fn start(layout: &Layout, what: &str) -> Text<MESSAGE> {
    let mut message = Text::from(0);
    message.text("the ");
    message.text(what);
    message.text(" of `");
    message.text(layout.name());
    message.text(
        "` has changed: programs built before can no longer share it. \
                  Undo the change, or write the new one into `#[shared(..)]` and give the segment another name",
    );
    message
}

const fn compare(message: &mut Text<MESSAGE>, pinned: &str, found: &str) {
    message.text("\n  pinned: ");
    message.text(pinned);
    message.text("\n  is now: ");
    message.text(found);
}

#[track_caller]
const fn fail(message: &Text<MESSAGE>) -> ! {
    panic!("{}", message.beginning())
}

const fn decimal(number: usize) -> Text<24> {
    let mut text = Text::from(0);
    text.number(number);
    text
}

const fn hexadecimal(number: u64) -> Text<24> {
    let mut text = Text::from(0);
    text.text("0x");
    let mut shift = 64;
    while shift > 0 {
        shift -= 4;
        text.byte(b"0123456789abcdef"[(number >> shift & 0xf) as usize]);
    }
    text
}

const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
