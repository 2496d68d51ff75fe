//! `LockArguments`: the options that say how to take a lock.

use std::time::Duration;

use clap::Args;

use crate::target::Locking;

/// How to take the lock.
#[derive(Debug, Args)]
pub(crate) struct LockArguments {
    /// Give up after this many seconds, and exit with code 5. Without it, wait for the lock as long as it takes
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Take the lock even if it is a pthread mutex: the C library trusts all processes that may write to the value
    #[arg(long)]
    pub(crate) pthread: bool,
}

impl LockArguments {
    pub(crate) fn locking(&self) -> Locking {
        Locking { timeout: self.timeout, takes_mutexes: self.pthread }
    }
}

/// A century. A longer time would have no end that an `Instant` can tell.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Reads a number of seconds.
pub(crate) fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "expected a number of seconds, such as 0.5".to_owned())?;
    let seconds = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    Ok(seconds.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A time that ends after all that an `Instant` can tell would make the command panic.
    #[test]
    fn long_times_have_an_end() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["1e12", "1e19"] {
            assert!(Instant::now().checked_add(seconds(text).unwrap()).is_some(), "{text}");
        }
        for text in ["1e20", "-1", "nan", "inf", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
