//! `Screen`: the terminal, which is restored whatever happens.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ratatui::{DefaultTerminal, Frame};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

use crate::failure::{Failure, Result};

/// The terminal in raw mode, on its other screen.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    ends: Arc<AtomicBool>,
    stops: Arc<AtomicBool>,
}

/// A signal that has come.
pub(super) enum Wish {
    None,
    /// To stop until the process is continued.
    Stop,
    End,
}

impl Screen {
    /// Takes the terminal over. A panic gives it back before its message is printed.
    pub(super) fn open() -> Result<Self> {
        let (ends, stops) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for signal in [SIGTERM, SIGHUP, SIGINT, SIGQUIT] {
            flag::register(signal, Arc::clone(&ends))?;
        }
        flag::register(SIGTSTP, Arc::clone(&stops))?;
        let failed = |error| Failure::from(error).of("`top` needs a terminal");
        thread::spawn(end_without_terminal);
        Ok(Self { terminal: ratatui::try_init().map_err(failed)?, ends, stops })
    }

    pub(super) fn wish(&self) -> Wish {
        if self.ends.load(Ordering::Relaxed) {
            Wish::End
        } else if self.stops.swap(false, Ordering::Relaxed) {
            Wish::Stop
        } else {
            Wish::None
        }
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }

    /// Gives the terminal back, stops, and takes the terminal over again when the process is continued.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.terminal.show_cursor()?;
        ratatui::try_restore()?;
        emulate_default_handler(SIGTSTP)?;
        // A new terminal draws everything. To clear the old one would ask for the position of the cursor, and some terminals
        // do not answer.
        self.terminal = ratatui::try_init()?;
        Ok(())
    }

    /// Gives the terminal back.
    pub(super) fn close(mut self) -> Result<()> {
        self.terminal.show_cursor()?;
        ratatui::try_restore()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // After `close` this does nothing new. A destructor cannot report an error.
        let _ = ratatui::try_restore();
    }
}

/// Ends the process when its terminal has gone. A read of the keyboard never returns then.
fn end_without_terminal() {
    // A closed terminal wakes no thread that waits for nothing but its end.
    const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 300_000_000 };
    let (input, output) = (io::stdin(), io::stdout());
    let watched: Vec<_> = [input.as_fd(), output.as_fd()].into_iter().filter(IsTerminal::is_terminal).collect();
    loop {
        let mut polled: Vec<_> =
            watched.iter().map(|file| PollFd::from_borrowed_fd(*file, PollFlags::empty())).collect();
        if poll(&mut polled, Some(&PAUSE)).is_ok_and(|count| count > 0) {
            // There is nothing left to restore.
            process::exit(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared_value_tests::eventually;

    use super::*;
    use crate::top::terminal::Terminal;

    /// The entry in the environment of the program that panics.
    const PANICS: &str = "SHARED_VALUE_SCREEN_PANICS";

    /// A shell that gets back a terminal in raw mode is useless, and a message on the other screen is lost.
    #[test]
    fn a_panic_restores_the_terminal() {
        if std::env::var_os(PANICS).is_some() {
            let mut screen = Screen::open().expect("this is a terminal");
            screen.draw(|frame| frame.render_widget("drawn", frame.area())).expect("this is a terminal");
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).expect("this is a terminal");
            panic!("the end of {line}");
        }
        let test = std::env::current_exe().expect("it is known");
        let arguments = ["top::screen::tests::a_panic_restores_the_terminal", "--exact", "--nocapture"];
        let mut program = Terminal::run_with(80, 24, test, &arguments, &[(PANICS, "1")]);
        program.until("drawn");
        assert!(!program.is_restored());
        program.press("a test\n");
        program.until("the end of a test");
        assert!(!program.wait().success());
        eventually("the terminal is restored", || program.is_restored());
    }
}
