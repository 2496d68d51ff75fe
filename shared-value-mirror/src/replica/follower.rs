//! `Follower`: follows a name of another machine until it is dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::MirrorError;
use crate::figures::Figures;
use crate::key::key_of;
use crate::message::{Answer, Request, decode, encode};
use crate::replica::status::MirrorStatus;
use crate::replica::{Applied, Replica};
use crate::transport::{Answers, LIMIT, Next, Transport};

/// Follows a value or an arena of another machine, until it is dropped. The replica and its [status](MirrorStatus) stay.
///
/// See [`Publisher`](crate::Publisher) for an example.
pub struct Follower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How a [`Follower`] follows.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a follower is started with them"]
pub struct FollowerOptions {
    name: Option<String>,
    limit: usize,
    interval: Duration,
}

/// What a [`Follower`] has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Followed {
    /// What its status says.
    pub status: MirrorStatus,
    /// How many bytes of answers it has received, without what the transport adds.
    pub bytes: u64,
    /// How many errors there were.
    pub errors: u64,
    /// The last error.
    pub last_error: Option<String>,
}

struct Shared {
    is_stopped: AtomicBool,
    figures: Figures,
    seen: Mutex<(MirrorStatus, u64)>,
}

/// How long to wait before the next look for an answer, or whether all is to end.
const SLICE: Duration = Duration::from_millis(100);

/// How long to wait after an error, or without an answer.
const PAUSE: Duration = Duration::from_millis(100);

/// How many intervals the publisher may be silent before it is taken for unreachable.
const SILENT: u32 = 4;

/// How long a whole state may take on its way. A large value takes its time on a slow link, and the transport knows when the
/// link is down, so this only ends a request that was lost in another way.
const LONGEST: Duration = Duration::from_secs(300);

/// How long changes of a state may take on their way, unless answers have been slow. A transport may keep a timer for each
/// request until the time is over, also if the answer has come long before. With a long time, thousands of requests a second
/// would take memory.
const USUAL: Duration = Duration::from_secs(10);

/// How many times as long as the slowest answer changes may take.
const MARGIN: u32 = 4;

impl FollowerOptions {
    /// Sets the name of the replica; by default, it has the name of the origin.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets how many bytes the replica may have at most. The default is 256 MiB.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sets how often the publisher says that there is nothing new. The default is 500 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Starts to follow. Waits until the replica's status is open, but not for the publisher.
    ///
    /// # Errors
    /// - `NotAReplica` if the name of the replica is taken by another value, `AlreadyFollowed` if another follower uses it.
    /// - `Value` if the status cannot be opened, `Thread` if no thread can be started.
    pub fn start(&self, transport: Arc<dyn Transport>, origin: &str) -> Result<Follower, MirrorError> {
        let shared = Arc::new(Shared { is_stopped: false.into(), figures: Figures::default(), seen: Mutex::default() });
        let (options, name) = (self.clone(), self.name.clone().unwrap_or_else(|| origin.to_owned()));
        let (origin, work) = (origin.to_owned(), shared.clone());
        let (send, started) = std::sync::mpsc::sync_channel(1);
        // The status is locked by the thread that follows.
        let follow = move || match Replica::open(&name, options.limit) {
            Ok(replica) => {
                // The starter waits for it.
                let _ = send.send(Ok(()));
                drop(send);
                let key = key_of(&origin);
                Following { transport, key, replica, options, shared: work, allowed: USUAL }.run();
            }
            Err(error) => drop(send.send(Err(error))),
        };
        let thread = thread::Builder::new().name("mirror-follower".to_owned()).spawn(follow);
        let thread = thread.map_err(MirrorError::Thread)?;
        match started.recv() {
            Ok(Ok(())) => Ok(Follower { shared, thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(MirrorError::Thread(std::io::Error::other("it has panicked"))),
        }
    }
}

impl Default for FollowerOptions {
    fn default() -> Self {
        Self { name: None, limit: LIMIT, interval: Duration::from_millis(500) }
    }
}

impl Follower {
    /// Follows a name, under the same name on this machine.
    ///
    /// # Errors
    /// The errors of [`FollowerOptions::start`].
    pub fn start(transport: Arc<dyn Transport>, name: &str) -> Result<Self, MirrorError> {
        Self::options().start(transport, name)
    }

    /// Returns options: the name of the replica, the limit, the interval.
    pub fn options() -> FollowerOptions {
        FollowerOptions::default()
    }

    /// Returns what it has done so far.
    pub fn figures(&self) -> Followed {
        let (errors, last_error) = self.shared.figures.errors();
        let (status, bytes) = *self.shared.seen();
        Followed { status, bytes, errors, last_error }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Follower").field("figures", &self.figures()).finish_non_exhaustive()
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, (MirrorStatus, u64)> {
        // Both parts are stored as a whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work of the thread.
struct Following {
    transport: Arc<dyn Transport>,
    key: String,
    replica: Replica,
    options: FollowerOptions,
    shared: Arc<Shared>,
    /// How long changes may take on their way.
    allowed: Duration,
}

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Ask,
    AskForAll,
    Pause,
    /// Changes that were refused would be refused again.
    PauseAndAskForAll,
}

impl Following {
    fn run(mut self) {
        let mut then = Then::Ask;
        while !self.shared.is_stopped.load(Ordering::Acquire) {
            if matches!(then, Then::Pause | Then::PauseAndAskForAll) {
                thread::sleep(PAUSE);
            }
            then = self.ask(matches!(then, Then::AskForAll | Then::PauseAndAskForAll)).unwrap_or_else(|error| {
                self.shared.figures.note(&error);
                Then::Pause
            });
            self.shared.seen().0 = self.replica.status();
        }
        // A program that reads the status should not believe that a follower runs.
        if let Err(error) = self.replica.note(false, false) {
            self.shared.figures.note(&error);
        }
    }

    /// Asks once, and applies the answer.
    fn ask(&mut self, for_all: bool) -> Result<Then, MirrorError> {
        let base = self.replica.position().filter(|_| !for_all);
        let patience = u32::try_from(self.options.interval.as_millis()).unwrap_or(u32::MAX);
        let timeout = self.options.interval + if base.is_some() { self.allowed } else { LONGEST };
        let start = Instant::now();
        let answers = self.transport.ask(&self.key, encode(&Request { base, patience }), timeout)?;
        let Some(message) = self.await_answer(&*answers)? else {
            if start.elapsed() >= timeout {
                // The answer may be on its way still.
                self.allowed = (self.allowed * 2).min(LONGEST);
            }
            self.replica.note(false, false)?;
            return Ok(Then::Pause);
        };
        // All blocks may change, and then the changes take as long as the whole state has taken.
        let slow = start.elapsed().saturating_sub(self.options.interval) * MARGIN;
        self.allowed = self.allowed.max(slow).min(LONGEST);
        self.shared.seen().1 += message.len() as u64;
        self.take(&message).or_else(|error| {
            self.shared.figures.note(&error);
            self.replica.refuse()?;
            Ok(Then::PauseAndAskForAll)
        })
    }

    /// Waits for the answer; `None` if none will come.
    fn await_answer(&mut self, answers: &dyn Answers) -> Result<Option<Vec<u8>>, MirrorError> {
        let start = Instant::now();
        while !self.shared.is_stopped.load(Ordering::Acquire) {
            match answers.next(SLICE) {
                Next::Answer(message) => return Ok(Some(message)),
                Next::Ended => break,
                Next::Waiting if start.elapsed() > self.options.interval * SILENT => {
                    // A large answer may be on its way: go on waiting.
                    self.replica.note(false, false)?;
                    self.shared.seen().0 = self.replica.status();
                }
                Next::Waiting => {}
            }
        }
        Ok(None)
    }

    fn take(&mut self, message: &[u8]) -> Result<Then, MirrorError> {
        match decode::<Answer<'_>>(message)? {
            Answer::Absent => {
                self.replica.note(true, false)?;
                Ok(Then::Ask)
            }
            Answer::Same(position) => {
                let is_newest = self.replica.position() == Some(position);
                self.replica.note(true, is_newest)?;
                Ok(if is_newest { Then::Ask } else { Then::Pause })
            }
            Answer::News(news) => Ok(match self.replica.apply(&news)? {
                Applied::Yes => Then::Ask,
                Applied::NeedsWhole => Then::AskForAll,
                Applied::Older => {
                    self.replica.refuse()?;
                    Then::Pause
                }
            }),
        }
    }
}
