//! What a new dynamic value is made from: a layout, alone or with data.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::cell::parts::Parts;
use crate::copy::{Alone, store_from};
use crate::dynamic::DynData;
use crate::dynamic::contents::{Dyn, DynFacts};
use crate::dynamic::decode::check_zeros;
use crate::dynamic::encode::encode;
use crate::error::Error;
use crate::handle::initial::Initial;
use crate::handle::initialize::Initialize;
use crate::layout::zero_extended;
use crate::protocol::atomics::Ordering;
use crate::schema::invalid_layout;
use crate::schema::place::Place;
use crate::schema::{DynKind, DynLayout, limit};

/// A layout, and the data of the first value; without data, all bytes are zeros.
#[derive(Debug)]
pub(crate) struct DynSource {
    layout: DynLayout,
    data: Option<DynData>,
    /// The data as bytes, once that is known to fit the layout.
    bytes: OnceCell<Vec<u8>>,
}

/// A value all bytes of which are zeros.
impl From<DynLayout> for Initial<'_, Dyn> {
    fn from(layout: DynLayout) -> Self {
        Self(DynSource { layout, data: None, bytes: OnceCell::new() })
    }
}

/// A value that holds the data. Its atomic fields may be left out: they are zero.
impl<D: Into<DynData>> From<(DynLayout, D)> for Initial<'_, Dyn> {
    fn from((layout, data): (DynLayout, D)) -> Self {
        Self(DynSource { layout, data: Some(data.into()), bytes: OnceCell::new() })
    }
}

impl Initialize for Dyn {
    type Source<'a> = DynSource;

    /// Checks the layout and the data.
    ///
    /// # Errors
    /// - `InvalidLayout` if no segment can hold a value of the layout.
    /// - `WrongData` if the data does not fit the layout, `InvalidBits` if zeros are not a value of it.
    /// - `Unsupported` if there are more data than can be written at once.
    fn facts_of(source: &DynSource) -> Result<Arc<DynFacts>, Error> {
        let layout = source.layout.clone().checked()?;
        let size = size_of(&layout, source.data.as_ref())?;
        let facts = DynFacts::of(layout, size).map_err(|invalid| invalid_layout(source.layout.name(), &invalid))?;
        if facts.shape().checked_length().is_none() {
            let reason = format!("no memory holds two copies of {size} bytes");
            return Err(Error::InvalidLayout { name: source.layout.type_text(), reason });
        }
        match &source.data {
            Some(data) => {
                limit::check(&facts.layout)?;
                let bytes = encode(Place::of_value(&facts.layout), "", data)?;
                source.bytes.get_or_init(|| bytes);
            }
            None => check_zeros(&facts.layout)?,
        }
        Ok(facts)
    }

    fn is_zeroed(source: &DynSource) -> bool {
        source.data.is_none()
    }

    fn write(source: &DynSource, parts: &Parts<'_, Self>) {
        let Some(bytes) = source.bytes.get() else { return };
        parts.slots().initialize(|slot| store_from::<Alone>(slot, 0, bytes));
        for (field, words) in source.layout.atomic_words() {
            let bytes = &bytes[field.offset..][..field.layout.size];
            for (number, bytes) in bytes.chunks_exact(bytes.len() / words.count).enumerate() {
                parts.atomic(words.first + number).store(zero_extended(bytes), Ordering::Relaxed);
            }
        }
    }
}

/// Returns the bytes of a value: of a slice, as many as its elements need.
fn size_of(layout: &DynLayout, data: Option<&DynData>) -> Result<usize, Error> {
    let DynKind::Slice { element } = &layout.kind else { return Ok(layout.size) };
    if let Some(DynData::Array(elements)) = data.map(DynData::unwrapped) {
        return Ok(elements.len().saturating_mul(element.size));
    }
    let reason = "a slice has no length of its own: create it from an array of its elements".to_owned();
    Err(Error::InvalidLayout { name: layout.type_text(), reason })
}
