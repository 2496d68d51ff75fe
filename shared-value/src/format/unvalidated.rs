//! `UnvalidatedHeader`: the first bytes of a file that may be a segment.

use bytemuck::Pod;

use crate::format::Invalid;

/// A copy of the start of a file that may be a segment. It has not been checked.
#[derive(Debug)]
pub(crate) struct UnvalidatedHeader {
    /// At most `MAX_PREFIX` bytes.
    pub(crate) prefix: Vec<u8>,
    /// The number of bytes of the whole file.
    pub(crate) file_length: u64,
}

impl UnvalidatedHeader {
    pub(super) fn read<R: Pod>(&self, field: &'static str, offset: u64) -> Result<R, Invalid> {
        let size = size_of::<R>();
        let bytes = self.bytes(field, offset, size as u64)?;
        Ok(bytemuck::pod_read_unaligned(bytes))
    }

    /// Returns bytes of the prefix.
    ///
    /// # Errors
    /// If they do not lie in the prefix.
    pub(super) fn bytes(&self, field: &'static str, offset: u64, size: u64) -> Result<&[u8], Invalid> {
        let end = offset.checked_add(size);
        let range = usize::try_from(offset).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
        range.and_then(|(start, end)| self.prefix.get(start..end)).ok_or_else(|| {
            let found = format!("{size} bytes at {offset}");
            Invalid::new(field, format!("all of it in the first {} bytes", self.prefix.len()), found)
        })
    }
}
