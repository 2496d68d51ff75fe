//! `Failure`: why a command fails, and the exit code that tells scripts.

use std::fmt;
use std::io::{self, ErrorKind};

use shared_value::Error;

/// The exit codes. `docs/command.md` lists them for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// The answer is no: a condition does not hold, or `doctor` has found something.
    No = 1,
    /// The command line is wrong. `clap` uses this code too.
    Usage = 2,
    /// There is no such name, key or part.
    NotFound = 3,
    /// The segment, the value or the data does not fit.
    Unfit = 4,
    /// Timed out, or another process holds the lock.
    Busy = 5,
    /// The operating system refused something.
    System = 6,
}

/// Why a command fails.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// `None` if there is nothing to say: the reader of the output has gone, or the code is the whole answer.
    pub(crate) message: Option<String>,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: Some(message.to_string()) }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message)
    }

    pub(crate) fn not_found(message: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, message)
    }

    pub(crate) fn unfit(message: impl fmt::Display) -> Self {
        Self::new(Code::Unfit, message)
    }

    /// The answer `no`, without words.
    pub(crate) fn no() -> Self {
        Self { code: Code::No, message: None }
    }

    /// Puts words behind the message, if there are any.
    pub(crate) fn and(self, advice: &str) -> Self {
        if advice.is_empty() {
            return self;
        }
        Self { message: self.message.map(|message| format!("{message}; {advice}")), ..self }
    }

    /// Puts words before the message.
    pub(crate) fn of(self, what: impl fmt::Display) -> Self {
        Self { message: self.message.map(|message| format!("{what}: {message}")), ..self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotFound { .. } | Error::NoSuchPart { .. } | Error::NotPassed { .. } | Error::StaleToken { .. } => {
                Code::NotFound
            }
            Error::InvalidName { .. } => Code::Usage,
            Error::TimedOut { .. } | Error::Lock(_) | Error::WaitUnderLock { .. } | Error::Conflict => Code::Busy,
            Error::Io { .. } | Error::ArenaFull { .. } => Code::System,
            _ => Code::Unfit,
        };
        Self::new(code, words(&error))
    }
}

/// Returns the message of an error of the library, which gives its advice to programs, with advice for the terminal.
fn words(error: &Error) -> String {
    match error {
        Error::NotFound { name } => format!("no shared value `{name}` exists: `shared-value list` shows the names"),
        Error::AlreadyExists { name } => {
            format!("`{name}` exists already: choose another name, or remove it first by `shared-value rm`")
        }
        Error::Io { operation, source } if source.kind() == ErrorKind::PermissionDenied => {
            let operation = operation.split(" (").next().unwrap_or_default();
            format!("cannot {operation}: {source}")
        }
        Error::Retired => {
            "the value is retired, because another one has taken its place: repeat the command".to_owned()
        }
        other => other.to_string(),
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let message = (error.kind() != io::ErrorKind::BrokenPipe).then(|| error.to_string());
        Self { code: Code::System, message }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        if error.is_io() { io::Error::from(error).into() } else { Self::unfit(error) }
    }
}
