//! `DynEnum`: the layout of an enum, made by code.

use crate::error::Error;
use crate::layout::SharedValue;
use crate::schema::structure::check_name;
use crate::schema::{DynKind, DynLayout, DynVariant};

impl DynLayout {
    /// Begins the layout of a fieldless enum. Its numbers are stored as an `R`, as with `#[repr(u8)]`.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(u8)]
    /// enum State { Open, Frozen = 7 }
    ///
    /// let layout = DynLayout::enumeration::<u8>("State").variant("Open", 0).variant("Frozen", 7).build()?;
    /// assert_eq!(layout, DynLayout::of::<State>()?);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn enumeration<R: SharedValue>(name: &str) -> DynEnum {
        let repr = check_name(name).and_then(|()| Self::of::<R>());
        DynEnum { name: name.to_owned(), repr, variants: Vec::new() }
    }
}

/// Builds the layout of an enum. Returned by [`DynLayout::enumeration`].
#[derive(Debug)]
#[must_use = "a layout is complete when it is built"]
pub struct DynEnum {
    name: String,
    /// The integer, or the first mistake.
    repr: Result<DynLayout, Error>,
    variants: Vec<DynVariant>,
}

impl DynEnum {
    /// Adds a variant, and the number that stands for it.
    pub fn variant(mut self, name: &str, number: impl Into<i128>) -> Self {
        self.repr = self.repr.and_then(|repr| check_name(name).map(|()| repr));
        self.variants.push(DynVariant { name: name.to_owned(), number: number.into() });
        self
    }

    /// Completes the layout.
    ///
    /// # Errors
    /// `InvalidLayout`, for the first mistake: no variants, a name or a number that another variant has, a number that the
    /// integer cannot hold, or numbers that are not integers.
    pub fn build(self) -> Result<DynLayout, Error> {
        let repr = Box::new(self.repr?);
        let (size, align) = (repr.size, repr.align);
        DynLayout::new(self.name, size, align, DynKind::Enum { repr, variants: self.variants }).checked()
    }
}
