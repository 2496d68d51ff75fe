//! The bytes of values whose layout is known at run time only.

use std::ops::Range;

use shared_value::{Access, Capacity, Dyn, DynData, DynKind, DynLayout, DynValue, Error, Initial, Synchronized};

use crate::error::MirrorError;

/// The most bytes of elements that a vector can be read and written with. Elements that are numbers take far more memory while
/// they are read, so of them there can be 4 million.
const VECTOR: usize = 64 << 20;

/// Returns the layout under all newtypes.
fn inner(layout: &DynLayout) -> &DynLayout {
    if let DynKind::Newtype { inner: below } = layout.kind() { inner(below) } else { layout }
}

/// Returns the layout of the elements of a vector, a text or bytes whose length changes.
pub(crate) fn vector(layout: &DynLayout) -> Option<&DynLayout> {
    if let DynKind::Vector { element } = inner(layout).kind() { Some(element) } else { None }
}

/// Returns the capacity of a value, if it is a vector.
pub(crate) fn capacity<A: Access>(value: &Synchronized<Dyn, A>) -> Option<u64> {
    value.capacity().ok().map(|capacity| capacity as u64)
}

/// Returns the number of bytes that [`copy`] would copy; `None` if the value is a vector that is too long to be copied.
pub(crate) fn size<A: Access>(value: &Synchronized<Dyn, A>) -> Result<Option<usize>, Error> {
    let Some(element) = vector(value.layout()) else { return Ok(Some(value.layout().size())) };
    let size = value.length()?.saturating_mul(element.size());
    Ok((size <= VECTOR).then_some(size))
}

/// Returns the capacity of a vector of which a follower is told, if it can have that many elements within the limit; `None` if
/// the value is not a vector.
///
/// # Errors
/// `Message` if the message does not say what the layout needs, or its elements are more than the capacity.
pub(crate) fn fitting_capacity(
    layout: &DynLayout,
    length: usize,
    told: Option<u64>,
    limit: usize,
) -> Result<Option<usize>, MirrorError> {
    match (vector(layout), told) {
        (None, None) => Ok(None),
        (Some(element), Some(told)) => {
            let most = limit.max(length) / element.size().max(1);
            Ok(Some(usize::try_from(told).map_or(most, |told| told.min(most))))
        }
        (vector, _) => {
            let what = |has| if has { "a capacity" } else { "no capacity" }.to_owned();
            Err(MirrorError::Message { expected: what(vector.is_some()), found: what(told.is_some()) })
        }
    }
}

/// Returns the elements of an array that lie in these bytes of it, at least in part; `None` if the value is not an array.
pub(crate) fn elements(layout: &DynLayout, bytes: &Range<usize>) -> Option<Range<usize>> {
    let DynKind::Array { element, .. } = inner(layout).kind() else { return None };
    (element.size() > 0).then(|| bytes.start / element.size()..bytes.end.div_ceil(element.size()))
}

/// Returns the size of an element of an array.
pub(crate) fn element_size(layout: &DynLayout) -> usize {
    if let DynKind::Array { element, .. } = inner(layout).kind() { element.size() } else { 0 }
}

/// Copies the bytes of a value; of a vector, those of its elements.
pub(crate) fn copy<A: Access>(value: &Synchronized<Dyn, A>, to: &mut Vec<u8>) -> Result<(), Error> {
    if let Some(element) = vector(value.layout()) {
        *to = bytes_of_elements(element, value.load()?)?;
        return Ok(());
    }
    to.resize(value.layout().size(), 0);
    value.read_bytes("", to)
}

/// Returns the bytes of the elements of a vector.
pub(crate) fn bytes_of_elements(element: &DynLayout, data: DynData) -> Result<Vec<u8>, Error> {
    match data {
        DynData::Newtype { inner, .. } => bytes_of_elements(element, *inner),
        DynData::Text(text) => Ok(text.into_bytes()),
        DynData::Bytes(bytes) => Ok(bytes),
        DynData::Array(elements) if elements.is_empty() => Ok(Vec::new()),
        data => {
            // A value of these elements knows how they are coded.
            let array = DynValue::new((DynLayout::slice(element.clone())?, data))?;
            let mut bytes = vec![0; array.layout().size()];
            array.read_bytes("", &mut bytes)?;
            Ok(bytes)
        }
    }
}

/// Returns the elements of a vector of this layout, given their bytes.
pub(crate) fn data_of_elements(layout: &DynLayout, bytes: &[u8]) -> Result<DynData, Error> {
    fn fill(data: DynData, element: &DynLayout, bytes: &[u8]) -> Result<DynData, Error> {
        Ok(match data {
            DynData::Newtype { name, inner } => {
                DynData::Newtype { name, inner: Box::new(fill(*inner, element, bytes)?) }
            }
            DynData::Text(_) => match String::from_utf8(bytes.to_vec()) {
                Ok(text) => DynData::Text(text),
                Err(error) => {
                    let (expected, found) = ("UTF-8".to_owned(), error.to_string());
                    return Err(Error::InvalidBits { field: "a text".to_owned(), expected, found });
                }
            },
            DynData::Bytes(_) => DynData::Bytes(bytes.to_vec()),
            _ if bytes.is_empty() => DynData::Array(Vec::new()),
            _ => DynValue::new((DynLayout::slice(element.clone())?, bytes))?.load()?,
        })
    }
    let Some(element) = vector(layout) else {
        return Err(Error::Unsupported { what: "only a vector has elements that come and go" });
    };
    // An empty value tells whether it is a text, bytes or an array.
    let empty = DynValue::new((layout.clone(), Capacity(0)))?.load()?;
    fill(empty, element, bytes)
}

/// Returns the source of a new value.
pub(crate) fn initial(layout: DynLayout, bytes: &[u8], capacity: Option<usize>) -> Result<Initial<'_, Dyn>, Error> {
    let Some(capacity) = capacity else { return Ok((layout, bytes).into()) };
    let data = data_of_elements(&layout, bytes)?;
    Ok((layout, data, Capacity(capacity)).into())
}

#[cfg(test)]
mod tests {
    use shared_value::{SharedString, SharedVec};

    use super::*;

    /// A follower would show other elements than the origin has.
    #[test]
    fn the_bytes_of_a_vector_make_the_same_vector() {
        let numbers = SharedVec::<u32>::new((&[7_u32, 8, 9][..], Capacity(10))).expect("there is memory");
        let token = numbers.token().expect("this process may be looked at");
        let value = DynValue::open(token).expect("it is a value");
        let element = vector(value.layout()).expect("it is a vector");
        let bytes = bytes_of_elements(element, value.load().expect("it is whole")).expect("it is a vector");
        assert_eq!(bytes, [7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0]);
        let data = data_of_elements(value.layout(), &bytes).expect("they are numbers");
        assert_eq!(data, value.load().expect("it is whole"));

        let text = SharedString::new(("grün", Capacity(10))).expect("there is memory");
        let token = text.token().expect("this process may be looked at");
        let value = DynValue::open(token).expect("it is a value");
        let data = data_of_elements(value.layout(), "grün".as_bytes()).expect("it is a text");
        assert_eq!(data, value.load().expect("it is whole"));
        assert!(data_of_elements(value.layout(), &[0xff]).is_err());
    }
}
