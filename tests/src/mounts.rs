//! Mounts that only this process and its children see.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::{getegid, geteuid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Enters a new mount namespace, in which this process may mount. The process must have one thread.
///
/// # Errors
/// The error of the kernel, if it forbids namespaces.
pub fn own_mounts() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    let flags = if user.is_root() { UnshareFlags::NEWNS } else { UnshareFlags::NEWNS | UnshareFlags::NEWUSER };
    // SAFETY: nothing but the view of the file system changes, and this process has one thread.
    unsafe { unshare_unsafe(flags) }?;
    if !user.is_root() {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
        fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))?;
    }
    // Mounts of this namespace must not appear in others.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    Ok(())
}

/// Mounts a file system in memory of this size.
///
/// # Panics
/// If the process has no mount namespace of its own.
pub fn mount_tmpfs(at: impl AsRef<Path>, bytes: usize) {
    let options = CString::new(format!("size={bytes},mode=1777")).expect("no NUL");
    mount("none", at.as_ref(), "tmpfs", MountFlags::empty(), Some(&*options)).expect("this process may mount");
}

/// Shows this text in place of a file, such as one in `/proc`. `scratch` is a directory for the text.
///
/// # Panics
/// If the process has no mount namespace of its own.
pub fn show_instead(text: &str, file: &str, scratch: &Path) {
    let source = scratch.join(file.replace('/', "-"));
    fs::write(&source, text).expect("the directory is writable");
    mount_bind(&source, file).expect("this process may mount");
}
