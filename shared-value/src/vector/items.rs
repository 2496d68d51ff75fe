//! `Items`: what a vector holds: elements of any type, text, or bytes.

use crate::layout::SharedValue;

/// What a [`Vector`](crate::Vector) holds: elements of a [`SharedValue`], [`Text`] or [`Bytes`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between processes",
    label = "not a `SharedValue`",
    note = "if `{Self}` is your own type, add `#[derive(SharedValue, Clone, Copy)]` and `#[repr(C)]` to it"
)]
pub trait Items: sealed::Items {}

impl<I: sealed::Items> Items for I {}

/// UTF-8 whose length changes: `Vector<Text>` is the value of a [`SharedString`](crate::SharedString).
#[derive(Clone, Copy, Debug)]
pub enum Text {}

/// Bytes whose number changes: `Vector<Bytes>` is the value of a [`SharedBytes`](crate::SharedBytes).
#[derive(Clone, Copy, Debug)]
pub enum Bytes {}

pub(crate) mod sealed {
    use std::borrow::Borrow;

    use super::{Bytes, SharedValue, Text};
    use crate::error::Error;
    use crate::format::growth::{BYTES, TEXT};

    pub trait Items: 'static {
        /// The elements in memory.
        type Element: SharedValue;

        /// The name of the newtype in the schema, or empty.
        const NAME: &'static str;

        /// A copy.
        type Owned: Borrow<Self::Borrowed>;

        /// The form in which closures see the copy.
        type Borrowed: ToOwned<Owned = Self::Owned> + ?Sized;

        fn elements(borrowed: &Self::Borrowed) -> &[Self::Element];

        fn owned(elements: Vec<Self::Element>) -> Result<Self::Owned, Error>;
    }

    impl<E: SharedValue> Items for E {
        type Element = E;
        type Owned = Vec<E>;
        type Borrowed = [E];

        const NAME: &'static str = "";

        fn elements(borrowed: &[E]) -> &[E] {
            borrowed
        }

        fn owned(elements: Vec<E>) -> Result<Vec<E>, Error> {
            Ok(elements)
        }
    }

    impl Items for Text {
        type Element = u8;
        type Owned = String;
        type Borrowed = str;

        const NAME: &'static str = TEXT;

        fn elements(text: &str) -> &[u8] {
            text.as_bytes()
        }

        fn owned(bytes: Vec<u8>) -> Result<String, Error> {
            String::from_utf8(bytes).map_err(|error| Error::not_text(Self::NAME, &error))
        }
    }

    impl Items for Bytes {
        type Element = u8;
        type Owned = Vec<u8>;
        type Borrowed = [u8];

        const NAME: &'static str = BYTES;

        fn elements(bytes: &[u8]) -> &[u8] {
            bytes
        }

        fn owned(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
            Ok(bytes)
        }
    }
}
