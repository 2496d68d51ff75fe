//! `Terminal`: a program in a pseudo-terminal, whose screen can be read.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use shared_value_tests::eventually;

/// A program that runs in a terminal. Dropping this kills it.
pub(crate) struct Terminal {
    child: Child,
    /// `None` once the terminal is closed.
    keyboard: Option<File>,
    reader: Option<JoinHandle<()>>,
    is_closed: Arc<AtomicBool>,
    device: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    /// Starts a program in a terminal of this size.
    pub(crate) fn run(columns: u16, rows: u16, program: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        Self::run_with(columns, rows, program, arguments, &[])
    }

    /// Starts a program with these entries in its environment.
    pub(crate) fn run_with(
        columns: u16,
        rows: u16,
        program: impl AsRef<OsStr>,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let path = ptsname(&keyboard, Vec::new()).unwrap();
        let path = OsStr::from_bytes(path.as_bytes());
        let device = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let keyboard = File::from(keyboard);
        let stream = || Stdio::from(device.try_clone().unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(some(rows), some(columns), 0)));
        resize(&device, columns, rows);
        // The terminal controls the new session, as a shell's does.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program)
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        let (mut output, shown) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let reader = thread::spawn(move || {
            const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            let mut piece = [0; 4096];
            while !closed.load(Ordering::Relaxed) {
                if poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&PAUSE)).unwrap() == 0 {
                    continue;
                }
                let Ok(length @ 1..) = output.read(&mut piece) else { break };
                shown.lock().unwrap().process(&piece[..length]);
            }
        });
        Self { child, keyboard: Some(keyboard), reader: Some(reader), is_closed, device, screen }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Closes the terminal, as its window does.
    pub(crate) fn close(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = None;
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(some(rows), some(columns));
        resize(&self.device, columns, rows);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows this text.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        let mut seen = String::new();
        let shows = || {
            seen = self.text();
            seen.contains(text)
        };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| eventually(text, shows)));
        assert!(caught.is_ok(), "the screen does not show `{text}`:\n{}", self.text());
    }

    /// Returns whether the screen shows anything bold, faint or colored.
    pub(crate) fn has_inks(&self) -> bool {
        let screen = self.screen.lock().unwrap();
        let screen = screen.screen();
        let (rows, columns) = screen.size();
        let places = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        let mut cells = places.filter_map(|(row, column)| screen.cell(row, column));
        cells.any(|cell| cell.bold() || cell.dim() || cell.fgcolor() != vt100::Color::Default)
    }

    /// Returns whether the terminal is as a shell expects it: its first screen, with a cursor, and with an echo.
    pub(crate) fn is_restored(&self) -> bool {
        let screen = self.screen.lock().unwrap();
        let screen = screen.screen();
        let modes = tcgetattr(&self.device).unwrap().local_modes;
        !screen.alternate_screen() && !screen.hide_cursor() && modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn some(length: u16) -> NonZeroU16 {
    NonZeroU16::new(length).unwrap()
}

fn resize(device: &File, columns: u16, rows: u16) {
    tcsetwinsize(device, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}
