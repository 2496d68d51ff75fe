//! The functions of `DynAccessors` for bytes.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use std::mem::MaybeUninit;

use crate::accessors::host::{Root, Writer};
use crate::dynamic::accessors::DynAccessors;
use crate::dynamic::bytes::run::Run;
use crate::dynamic::contents::Dynamic;
use crate::dynamic::copy::Outside;
use crate::error::Error;
use crate::protocol::atomics::Ordering;
use crate::schema::place::{Place, shown};

/// Bytes: the value of a part as it lies in memory, in the order of the machine and with the padding of its layout. They are
/// copied as a whole, at the speed of `memcpy` unless there are bits to check.
impl<H: Root<Contents: Dynamic>> DynAccessors<H> {
    /// Copies the bytes of one part into a buffer, all of one version: with this thread's own writes if it holds the lock,
    /// otherwise the committed ones. Takes no lock. The empty path is the whole value.
    ///
    /// There is no limit to the size. Atomic fields of the value are as they are at some moment during the call.
    ///
    /// # Errors
    /// - `NoSuchPart` if the value has no part with this path.
    /// - `InvalidBits` if another process wrote bits that are not a value of the part's type. The buffer then holds them.
    ///
    /// # Panics
    /// If the buffer is not as long as the part. [`layout`](Self::layout) says how long that is.
    ///
    /// ```
    /// use shared_value::{DynValue, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-read-bytes-{}", std::process::id());
    /// let shared = Synchronized::create(&name, [[1_u16, 2], [3, 4]])?;
    /// let value = DynValue::open(&name)?;
    /// let mut bytes = vec![0; value.layout().size()];
    /// value.read_bytes("", &mut bytes)?;
    /// assert_eq!(bytes, [1, 0, 2, 0, 3, 0, 4, 0]);
    /// value.read_bytes("[1]", &mut bytes[..4])?;
    /// assert_eq!(bytes[..4], [3, 0, 4, 0]);
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[track_caller]
    pub fn read_bytes(&self, path: &str, to: &mut [u8]) -> Result<(), Error> {
        let run = Run::of(self.place_of_bytes(path)?);
        assert!(to.len() == run.size(), "`{}` has {} bytes, and the buffer {}", shown(path), run.size(), to.len());
        self.read_run(run, path, to)
    }

    /// Copies the bytes of some elements of an array into a buffer, as [`read_bytes`](Self::read_bytes) does: those from
    /// `first` on, as many as fill the buffer.
    ///
    /// # Errors
    /// The errors of [`read_bytes`](Self::read_bytes); `NoSuchPart` also if the part has no elements, or fewer.
    ///
    /// # Panics
    /// If the length of the buffer is not a multiple of that of an element.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue, Filled};
    ///
    /// let samples = DynValue::new((DynLayout::slice(DynLayout::of::<u32>()?)?, Filled(7_u32, 1_000)))?;
    /// let mut bytes = [0; 8];
    /// samples.read_elements("", 998, &mut bytes)?;
    /// assert_eq!(bytes, [7, 0, 0, 0, 7, 0, 0, 0]);
    /// assert!(samples.read_elements("", 999, &mut bytes).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[track_caller]
    pub fn read_elements(&self, path: &str, first: usize, to: &mut [u8]) -> Result<(), Error> {
        let run = Run::of_elements(self.place_of_bytes(path)?, path, first, to.len())?;
        assert!(to.len() == run.size(), "the buffer has {} bytes, which is not a whole number of elements", to.len());
        self.read_run(run, path, to)
    }

    /// Copies the bytes of some elements of an array into a buffer that need not be initialized, as
    /// [`read_elements`](Self::read_elements) does, and returns them. So a large copy does not cost another pass that clears it.
    ///
    /// # Errors
    /// The errors of [`read_elements`](Self::read_elements).
    ///
    /// # Panics
    /// If the length of the buffer is not a multiple of that of an element.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue, Filled};
    ///
    /// let samples = DynValue::new((DynLayout::slice(DynLayout::of::<u32>()?)?, Filled(7_u32, 1_000)))?;
    /// let mut bytes = Box::new_uninit_slice(8);
    /// assert_eq!(samples.read_elements_uninit("", 998, &mut bytes)?, [7, 0, 0, 0, 7, 0, 0, 0]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[track_caller]
    pub fn read_elements_uninit<'b>(
        &self,
        path: &str,
        first: usize,
        to: &'b mut [MaybeUninit<u8>],
    ) -> Result<&'b mut [u8], Error> {
        let run = Run::of_elements(self.place_of_bytes(path)?, path, first, to.len())?;
        assert!(to.len() == run.size(), "the buffer has {} bytes, which is not a whole number of elements", to.len());
        let bytes =
            run.load_uninit(to, &Outside(self.host().cell()), |bytes, copy| self.host().read_pieces(bytes, copy));
        run.check(bytes, path)?;
        Ok(bytes)
    }

    /// Returns the place of a part.
    fn place_of_bytes(&self, path: &str) -> Result<Place<'_>, Error> {
        self.host().facts().expect_fixed()?;
        Place::at(self.layout(), path)
    }

    fn read_run(&self, run: Run<'_>, path: &str, to: &mut [u8]) -> Result<(), Error> {
        run.load(to, &Outside(self.host().cell()), |bytes, copy| self.host().read_pieces(bytes, copy));
        run.check(to, path)
    }
}

impl<H: Root<Contents: Dynamic> + Writer> DynAccessors<H> {
    /// Replaces one part by a value that is given as bytes. With the empty path, replaces the whole value except its atomic
    /// fields. If this thread holds no guard, the change is committed at once. An atomic field is changed without the lock,
    /// and is never rolled back.
    ///
    /// Padding becomes zero, whatever the bytes say. In a struct that evolves, reserved bytes and padding stay as they are.
    ///
    /// # Errors
    /// - `WrongData` if there are not as many bytes as the part has, `InvalidBits` if they are not a value of the part's type,
    ///   `NoSuchPart` if there is no such part. Nothing was changed.
    /// - The errors of [`Synchronized::update`](crate::Synchronized::update) and of [`Guard::set`](crate::Guard::set).
    ///
    /// ```
    /// use shared_value::{DynValue, Error, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-write-bytes-{}", std::process::id());
    /// let shared = Synchronized::create(&name, [true, true, true])?;
    /// let value = DynValue::open(&name)?;
    /// value.write_bytes("", &[0, 1, 0])?;
    /// assert_eq!(shared.get(), [false, true, false]);
    /// assert!(matches!(value.write_bytes("[1]", &[2]), Err(Error::InvalidBits { .. })));
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn write_bytes(&self, path: &str, from: &[u8]) -> Result<(), Error> {
        let run = Run::of(self.place_of_bytes(path)?);
        self.write_run(run, path, from)
    }

    /// Replaces elements of an array by values that are given as bytes, from element `first` on, all in one commit; see
    /// [`write_bytes`](Self::write_bytes).
    ///
    /// # Errors
    /// The errors of [`write_bytes`](Self::write_bytes); `NoSuchPart` also if the part has no elements, or fewer.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue, Filled};
    ///
    /// let samples = DynValue::new((DynLayout::slice(DynLayout::of::<u16>()?)?, Filled(7_u16, 1_000)))?;
    /// samples.write_elements("", 998, &[1, 0, 2, 0])?;
    /// assert_eq!(samples.get("[999]")?.as_u64(), Some(2));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn write_elements(&self, path: &str, first: usize, from: &[u8]) -> Result<(), Error> {
        let run = Run::of_elements(self.place_of_bytes(path)?, path, first, from.len())?;
        self.write_run(run, path, from)
    }

    fn write_run(&self, run: Run<'_>, path: &str, from: &[u8]) -> Result<(), Error> {
        if from.len() != run.size() {
            return Err(Error::WrongData {
                field: if path.is_empty() { self.layout().innermost_name().to_owned() } else { shown(path) },
                expected: format!("{} bytes", run.size()),
                found: format!("{} bytes", from.len()),
            });
        }
        run.check(from, path)?;
        if let Some(words) = run.atomic() {
            for (number, word) in Run::words(words, from) {
                self.host().word(number).store(word, Ordering::Release);
            }
            return Ok(());
        }
        if let Some(counters) = run.counters() {
            return self.set_totals(run.range().start, counters, from);
        }
        let bytes = run.cleaned(from);
        self.host().change(&run.range(), |slot| run.store::<H::Merge>(slot, &bytes))
    }
}
