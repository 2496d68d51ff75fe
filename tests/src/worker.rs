//! `Worker`: a child process that plays one role in a test.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::deadline::{DEADLINE, SHORT};
use crate::death;
use crate::memory_group::MemoryGroup;

/// A child process that plays a role. Every method that ends it asserts how it ended; dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    role: String,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// The pieces that it writes to its standard error.
    errors: Receiver<Vec<u8>>,
}

impl Worker {
    /// Starts the worker program in a role, with the arguments of that role.
    ///
    /// # Panics
    /// If the program cannot be started.
    #[track_caller]
    pub fn start<A: ToString>(program: &str, role: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().map(|argument| argument.to_string()).collect();
        let mut child = Command::new(program)
            .arg(role)
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let output = child.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The receiver is gone when the test is over.
                let _ = sender.send(line);
            }
        });
        let mut output = child.stderr.take().expect("piped");
        let (sender, errors) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                let _ = sender.send(piece[..length].to_vec());
            }
        });
        Self { input: child.stdin.take(), child, role: role.to_owned(), lines, errors }
    }

    /// Waits for the next line of the worker, and returns it.
    ///
    /// # Panics
    /// If no line comes before the deadline.
    #[track_caller]
    pub fn hear(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(error) => self.fail(&format!("said nothing: {error}")),
        }
    }

    /// Waits for the next line of the worker, which must be this one.
    ///
    /// # Panics
    /// If another line comes, or none before the deadline.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        let heard = self.hear();
        if heard != line {
            self.fail(&format!("said `{heard}`, not `{line}`"));
        }
    }

    /// Returns the next line of the worker, or `None` if no line comes within the duration.
    ///
    /// # Panics
    /// If the worker has ended.
    #[track_caller]
    pub fn hear_within(&mut self, duration: Duration) -> Option<String> {
        match self.lines.recv_timeout(duration) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => self.fail("ended"),
        }
    }

    /// Returns the id of the process, which is also the id of its first thread.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line to the worker.
    ///
    /// # Panics
    /// If the worker does not read it.
    #[track_caller]
    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open while the worker lives");
        if let Err(error) = writeln!(input, "{line}") {
            self.fail(&format!("does not read: {error}"));
        }
    }

    /// Sends a signal to the worker.
    ///
    /// # Panics
    /// If the worker has ended.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the worker runs");
    }

    /// Kills the worker with SIGKILL and waits for its end.
    ///
    /// # Panics
    /// If it has ended before.
    #[track_caller]
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.ended(|status| status.signal() == Some(Signal::KILL.as_raw()), "killed");
    }

    /// Kills the worker, has the kernel free its memory at once, and waits for its end. Returns whether there was memory to be
    /// freed.
    ///
    /// # Panics
    /// If it has ended before.
    #[track_caller]
    pub fn reap(mut self) -> bool {
        let is_reaped = death::reap(Pid::from_child(&self.child)).expect("the worker runs");
        self.ended(|status| status.signal() == Some(Signal::KILL.as_raw()), "killed");
        is_reaped
    }

    /// Ends the worker by a signal that makes it write its memory into a file, and waits for its end. Returns whether it has
    /// written a file.
    ///
    /// # Panics
    /// If it has ended before.
    #[track_caller]
    pub fn dump(mut self) -> bool {
        // Not SIGQUIT: a shell that runs the tests in the background has it ignored.
        self.signal(Signal::ABORT);
        let mut is_dumped = false;
        self.ended(
            |status| {
                is_dumped = status.core_dumped();
                status.signal() == Some(Signal::ABORT.as_raw())
            },
            "ended by SIGABRT",
        );
        is_dumped
    }

    /// Moves the worker into the group, tells it to take memory, and waits until the kernel has killed it.
    ///
    /// # Panics
    /// If it has ended before, or ends in another way.
    #[track_caller]
    pub fn run_out_of_memory(mut self, group: &MemoryGroup) {
        group.admit(self.process_id());
        self.tell("take memory");
        self.ended(|status| status.signal() == Some(Signal::KILL.as_raw()), "killed for want of memory");
    }

    /// Waits until the worker has ended with success.
    ///
    /// # Panics
    /// If it fails, or does not end before the deadline.
    #[track_caller]
    pub fn finish(mut self) {
        self.ended(|status| status.success(), "done");
    }

    /// Waits until the worker has ended with this exit code.
    ///
    /// # Panics
    /// If it ends in another way, or not before the deadline.
    #[track_caller]
    pub fn finish_with(mut self, code: i32) {
        self.ended(|status| status.code() == Some(code), &format!("done with {code}"));
    }

    /// Waits until a signal that the worker has caused itself has ended it.
    ///
    /// # Panics
    /// If it ends in another way, or not before the deadline.
    #[track_caller]
    pub fn finish_by(mut self, signal: Signal) {
        self.ended(|status| status.signal() == Some(signal.as_raw()), &format!("ended by {signal:?}"));
    }

    #[track_caller]
    fn ended(&mut self, as_expected: impl FnOnce(ExitStatus) -> bool, expected: &str) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                if !as_expected(status) {
                    self.fail(&format!("should have been {expected}: {status}"));
                }
                return;
            }
            if start.elapsed() > DEADLINE {
                self.fail("did not end");
            }
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// Fails the test, and shows the standard error of the worker.
    #[track_caller]
    fn fail(&mut self, what: &str) -> ! {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The pipe may stay open: a child of the worker that hangs has it too.
        let mut errors = Vec::new();
        while let Ok(piece) = self.errors.recv_timeout(SHORT) {
            errors.extend(piece);
        }
        panic!("the worker `{}` {what}\n{}", self.role, String::from_utf8_lossy(&errors));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both do nothing if the worker has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
