//! The source of a new dynamic value: a layout, alone or with data.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use crate::arena::Capacity;
use crate::cell::parts::Parts;
use crate::copy::{Alone, store_from};
use crate::dynamic::DynData;
use crate::dynamic::bytes::initial;
use crate::dynamic::contents::{Dyn, DynFacts};
use crate::dynamic::decode::check_zeros;
use crate::dynamic::encode::encode;
use crate::dynamic::limit;
use crate::dynamic::vector::Elements;
use crate::error::Error;
use crate::format::growth::Growth;
use crate::handle::initial::{Filled, Initial};
use crate::handle::initialize::Initialize;
use crate::handle::replace;
use crate::layout::zero_extended;
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::schema::invalid_layout;
use crate::schema::place::Place;
use crate::schema::{DynKind, DynLayout};

/// A layout, and the data of the first value.
#[derive(Debug)]
pub(crate) struct DynSource<'a> {
    layout: DynLayout,
    data: Data<'a>,
    /// The data as bytes, once it is known to fit the layout; for a slice that is filled, the bytes of one element.
    bytes: OnceCell<Vec<u8>>,
}

#[derive(Debug)]
enum Data<'a> {
    Zeros,
    Whole(DynData),
    Bytes(&'a [u8]),
    /// An element of a slice, and the number of elements.
    Filled(DynData, usize),
    /// The elements of a vector, and its capacity.
    Vector(Option<DynData>, usize),
}

impl<'a> DynSource<'a> {
    fn of(layout: DynLayout, data: Data<'a>) -> Self {
        Self { layout, data, bytes: OnceCell::new() }
    }
}

/// A value whose bytes are all zeros.
impl From<DynLayout> for Initial<'_, Dyn> {
    fn from(layout: DynLayout) -> Self {
        Self(DynSource::of(layout, Data::Zeros))
    }
}

/// A value that holds the data. Its atomic fields may be left out: they are zero.
impl<D: Into<DynData>> From<(DynLayout, D)> for Initial<'_, Dyn> {
    fn from((layout, data): (DynLayout, D)) -> Self {
        Self(DynSource::of(layout, Data::Whole(data.into())))
    }
}

/// A value that is given as bytes, in the order of the machine and with the padding of its layout. Padding becomes zero. For a
/// [slice](DynLayout::slice), the number of bytes tells the number of elements.
impl<'a> From<(DynLayout, &'a [u8])> for Initial<'a, Dyn> {
    fn from((layout, bytes): (DynLayout, &'a [u8])) -> Self {
        Self(DynSource::of(layout, Data::Bytes(bytes)))
    }
}

/// An array of equal elements, whose layout is a [slice](DynLayout::slice).
impl<D: Into<DynData>> From<(DynLayout, Filled<D>)> for Initial<'_, Dyn> {
    fn from((layout, Filled(element, length)): (DynLayout, Filled<D>)) -> Self {
        Self(DynSource::of(layout, Data::Filled(element.into(), length)))
    }
}

/// An empty vector, text or bytes whose length changes, with at most this many elements or bytes.
impl From<(DynLayout, Capacity)> for Initial<'_, Dyn> {
    fn from((layout, Capacity(capacity)): (DynLayout, Capacity)) -> Self {
        Self(DynSource::of(layout, Data::Vector(None, capacity)))
    }
}

/// A vector, a text or bytes whose length changes, with these elements, and at most this many.
impl<D: Into<DynData>> From<(DynLayout, D, Capacity)> for Initial<'_, Dyn> {
    fn from((layout, data, Capacity(capacity)): (DynLayout, D, Capacity)) -> Self {
        Self(DynSource::of(layout, Data::Vector(Some(data.into()), capacity)))
    }
}

impl replace::sealed::Former for DynData {
    type Contents = Dyn;
    type Others = Dyn;
}

impl Initialize for Dyn {
    type Source<'a> = DynSource<'a>;

    /// Checks the layout and the data.
    ///
    /// # Errors
    /// - `InvalidLayout` if no segment can hold a value of the layout.
    /// - `WrongData` if the data does not fit the layout, `InvalidBits` if zeros or the given bytes are not a value of it.
    /// - `Unsupported` if there is more data than can be written at once.
    fn facts_of(source: &DynSource<'_>) -> Result<Arc<DynFacts>, Error> {
        let DynSource { layout, data, bytes } = source;
        if let Data::Vector(elements, capacity) = data {
            return vector_facts(layout, elements.as_ref(), *capacity, bytes);
        }
        let size = size_of(layout, data)?;
        let facts = DynFacts::of(layout.clone().checked()?, size);
        let facts = facts.map_err(|invalid| invalid_layout(layout.name(), &invalid))?;
        if facts.shape().checked_length().is_none() {
            let reason = format!("no memory holds two copies of {size} bytes");
            return Err(Error::InvalidLayout { name: layout.type_text(), reason });
        }
        let (place, data) = match (data, &layout.kind) {
            (Data::Filled(data, _), DynKind::Slice { element }) => {
                (Place { is_value: false, ..Place::of_value(element) }, data)
            }
            (Data::Whole(data) | Data::Filled(data, _), _) => (Place::of_value(&facts.layout), data),
            (Data::Zeros, _) => {
                check_zeros(&facts.layout)?;
                return Ok(facts);
            }
            (Data::Bytes(given), _) => {
                let cleaned = initial(&facts.layout, given)?;
                bytes.get_or_init(|| cleaned);
                return Ok(facts);
            }
            (Data::Vector(..), _) => return Ok(facts),
        };
        limit::check(place.layout)?;
        let encoded = encode(place, "", data)?;
        bytes.get_or_init(|| encoded);
        Ok(facts)
    }

    fn is_zeroed(source: &DynSource<'_>) -> bool {
        let is_zeroed = |bytes: &Vec<u8>| bytes.iter().all(|byte| *byte == 0);
        match source.data {
            Data::Zeros => true,
            Data::Filled(..) => source.bytes.get().is_some_and(is_zeroed),
            Data::Vector(..) => source.bytes.get().is_none_or(Vec::is_empty),
            Data::Whole(_) | Data::Bytes(_) => false,
        }
    }

    fn write(source: &DynSource<'_>, parts: &Parts<'_, Self>) {
        let Some(bytes) = source.bytes.get() else { return };
        if let Data::Vector(..) = source.data {
            let Some(element) = source.layout.vector_element() else { return };
            let end = Growth::HEAD + bytes.len();
            return parts.slots().initialize_up_to(end, |slot| {
                store_from::<Alone>(slot, Growth::HEAD, bytes);
                slot[0].store((bytes.len() / element.size) as u64, Ordering::Relaxed);
            });
        }
        let length = if let Data::Filled(_, length) = source.data { length } else { 1 };
        // The baselines are zero, whatever the totals are.
        let mut in_slot = Cow::from(bytes);
        for (field, _) in source.layout.counters() {
            in_slot.to_mut()[field.offset..][..field.layout.size].fill(0);
        }
        parts.slots().initialize(|slot| fill(slot, &in_slot, length));
        for (field, words) in source.layout.atomic_words() {
            let bytes = &bytes[field.offset..][..field.layout.size];
            for (number, bytes) in bytes.chunks_exact(bytes.len() / words.count).enumerate() {
                parts.atomic(words.first + number).store(zero_extended(bytes), Ordering::Relaxed);
            }
        }
        for (field, counters) in source.layout.counters() {
            let bytes = &bytes[field.offset..][..field.layout.size];
            for (number, bytes) in bytes.chunks_exact(bytes.len() / counters.count).enumerate() {
                parts.lanes().spare(counters.first + number).store(zero_extended(bytes), Ordering::Relaxed);
            }
        }
    }
}

/// Returns the facts of a new vector. Notes the bytes of its elements.
///
/// # Errors
/// Those of `facts_of`; `VectorFull` if there are more elements than the capacity; `Io` if no memory has such a capacity.
fn vector_facts(
    layout: &DynLayout,
    elements: Option<&DynData>,
    capacity: usize,
    bytes: &OnceCell<Vec<u8>>,
) -> Result<Arc<DynFacts>, Error> {
    let invalid = |reason: &str| Error::InvalidLayout { name: layout.type_text(), reason: reason.to_owned() };
    let layout = layout.clone().checked()?;
    let Some(size) = layout.vector_element().map(|element| element.size) else {
        return Err(invalid("only a vector, a text or bytes whose length changes have a capacity"));
    };
    let encoded = elements.map_or(Ok(Vec::new()), |elements| Elements::encode(&layout, elements))?;
    let length = encoded.len() / size;
    if length > capacity {
        return Err(Error::VectorFull { name: "a new vector".to_owned(), needed: length, capacity });
    }
    let growth = Growth::of_capacity(size, capacity).ok_or_else(|| {
        let what = format!("reserve address space for {capacity} elements of {size} bytes");
        Error::io(what, io::ErrorKind::OutOfMemory)
    })?;
    let facts = DynFacts::of_vector(layout.clone(), growth, length);
    let facts = facts.map_err(|invalid| invalid_layout(layout.name(), &invalid))?;
    bytes.get_or_init(|| encoded);
    Ok(facts)
}

/// Writes these bytes to a slot this number of times, one after the other.
fn fill(slot: &[AtomicU64], bytes: &[u8], times: usize) {
    // Elements are copied page by page, because copies of a few bytes cost several times as much per byte.
    const PART: usize = 4096;
    if times == 1 {
        return store_from::<Alone>(slot, 0, bytes);
    }
    let part = bytes.repeat(times.min(PART.div_ceil(bytes.len())));
    let end = times * bytes.len();
    for start in (0..end).step_by(part.len().max(1)) {
        store_from::<Alone>(slot, start, &part[..part.len().min(end - start)]);
    }
}

/// Returns the number of bytes of a value; for a slice, of all its elements.
fn size_of(layout: &DynLayout, data: &Data<'_>) -> Result<usize, Error> {
    if layout.vector_element().is_some() {
        let reason = "a vector is created with a `Capacity`: the greatest number of its elements".to_owned();
        return Err(Error::InvalidLayout { name: layout.type_text(), reason });
    }
    let reason = match (&layout.kind, data) {
        (DynKind::Slice { element }, Data::Filled(_, length)) => return Ok(length.saturating_mul(element.size)),
        (DynKind::Slice { element }, Data::Whole(DynData::Array(elements))) => {
            return Ok(elements.len().saturating_mul(element.size));
        }
        (DynKind::Slice { .. }, Data::Bytes(bytes)) => return Ok(bytes.len()),
        (_, Data::Bytes(bytes)) if bytes.len() != layout.size => {
            return Err(Error::WrongData {
                field: layout.type_text(),
                expected: format!("{} bytes", layout.size),
                found: format!("{} bytes", bytes.len()),
            });
        }
        (DynKind::Slice { .. }, _) => "a slice has no length of its own: create it from its elements, or `Filled`",
        (_, Data::Filled(..)) => "only a slice can be `Filled`: the length of an array is in its layout",
        _ => return Ok(layout.size),
    };
    Err(Error::InvalidLayout { name: layout.type_text(), reason: reason.to_owned() })
}
