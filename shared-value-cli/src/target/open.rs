//! Opens values for writing, and takes their locks.

use std::time::{Duration, Instant};

use shared_value::{
    Arena, Dyn, DynGuard, DynLayout, DynValue, Error, Id, Lock, LockError, LockKind, LockState, RLock, ReportedLock,
    Synchronized, Unlocked, inspect,
};

use crate::failure::{Code, Failure, Result};
use crate::output::remark;
use crate::process;
use crate::target::pattern::{Brackets, shown};
use crate::target::place::Place;

/// The environment entry by which `shared-value lock` tells the commands inside of it which processes hold locks.
pub(crate) const HOLDERS: &str = "SHARED_VALUE_HOLDERS";

/// How to take locks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Locking {
    /// How long to wait; for ever if it is `None`.
    pub(crate) timeout: Option<Duration>,
    /// Whether to take pthread mutexes, although the C library trusts their bytes.
    pub(crate) takes_mutexes: bool,
}

/// A value that is opened for writing.
#[derive(Debug)]
pub(crate) enum Writable {
    Locked(DynValue),
    /// A value without a lock: nothing keeps several changes together.
    Unlocked(Synchronized<Dyn, Unlocked>),
}

impl Writable {
    pub(crate) fn layout(&self) -> &DynLayout {
        match self {
            Self::Locked(value) => value.layout(),
            Self::Unlocked(value) => value.layout(),
        }
    }
}

/// Opens a value, or one value of an arena, for writing.
pub(crate) fn open_writable(place: &Place, entry: Option<&Brackets>, locking: &Locking) -> Result<Writable> {
    if let Some(entry) = entry {
        return in_arena(&Arena::open(place.source())?, entry).map(Writable::Locked);
    }
    let options = DynValue::options();
    if matches!(place, Place::Token(_)) {
        return options.open(place.source()).map(Writable::Locked).map_err(|error| refused(&place.to_string(), error));
    }
    let report = place.inspect()?;
    if report.is_live() {
        return Err(live(&place.to_string()));
    }
    let options = match report.lock() {
        Some(ReportedLock::None) => return Ok(Writable::Unlocked(options.unlocked().open(place.source())?)),
        Some(ReportedLock::Pthread) if !locking.takes_mutexes => {
            let message = format!(
                "`{place}` is guarded by a pthread mutex, and the C library trusts all processes that may write to it: repeat \
                 with `--pthread` if you do too"
            );
            return Err(Failure::unfit(message));
        }
        Some(ReportedLock::Pthread) => options.lock_kind(LockKind::Pthread),
        Some(ReportedLock::Object { identity }) => match lock_object(identity)? {
            Object::Recursive(lock) => options.lock(&lock),
            Object::NotRecursive(lock) => options.lock(&lock),
        },
        Some(ReportedLock::Itself { .. }) => {
            return Err(Failure::unfit(format!("`{place}` is a lock: it has no value that could be changed")));
        }
        _ => options,
    };
    Ok(Writable::Locked(options.open(place.source())?))
}

/// Returns a value of an arena.
pub(crate) fn in_arena(arena: &Arena, entry: &Brackets) -> Result<DynValue> {
    let found = match entry {
        Brackets::Plain(key) | Brackets::Key(key) => arena.get::<Dyn>(key),
        Brackets::Id(bits) => match std::num::NonZeroU64::new(*bits) {
            Some(bits) => arena.get(Id::<Dyn>::from_bits(bits)),
            None => Ok(None),
        },
    };
    let shown = shown(entry);
    let found = found.map_err(|error| refused(&format!("{}[{shown}]", arena.segment_name()), error))?;
    found.ok_or_else(|| Failure::not_found(format!("no value `{}[{shown}]`", arena.segment_name())))
}

/// Returns the failure for a value that cannot be opened for writing.
fn refused(label: &str, error: Error) -> Failure {
    if matches!(error, Error::InvalidSegment { field: "slots", .. }) { live(label) } else { error.into() }
}

/// Returns the failure for a value without versions, whose change could not be rolled back.
fn live(label: &str) -> Failure {
    Failure::unfit(format!(
        "`{label}` is a live value, which this command only reads: its change would not be one commit, so leave it to the \
         program that made it"
    ))
}

/// A lock object.
#[derive(Debug)]
pub(crate) enum Object {
    Recursive(RLock),
    NotRecursive(Lock),
}

/// Returns the place of the lock object of this identity, if it has a name.
pub(crate) fn find_lock_object(identity: u64) -> Result<Option<Place>> {
    for found in shared_value::names()? {
        let is_lock = matches!(found.type_name(), "RLock" | "Lock");
        let sought = Some(ReportedLock::Itself { identity });
        // A name may vanish meanwhile.
        if is_lock && inspect(found.name()).is_ok_and(|report| report.lock() == sought) {
            return Ok(Some(Place::Name(found.name().to_owned())));
        }
    }
    Ok(None)
}

fn lock_object(identity: u64) -> Result<Object> {
    let Some(place) = find_lock_object(identity)? else {
        let message = format!("the value is guarded by lock object {identity:016x}, which has no name here");
        return Err(Failure::not_found(message));
    };
    open_lock_object(&place)
}

/// Opens a lock object.
pub(crate) fn open_lock_object(place: &Place) -> Result<Object> {
    let recursive = RLock::open(place.source());
    Ok(match recursive {
        Err(Error::LayoutMismatch { .. }) => Object::NotRecursive(Lock::open(place.source())?),
        opened => Object::Recursive(opened?),
    })
}

impl Locking {
    /// Takes the lock of a value.
    pub(crate) fn hold<'v>(&self, label: &str, value: &'v DynValue) -> Result<DynGuard<'v>> {
        self.take(
            label,
            || value.lock_state(),
            |timeout| match timeout {
                None => value.try_lock(),
                Some(timeout) => value.lock_timeout(timeout),
            },
        )
    }

    /// Takes a lock. `attempt` waits for the time that it gets, or not at all.
    ///
    /// # Errors
    /// `Busy` if the time is over, or if a process holds the lock inside of which this one runs.
    pub(crate) fn take<G>(
        &self,
        label: &str,
        state: impl Fn() -> LockState,
        attempt: impl Fn(Option<Duration>) -> Result<G, Error>,
    ) -> Result<G> {
        let mut waiting = Waiting::new(*self, format!("`{label}`"));
        let mut taken = attempt(None);
        loop {
            match taken {
                Ok(guard) => return Ok(guard),
                Err(Error::Lock(LockError::WouldBlock | LockError::TimedOut)) => {}
                Err(error) => return Err(error.into()),
            }
            let state = state();
            refuse_inside(label, state)?;
            let holder = match state {
                LockState::Held { thread_id } => process::holder(thread_id),
                _ => "another thread".to_owned(),
            };
            waiting.go_on(&holder)?;
            taken = attempt(Some(waiting.slice()));
        }
    }
}

/// A wait for a lock, in slices of time, to say meanwhile which process holds it.
#[derive(Debug)]
pub(crate) struct Waiting {
    locking: Locking,
    /// The value, in words.
    what: String,
    start: Instant,
    is_told: bool,
}

impl Waiting {
    /// The longest slice, after which the holder is named.
    const SLICE: Duration = Duration::from_secs(1);

    pub(crate) fn new(locking: Locking, what: String) -> Self {
        Self { locking, what, start: Instant::now(), is_told: false }
    }

    /// Returns how long to wait before the next look at the holder.
    pub(crate) fn slice(&self) -> Duration {
        let remaining = self.locking.timeout.map(|timeout| timeout.saturating_sub(self.start.elapsed()));
        remaining.unwrap_or(Self::SLICE).min(Self::SLICE)
    }

    /// Names the holder, once.
    ///
    /// # Errors
    /// `Busy` if the time is over.
    pub(crate) fn go_on(&mut self, holder: &str) -> Result<()> {
        let Self { what, .. } = self;
        if self.locking.timeout.is_some_and(|timeout| self.start.elapsed() >= timeout) {
            let message = format!("{holder} holds the lock of {what}: the time is over");
            return Err(Failure::new(Code::Busy, message));
        }
        if self.start.elapsed() >= Self::SLICE && !self.is_told {
            remark(&format!("waiting for the lock of {what}: {holder} holds it"));
            self.is_told = true;
        }
        Ok(())
    }
}

/// Refuses to wait for a `shared-value lock` inside of which this process runs.
///
/// # Errors
/// `Busy` if such a command holds the lock.
pub(crate) fn refuse_inside(label: &str, state: LockState) -> Result<()> {
    let LockState::Held { thread_id } = state else { return Ok(()) };
    let holders = std::env::var(HOLDERS).unwrap_or_default();
    if !holders.split(' ').any(|holder| holder.parse() == Ok(thread_id)) {
        return Ok(());
    }
    let holder = process::holder(thread_id);
    let message =
        format!("{holder} holds the lock of `{label}`, and this command runs inside of it: it would wait for ever");
    Err(Failure::new(Code::Busy, message))
}
