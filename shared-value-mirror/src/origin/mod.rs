//! The side that publishes: an `Origin` answers the requests about one name.

mod arena;
mod pattern;
mod publisher;
mod source;
mod tracked;
mod under_way;
mod value;
mod waiter;

pub use publisher::{Published, Publisher, PublisherOptions};

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::Error;

use crate::error::MirrorError;
use crate::figures::Figures;
use crate::message::{Answer, Position, Request, decode, encode};
use crate::origin::source::Source;
use crate::origin::under_way::UnderWay;
use crate::origin::waiter::Waiter;
use crate::transport::Question;

/// How often to look whether the name still leads to the same value, while a follower waits.
const LOOK: Duration = Duration::from_millis(100);

/// How long a wait for a change lasts, before the thread looks whether it is to end.
const SLICE: Duration = Duration::from_millis(250);

/// The longest time for which a request is held.
const LONGEST: Duration = Duration::from_secs(60);

/// How many requests are held. Each follower has one.
const REQUESTS: usize = 4096;

/// A name that is published.
///
/// Two threads work for it. The *clerk* takes the requests that come in, answers those of followers that are behind, and ends
/// those that have waited long enough. The *watcher* sleeps until the value changes, but only while a follower waits for that: so
/// writers wake no thread while no message could leave.
pub(crate) struct Origin {
    name: String,
    keys: String,
    limit: usize,
    inbox: Mutex<Vec<Waiting>>,
    /// Rings when something is in the inbox, or all is to end.
    bell: Condvar,
    desk: Mutex<Desk>,
    /// Rings when a follower waits for a change, or all is to end.
    awaited: Condvar,
    is_stopped: AtomicBool,
    under_way: UnderWay,
    pub(crate) figures: Figures,
    pub(crate) answers: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// What both threads work on.
#[derive(Default)]
struct Desk {
    source: Option<Source>,
    /// Counts the sources.
    opened: u64,
    requests: Vec<Waiting>,
    /// Whether a follower waits for a change.
    is_awaited: bool,
}

/// A request that was not answered yet.
struct Waiting {
    question: Box<dyn Question>,
    base: Option<Position>,
    until: Instant,
}

impl Origin {
    pub(crate) fn new(name: &str, keys: &str, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            keys: keys.to_owned(),
            limit,
            inbox: Mutex::default(),
            bell: Condvar::new(),
            desk: Mutex::default(),
            awaited: Condvar::new(),
            is_stopped: false.into(),
            under_way: UnderWay::default(),
            figures: Figures::default(),
            answers: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    /// Takes a request. A request that cannot be read is dropped.
    pub(crate) fn receive(&self, question: Box<dyn Question>) {
        match decode::<Request>(&question.message()) {
            Ok(request) => {
                let patience = Duration::from_millis(request.patience.into()).min(LONGEST);
                let waiting = Waiting { question, base: request.base, until: Instant::now() + patience };
                let mut inbox = lock(&self.inbox);
                if inbox.len() < REQUESTS {
                    inbox.push(waiting);
                }
                self.bell.notify_one();
            }
            Err(error) => self.figures.note(&error),
        }
    }

    /// Ends both threads soon.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        // Under the locks, so that no thread is between its look and its sleep.
        drop(lock(&self.inbox));
        self.bell.notify_all();
        drop(lock(&self.desk));
        self.awaited.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// The clerk's work.
    pub(crate) fn answer_requests(&self) {
        let mut wait = SLICE;
        while !self.is_stopped() {
            let mut inbox = lock(&self.inbox);
            if inbox.is_empty() && !self.is_stopped() {
                inbox = self.bell.wait_timeout(inbox, wait).unwrap_or_else(PoisonError::into_inner).0;
            }
            let new = std::mem::take(&mut *inbox);
            drop(inbox);
            let mut desk = lock(&self.desk);
            desk.requests.extend(new);
            let surplus = desk.requests.len().saturating_sub(REQUESTS);
            desk.requests.drain(..surplus);
            self.serve(&mut desk);
            let next = desk.requests.iter().map(|request| request.until).min();
            // Not at once: requests whose time is over may wait for room.
            wait = next.map_or(SLICE, |next| next.saturating_duration_since(Instant::now()).clamp(LOOK / 10, LOOK));
        }
    }

    /// The watcher's work.
    pub(crate) fn watch(&self) {
        let mut waiter: Option<(u64, Waiter)> = None;
        while !self.is_stopped() {
            let mut desk = lock(&self.desk);
            while !desk.is_awaited && !self.is_stopped() {
                desk = self.awaited.wait(desk).unwrap_or_else(PoisonError::into_inner);
            }
            let opened = desk.opened;
            if waiter.as_ref().is_none_or(|(number, _)| *number != opened) {
                waiter = desk.source.as_ref().and_then(|source| source.waiter().ok()).map(|waiter| (opened, waiter));
                // The value may have changed since it was read.
                self.serve(&mut desk);
            }
            drop(desk);
            let Some((_, waiter)) = &mut waiter else {
                thread::sleep(LOOK);
                continue;
            };
            match waiter.wait(SLICE) {
                Ok(()) => {}
                Err(Error::TimedOut { .. }) => continue,
                // It was replaced, or another process has damaged it: the desk finds out.
                Err(_) => thread::sleep(LOOK / 10),
            }
            self.serve(&mut lock(&self.desk));
        }
    }

    /// Answers the requests of followers that are behind, and those whose time is over.
    fn serve(&self, desk: &mut Desk) {
        desk.is_awaited = false;
        if desk.requests.is_empty() {
            return;
        }
        let position = self.refresh(desk).unwrap_or_else(|error| {
            self.figures.note(&error);
            None
        });
        let now = Instant::now();
        let Desk { source, requests, .. } = desk;
        let mut news = HashMap::new();
        for request in std::mem::take(requests) {
            let message = match (position, source.as_ref()) {
                (Some(position), Some(source)) if request.base != Some(position) => {
                    let base = source.known(position, request.base);
                    // A message is made once for all followers of a state. Requests may name any states, so there may be many
                    // messages.
                    if !news.contains_key(&base) && self.under_way.bytes() > self.limit {
                        requests.push(request);
                        continue;
                    }
                    let make = || self.under_way.message(encode(&Answer::News(source.news(position, base))));
                    news.entry(base).or_insert_with(make).clone()
                }
                _ if request.until > now => {
                    requests.push(request);
                    continue;
                }
                (Some(position), _) => encode(&Answer::Same(position)).into(),
                (None, _) => encode(&Answer::Absent).into(),
            };
            self.answers.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
            if let Err(error) = request.question.answer(message) {
                self.figures.note(&error);
            }
        }
        desk.is_awaited = !desk.requests.is_empty() && position.is_some();
        if desk.is_awaited {
            self.awaited.notify_one();
        }
    }

    /// Reads the newest state; `None` if the name leads to nothing.
    fn refresh(&self, desk: &mut Desk) -> Result<Option<Position>, MirrorError> {
        if desk.source.as_ref().is_none_or(|source| !source.is_current()) {
            desk.source = None;
            desk.source = Source::open(&self.name, &self.keys, self.limit)?;
            desk.opened += 1;
        }
        desk.source.as_mut().map(Source::refresh).transpose()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked has left whole data: it is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
