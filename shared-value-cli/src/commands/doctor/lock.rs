//! The lock of a value, as it is seen for a while.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use shared_value::LockState;

use crate::commands::doctor::finding::{Findings, Severity};
use crate::failure::Result;
use crate::progress::Progress;
use crate::survey::{Entry, Owner};
use crate::target::{Place, Readable, find_lock_object};

/// The lock, as it was seen for a while.
#[derive(Debug, Serialize)]
pub(super) struct Watched {
    /// How often it was looked at.
    pub(super) looks: usize,
    /// At how many of these looks the owner that was seen last held it.
    pub(super) held: usize,
    pub(super) seconds: f64,
    /// Commits of the value meanwhile.
    pub(super) commits: u64,
    pub(super) owner: Option<Owner>,
}

impl Findings {
    /// Watches the lock for a while.
    pub(super) fn lock(&mut self, place: &Place, entry: &Entry, time: Duration) -> Result<Option<Watched>> {
        let Some(lock) = &entry.lock else { return Ok(None) };
        if lock.kind == "none" {
            self.add(Severity::Note, "the value has no lock: nothing keeps several parts together", None);
            return Ok(None);
        }
        let mut locked = place.clone();
        if let Some(identity) = lock.object.as_deref().filter(|_| lock.kind == "object") {
            let Some(object) = find_lock_object(u64::from_str_radix(identity, 16).unwrap_or_default())? else {
                let text =
                    format!("lock object {identity} guards it, which has no name here: its owner cannot be seen");
                let cure = "ask the program that made it; the owner is a thread of a process that has the value open";
                self.add(Severity::Warning, text, Some(cure.to_owned()));
                return Ok(None);
            };
            locked = object;
        }
        let owner = || {
            let owner = locked.inspect()?.owner();
            Ok(owner.map(|owner| Seen { thread: owner.thread_id(), process_number: owner.process_number() }))
        };
        let watched = watch(owner, || Ok(place.inspect()?.version().unwrap_or(0)), time)?;
        if locked != *place {
            self.add(Severity::Note, format!("the lock object `{locked}` guards it"), None);
        }
        if let Some(owner) = &watched.owner {
            self.owner(owner, &watched, entry);
        } else if lock.owner_died {
            self.add(Severity::Note, "the last owner of the lock died; the next one takes over", None);
        }
        Ok(Some(watched))
    }

    /// Watches the lock of an open value for a while.
    pub(super) fn lock_of_value(&mut self, value: &Readable, entry: &Entry, time: Duration) -> Result<Option<Watched>> {
        if value.lock_state() == LockState::Unknown {
            let text = "a lock object guards it: its owner cannot be seen from here";
            let cure = "look at the lock object by its name: `shared-value list` shows lock objects";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
            return Ok(None);
        }
        let owner = || match value.lock_state() {
            LockState::Held { thread_id } => Ok(Some(Seen { thread: thread_id, process_number: None })),
            _ => Ok(None),
        };
        let watched = watch(owner, || Ok(value.version().unwrap_or(0)), time)?;
        if let Some(owner) = &watched.owner {
            self.owner(owner, &watched, entry);
        }
        Ok(Some(watched))
    }

    fn owner(&mut self, owner: &Owner, watched: &Watched, entry: &Entry) {
        let is_held_long = watched.held == watched.looks && watched.looks > 1;
        let Some(process) = owner.process else {
            let text = format!("thread {} holds the lock, and `/proc` does not show it", owner.thread);
            let cure = "it lives in another PID namespace (look there), or is gone: then a thread that waits for the lock takes it \
                        over after a second, unless the segment has unvouched users";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
            return;
        };
        let is_user = entry.users.is_empty()
            || entry.users.iter().any(|user| user.process == process)
            || entry.lock.as_ref().is_some_and(|lock| lock.kind == "object");
        if !is_user {
            let text = format!(
                "thread {} holds the lock, but process {process} of that id does not have the value open",
                owner.thread
            );
            let cure = "the owner lives in another PID namespace: look for it there";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
            return;
        }
        if owner.stopped {
            let text = format!("{} holds the lock, and is stopped", owner.short());
            let cure = format!(
                "let it go on: `kill -CONT {process}`; or end it: `kill -KILL {process}` frees the lock, and the last committed \
                 value stays"
            );
            self.add(Severity::Fault, text, Some(cure));
        } else if is_held_long && watched.commits == 0 {
            let text = format!(
                "{} held the lock at each of {} looks in {:.1} s, and committed nothing",
                owner.short(),
                watched.looks,
                watched.seconds
            );
            let cure = format!(
                "if it should not take so long, see what it does: `cat /proc/{process}/task/{}/wchan`, or a debugger. \
                 `kill -KILL {process}` frees the lock, and the last committed value stays",
                owner.thread
            );
            self.add(Severity::Warning, text, Some(cure));
        }
    }
}

/// The owner of a lock at one look.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    thread: u32,
    /// The number of its process, if that is known: ids of threads are used again.
    process_number: Option<u32>,
}

/// Looks at a lock again and again.
fn watch(
    owner: impl Fn() -> Result<Option<Seen>>,
    version: impl Fn() -> Result<u64>,
    time: Duration,
) -> Result<Watched> {
    const PAUSE: Duration = Duration::from_millis(20);
    let start = Instant::now();
    let before = version()?;
    let mut owners = Vec::new();
    let mut progress = Progress::of_time("watching the lock", time);
    loop {
        owners.push(owner()?);
        progress.set_time(start.elapsed());
        if start.elapsed() >= time {
            break;
        }
        thread::sleep(PAUSE.min(time.saturating_sub(start.elapsed())));
    }
    let last = owners.last().copied().flatten();
    let held = owners.iter().filter(|owner| owner.is_some() && **owner == last).count();
    let commits = version()?.saturating_sub(before);
    let owner = last.map(|last| Owner::of_thread(last.thread));
    Ok(Watched { looks: owners.len(), held, seconds: start.elapsed().as_secs_f64(), commits, owner })
}
