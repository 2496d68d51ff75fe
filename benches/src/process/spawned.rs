//! Starts a child by the C library's `posix_spawn`, which can make one child inherit a descriptor, as `Command` cannot.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::ptr;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, WaitOptions, waitpid};

/// Runs the program of a command, with its arguments and environment. The child has a duplicate of the descriptor under
/// `number`.
///
/// # Errors
/// If the program cannot be started, or fails.
pub fn run_with(command: &Command, descriptor: BorrowedFd<'_>, number: RawFd) -> Result<()> {
    let program = c_string(command.get_program())?;
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words = words.map(c_string).collect::<Result<Vec<_>>>()?;
    let mut variables: BTreeMap<OsString, OsString> = env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => variables.insert(name.to_owned(), value.to_owned()),
            None => variables.remove(name),
        };
    }
    let entry = |(name, value): (OsString, OsString)| c_string(&[name.as_os_str(), &value].join(OsStr::new("=")));
    let variables = variables.into_iter().map(entry).collect::<Result<Vec<_>>>()?;

    let actions = Actions::duplicating(descriptor.as_raw_fd(), number)?;
    let (words, variables) = (pointers(&words), pointers(&variables));
    let mut child = 0;
    // SAFETY: all strings and both lists, which end with a null pointer, live until the call returns, and it does not write to
    // them. `actions` was initialized.
    let result = unsafe {
        libc::posix_spawn(
            &raw mut child,
            program.as_ptr(),
            actions.0.as_ptr(),
            ptr::null(),
            words.as_ptr(),
            variables.as_ptr(),
        )
    };
    check(result)?;
    let ended = waitpid(Pid::from_raw(child), WaitOptions::empty())?.context("a child that has ended")?;
    ensure!(ended.1.exit_status() == Some(0), "a child failed: {:?}", ended.1);
    Ok(())
}

/// What happens in the child before its program begins.
struct Actions(MaybeUninit<libc::posix_spawn_file_actions_t>);

impl Actions {
    fn duplicating(descriptor: RawFd, number: RawFd) -> Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the pointer leads to memory of this type, which the call initializes.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        let mut actions = Self(actions);
        // SAFETY: the actions were initialized.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(actions.0.as_mut_ptr(), descriptor, number) })?;
        Ok(actions)
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: the actions were initialized, and nothing uses them afterwards.
        unsafe { libc::posix_spawn_file_actions_destroy(self.0.as_mut_ptr()) };
    }
}

fn check(result: libc::c_int) -> Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result).into()) }
}

fn c_string(text: &OsStr) -> Result<CString> {
    CString::new(text.as_bytes()).context("a text without NUL")
}

/// Returns pointers to the texts, and a null pointer after them.
fn pointers(texts: &[CString]) -> Vec<*mut libc::c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}
