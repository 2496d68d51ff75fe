//! Layouts made by code: structs, arrays and the types inside of them.

use crate::error::Error;
use crate::format::growth::{BYTES, TEXT};
use crate::layout::{AtomicField, CountedField, DEFAULT_LANES, Item, SharedValue};
use crate::schema::dyn_layout::{Typecode, invalid_layout};
use crate::schema::parse::{read, sized};
use crate::schema::text::is_of_name;
use crate::schema::{DynField, DynKind, DynLayout};

impl DynLayout {
    /// Begins the layout of a `#[repr(C)]` struct.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Order { side: u8, price: f64, sizes: [u32; 3], #[shared(atomic)] fills: u64 }
    ///
    /// let layout = DynLayout::structure("Order")
    ///     .field::<u8>("side")
    ///     .field::<f64>("price")
    ///     .field_of("sizes", DynLayout::array(DynLayout::of::<u32>()?, 3)?)
    ///     .atomic::<u64>("fills")
    ///     .build()?;
    /// assert_eq!(layout, DynLayout::of::<Order>()?);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn structure(name: &str) -> DynStruct {
        let error = check_name(name).err();
        DynStruct { name: name.to_owned(), fields: Vec::new(), end: 0, align: 1, evolves: false, lanes: 0, error }
    }

    /// Returns the layout of an array of this number of elements.
    ///
    /// # Errors
    /// `InvalidLayout` if there are no elements, or more than memory can hold, or if the elements are bytes with a typecode,
    /// which only a field can be.
    pub fn array(element: Self, length: usize) -> Result<Self, Error> {
        let size = element.size.saturating_mul(length);
        Self::new("array", size, element.align, DynKind::Array { length, element: Box::new(element) }).checked()
    }

    /// Returns the layout of a [`SharedArray`](crate::SharedArray): an array whose length only the segment knows.
    ///
    /// # Errors
    /// `InvalidLayout` if the layout cannot be that of an array element.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue, Filled};
    ///
    /// let layout = DynLayout::slice(DynLayout::of::<f64>()?)?;
    /// assert_eq!(layout.type_text(), "[f64]");
    /// let samples = DynValue::new((layout, Filled(0.5, 1_000_000)))?;
    /// assert_eq!(samples.get("[999999]")?.as_f64(), Some(0.5));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn slice(element: Self) -> Result<Self, Error> {
        Self::new("array", 0, element.align, DynKind::Slice { element: Box::new(element) }).checked()
    }

    /// Returns the layout of a [`SharedVec`](crate::SharedVec): an array whose length changes.
    ///
    /// # Errors
    /// `InvalidLayout` if the layout cannot be that of an array element.
    ///
    /// ```
    /// use shared_value::{Capacity, DynData, DynLayout, DynValue};
    ///
    /// let layout = DynLayout::vector(DynLayout::of::<u32>()?)?;
    /// assert_eq!(layout.type_text(), "[u32; ..]");
    /// let jobs = DynValue::new((layout, Capacity(1_000)))?;
    /// jobs.extend(vec![DynData::from(7_u64), DynData::from(8_u64)])?;
    /// assert_eq!(jobs.to_string(), "[7, 8]");
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn vector(element: Self) -> Result<Self, Error> {
        Self::new("vector", 0, element.align, DynKind::Vector { element: Box::new(element) }).checked()
    }

    /// Returns the layout of a [`SharedString`](crate::SharedString): a text whose length changes.
    ///
    /// ```
    /// use shared_value::{Capacity, DynLayout, DynValue};
    ///
    /// let motto = DynValue::new((DynLayout::shared_string(), "festina lente", Capacity(1_000)))?;
    /// motto.set("", "per aspera")?;
    /// motto.extend(" ad astra")?;
    /// assert_eq!(motto.load()?.as_str(), Some("per aspera ad astra"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn shared_string() -> Self {
        Self::growing_bytes(TEXT)
    }

    /// Returns the layout of a [`SharedBytes`](crate::SharedBytes): bytes whose number changes.
    ///
    /// ```
    /// use shared_value::{Capacity, DynData, DynLayout, DynValue};
    ///
    /// let message = DynValue::new((DynLayout::shared_bytes(), Capacity(1_000)))?;
    /// message.set("", DynData::Bytes(vec![1, 2, 3]))?;
    /// message.truncate(2)?;
    /// assert_eq!(message.load()?, DynData::Bytes(vec![1, 2]));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn shared_bytes() -> Self {
        Self::growing_bytes(BYTES)
    }

    fn growing_bytes(name: &'static str) -> Self {
        let byte = Self::new("u8", 1, 1, DynKind::Integer { is_signed: false });
        let vector = Self::new("vector", 0, 1, DynKind::Vector { element: Box::new(byte) });
        Self::new(name, 0, 1, DynKind::Newtype { inner: Box::new(vector) })
    }

    /// Returns the layout of a [`FixedStr`](crate::FixedStr): text in this number of bytes.
    ///
    /// # Errors
    /// `InvalidLayout` if there are no bytes, or more than memory can hold.
    pub fn text(size: usize) -> Result<Self, Error> {
        Self::new("FixedStr", size, 1, DynKind::Text).checked()
    }

    /// Returns the layout of bytes whose type is known only to the program.
    ///
    /// # Errors
    /// `InvalidLayout` if the alignment is not a power of two, or the size not a multiple of the alignment.
    pub fn bytes(size: usize, align: usize) -> Result<Self, Error> {
        Self::new("bytes", size, align, DynKind::Bytes).checked()
    }

    /// Returns the layout of a [`Reserved`](crate::Reserved): bytes for fields of later versions. It can only be a field of a
    /// struct that [evolves](DynStruct::evolves).
    ///
    /// # Errors
    /// `InvalidLayout` if there are no bytes, or more than memory can hold.
    pub fn reserved(size: usize) -> Result<Self, Error> {
        Self::new("Reserved", size, 1, DynKind::Reserved).checked()
    }

    /// Returns the layout of a `#[shared(pod)]` field with a typecode: bytes that are read, written and printed as the
    /// typecode says. It can only be a field.
    ///
    /// # Errors
    /// `InvalidLayout` if the typecode is not one item of the notation, and the errors of [`bytes`](Self::bytes).
    ///
    /// ```
    /// use shared_value::{DynLayout, DynData, DynValue};
    ///
    /// let order = if cfg!(target_endian = "little") { '<' } else { '>' };
    /// let color = DynLayout::pod(&format!("T{{{order}H:red:{order}H:green:{order}H:blue:}}"), 2)?;
    /// let layout = DynLayout::structure("Pixel").field_of("color", color).build()?;
    /// assert_eq!(layout.part("color.green")?.offset(), 2);
    /// assert_eq!(layout.decode(&[0; 6])?.to_string(), "Pixel { color: {red: 0, green: 0, blue: 0} }");
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn pod(typecode: &str, align: usize) -> Result<Self, Error> {
        let item = Item::parse(typecode)
            .map_err(|reason| Error::InvalidLayout { name: typecode.to_owned(), reason: reason.to_owned() })?;
        let layout = Self::new("bytes", item.size(), align, DynKind::Bytes);
        let typecode = Some(Box::new(Typecode::of(typecode, item.size())));
        sized(Self { typecode, ..layout }).map_err(|invalid| invalid_layout("bytes", &invalid))
    }

    /// Returns the layout of a `#[repr(transparent)]` struct.
    ///
    /// # Errors
    /// `InvalidLayout` if no type can have the name, or the wrapped layout is not that of a value.
    pub fn newtype(name: &str, inner: Self) -> Result<Self, Error> {
        check_name(name)?;
        Self::new(name.to_owned(), inner.size, inner.align, DynKind::Newtype { inner: Box::new(inner) }).checked()
    }

    /// Gives another name to a struct, an enum or a newtype.
    ///
    /// # Errors
    /// `InvalidLayout` if no type can have the name, or if types of this kind have no names of their own.
    pub fn renamed(self, name: &str) -> Result<Self, Error> {
        check_name(name)?;
        if let DynKind::Struct { .. } | DynKind::Newtype { .. } | DynKind::Enum { .. } = self.kind {
            return Self { name: name.to_owned().into(), ..self }.checked();
        }
        let reason = "only a struct, an enum or a newtype has a name of its own".to_owned();
        Err(Error::InvalidLayout { name: self.name.into_owned(), reason })
    }

    /// Checks that reading the schema of the layout returns the same layout, so that a segment can hold every layout that is
    /// made by code.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        match read(&self.to_string()) {
            Ok(read) if read == self => Ok(self),
            Ok(read) => {
                let reason = format!("its schema would be read as that of `{}`", read.type_text());
                Err(Error::InvalidLayout { name: self.name.into_owned(), reason })
            }
            Err(invalid) => Err(invalid_layout(&self.name, &invalid)),
        }
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if !name.is_empty() && name.chars().all(is_of_name) {
        return Ok(());
    }
    let reason = "expected a name of letters, digits and `_`".to_owned();
    Err(Error::InvalidLayout { name: name.escape_debug().to_string(), reason })
}

/// Builds the layout of a struct, as `#[repr(C)]` does. Returned by [`DynLayout::structure`].
///
/// Each field lies at the next multiple of its alignment, and the size is a multiple of the largest alignment.
#[derive(Debug)]
#[must_use = "a layout is complete when it is built"]
pub struct DynStruct {
    name: String,
    fields: Vec<DynField>,
    end: usize,
    align: usize,
    evolves: bool,
    /// The lanes of its counters; 0 for the usual number.
    lanes: usize,
    /// The first mistake.
    error: Option<Error>,
}

impl DynStruct {
    /// Adds a field of a type that this program knows.
    pub fn field<F: SharedValue>(self, name: &str) -> Self {
        self.known::<F>(name, false)
    }

    /// Adds a field of any layout.
    pub fn field_of(self, name: &str, layout: DynLayout) -> Self {
        self.with(name, layout, false)
    }

    /// Adds a `#[shared(atomic)]` field: if the struct is the value itself, the field is changed without the lock.
    pub fn atomic<F: AtomicField>(self, name: &str) -> Self {
        self.known::<F>(name, true)
    }

    /// Adds an atomic field of any layout that an atomic field can have: `u64`, `i64`, `f64`, `bool`, or an array of these.
    /// [`build`](Self::build) fails for any other.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Server { #[shared(atomic)] by_status: [u64; 6] }
    ///
    /// let by_status = DynLayout::array(DynLayout::of::<u64>()?, 6)?;
    /// let layout = DynLayout::structure("Server").atomic_of("by_status", by_status).build()?;
    /// assert_eq!(layout, DynLayout::of::<Server>()?);
    /// assert!(DynLayout::structure("Server").atomic_of("requests", DynLayout::of::<u32>()?).build().is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn atomic_of(self, name: &str, layout: DynLayout) -> Self {
        self.with(name, layout, true)
    }

    /// Adds a `#[shared(counter)]` field: it counts in lanes, without the lock. A struct with counters can only be the value itself.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue};
    ///
    /// let layout = DynLayout::structure("Server").counter::<u64>("hits").lanes(4).build()?;
    /// assert!(layout.to_string().contains("\nhits: lanes<4> u64 @0\n"));
    /// let server = DynValue::new(layout)?;
    /// server.add("hits", 3)?;
    /// assert_eq!(server.get("hits")?.as_u64(), Some(3));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn counter<F: CountedField>(self, name: &str) -> Self {
        self.known::<F>(name, false).counting()
    }

    /// Adds a counter of any layout that a counter can have: `u64`, or an array of `u64`. [`build`](Self::build) fails for any other.
    ///
    /// ```
    /// use shared_value::{DynLayout, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Server { #[shared(counter)] by_status: [u64; 6] }
    ///
    /// let by_status = DynLayout::array(DynLayout::of::<u64>()?, 6)?;
    /// let layout = DynLayout::structure("Server").counter_of("by_status", by_status).build()?;
    /// assert_eq!(layout, DynLayout::of::<Server>()?);
    /// assert!(DynLayout::structure("Server").counter_of("hits", DynLayout::of::<i64>()?).build().is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn counter_of(self, name: &str, layout: DynLayout) -> Self {
        self.with(name, layout, false).counting()
    }

    /// Sets the number of lanes of the counters, as `#[shared(lanes = ..)]` does: from 1 to 4096; without this, 16.
    pub fn lanes(self, lanes: usize) -> Self {
        Self { lanes, ..self }
    }

    /// Aligns the struct to at least this number of bytes, as `#[repr(C, align(..))]` does.
    pub fn align(self, align: usize) -> Self {
        Self { align: self.align.max(align), ..self }
    }

    /// Lets programs with other versions of the struct share its values, as `#[shared(evolves)]` does.
    ///
    /// ```
    /// use shared_value::DynLayout;
    ///
    /// let layout = DynLayout::structure("Account")
    ///     .field::<i64>("balance")
    ///     .field_of("spare", DynLayout::reserved(16)?)
    ///     .evolves()
    ///     .build()?;
    /// assert!(layout.evolves() && layout.to_string().contains("\nspare: Reserved<16> @8\n"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn evolves(self) -> Self {
        Self { evolves: true, ..self }
    }

    /// Completes the layout.
    ///
    /// # Errors
    /// `InvalidLayout`, for the first mistake: a name that is taken or that no field can have, no fields, an alignment that
    /// is not a power of two, an array without a length, more than 128 types inside of each other, or a schema of more than
    /// 1 MiB.
    pub fn build(self) -> Result<DynLayout, Error> {
        let Self { name, fields, end, align, evolves, lanes, error } = self;
        if let Some(error) = error {
            return Err(error);
        }
        let size = end.checked_next_multiple_of(align).unwrap_or(usize::MAX);
        let lanes = match fields.iter().any(|field| field.is_counter) {
            true if lanes == 0 => DEFAULT_LANES,
            false if lanes > 0 => {
                return Err(Error::InvalidLayout {
                    name,
                    reason: "only counters have lanes: add a `counter`".to_owned(),
                });
            }
            _ => lanes,
        };
        let layout = DynLayout::new(name, size, align, DynKind::Struct { fields });
        DynLayout { evolves, lanes, ..layout }.checked()
    }

    fn known<F: SharedValue>(self, name: &str, is_atomic: bool) -> Self {
        match DynLayout::of::<F>() {
            Ok(layout) => self.with(name, layout, is_atomic),
            Err(error) => self.or_error(error),
        }
    }

    fn with(mut self, name: &str, layout: DynLayout, is_atomic: bool) -> Self {
        if let Err(error) = check_name(name) {
            return self.or_error(error);
        }
        if layout.size == 0 {
            let reason = "a field has a length of its own: expected an array, found a slice".to_owned();
            return self.or_error(Error::InvalidLayout { name: name.to_owned(), reason });
        }
        let offset = self.end.checked_next_multiple_of(layout.align);
        let Some((offset, end)) = offset.and_then(|offset| Some((offset, offset.checked_add(layout.size)?))) else {
            let reason = "the struct would be larger than memory".to_owned();
            return self.or_error(Error::InvalidLayout { name: name.to_owned(), reason });
        };
        (self.end, self.align) = (end, self.align.max(layout.align));
        self.fields.push(DynField { name: name.to_owned(), offset, layout, is_atomic, is_counter: false });
        self
    }

    /// Makes the last field a counter.
    fn counting(mut self) -> Self {
        if self.error.is_none()
            && let Some(field) = self.fields.last_mut()
        {
            field.is_counter = true;
        }
        self
    }

    fn or_error(self, error: Error) -> Self {
        Self { error: self.error.or(Some(error)), ..self }
    }
}
