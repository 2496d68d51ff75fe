//! Reading memory that may not be there.
#![allow(unsafe_code)]

/// Copies bytes from an address of this process, without a fault where nothing is mapped.
///
/// `None` if they cannot be read, or if the kernel does not let this process ask.
pub(crate) fn read<const LENGTH: usize>(address: usize) -> Option<[u8; LENGTH]> {
    let mut bytes = [0_u8; LENGTH];
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: LENGTH };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: LENGTH };
    let process = std::process::id().cast_signed();
    // SAFETY: `local` is `bytes`, which lives and is not read meanwhile; the kernel checks `remote` itself.
    let copied = unsafe { libc::process_vm_readv(process, &raw const local, 1, &raw const remote, 1, 0) };
    (usize::try_from(copied) == Ok(LENGTH)).then_some(bytes)
}
