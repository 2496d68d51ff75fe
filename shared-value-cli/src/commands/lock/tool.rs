//! The tool: starts the holder, passes signals on to it, and ends as it has ended.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;

use rustix::process::{PidfdFlags, getpid, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::commands::lock::child::{code_of, id_of, signal_of};
use crate::commands::lock::holder::TOOL;
use crate::failure::{Failure, Result};
use crate::output::remark;

pub(super) fn run() -> Result<u8> {
    // From here on, these signals end the command, then the holder, and then this process.
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
    let mut command = Command::new("/proc/self/exe");
    command.args(env::args_os().skip(1)).env(TOOL, getpid().as_raw_nonzero().to_string());
    let mut child = command.spawn().map_err(|error| Failure::from(error).of("cannot run this program once more"))?;
    // Nothing has waited for it, so the id is still its own.
    let holder = pidfd_open(id_of(&child)?, PidfdFlags::empty()).map_err(std::io::Error::from)?;
    let handle = signals.handle();
    let forwarder = thread::spawn(move || {
        for signal in &mut signals {
            // If the holder has just ended, there is nothing to do.
            let _ = signal_of(signal).map(|signal| pidfd_send_signal(&holder, signal));
        }
    });
    let status = child.wait();
    handle.close();
    let _ = forwarder.join();
    let status = status?;
    if status.signal() == Some(signal_hook::consts::SIGKILL) {
        remark("the process that held the lock was killed, and the command with it");
    }
    Ok(code_of(status))
}
