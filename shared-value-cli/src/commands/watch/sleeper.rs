//! `Sleeper`: sleeps until a value changes.

use std::thread;
use std::time::Duration;

use shared_value::{Dyn, DynValue, Error, ReadOnly, Synchronized};

use crate::failure::Result;
use crate::output::remark;
use crate::target::{Locking, Step, Target, Writable, is_arena, open_writable};

/// Without an atomic field or a counter, nothing but a commit matters.
pub(super) const LONG: Duration = Duration::from_secs(3600);

/// Says that something, such as `it is`, is looked at again and again, and why.
pub(super) fn remark_looks(what: &str, interval: Duration, reason: &str) {
    remark(&format!("{what} looked at every {} s, because {reason}", interval.as_secs_f64()));
}

/// Sleeps until a value changes.
pub(crate) enum Sleeper {
    /// Announces itself, so that writers wake it.
    Announced(DynValue),
    /// Looks from time to time.
    Polling(Synchronized<Dyn, ReadOnly>, Duration),
}

impl Sleeper {
    /// Never announces itself.
    pub(super) fn polling(value: &Synchronized<Dyn, ReadOnly>, interval: Duration) -> Self {
        remark_looks("it is", interval, "`--poll` asks for it");
        Self::Polling(value.clone(), interval)
    }

    /// Opens the value for writing, to announce itself; without permission it says so, and polls.
    pub(crate) fn of(target: &Target, value: &Synchronized<Dyn, ReadOnly>, interval: Duration) -> Self {
        let entry = match target.steps.first() {
            Some(Step::Brackets(brackets)) if is_arena(&target.place).unwrap_or(false) => Some(brackets),
            _ => None,
        };
        let reason = match open_writable(&target.place, entry, &Locking { timeout: None, takes_mutexes: false }) {
            Ok(Writable::Locked(value)) => return Self::Announced(value),
            Ok(Writable::Unlocked(_)) => "a value without a lock has no versions".to_owned(),
            Err(failure) => format!("it cannot announce itself: {}", failure.message.unwrap_or_default()),
        };
        remark_looks("it is", interval, &reason);
        Self::Polling(value.clone(), interval)
    }

    /// Sleeps until the version is another one, or the time is over.
    pub(crate) fn sleep(&mut self, version: u64, timeout: Duration) -> Result<()> {
        match self {
            Self::Announced(value) => {
                if value.version() != version {
                    return Ok(());
                }
                let mut changes = value.changes();
                // It may have changed before the changes began.
                if value.version() != version {
                    return Ok(());
                }
                match changes.next_timeout(timeout) {
                    Ok(_) | Err(Error::TimedOut { .. } | Error::InvalidBits { .. } | Error::Unsupported { .. }) => {
                        Ok(())
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Self::Polling(value, interval) => {
                if value.version() == version {
                    thread::sleep((*interval).min(timeout));
                }
                Ok(())
            }
        }
    }
}
