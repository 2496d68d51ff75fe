//! `Publisher`: publishes names until it is dropped.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use crate::error::MirrorError;
use crate::key::key_of;
use crate::origin::Origin;
use crate::transport::{Answering, LIMIT, Transport};

/// Publishes a value or an arena of this machine, until it is dropped.
///
/// It reads the value, and never changes it. If the name leads to nothing, or later to another value, it goes on with what the
/// name leads to.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use shared_value::{Synchronized, unlink};
/// use shared_value_mirror::{Follower, Publisher, Settings, Zenoh};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (name, replica) = &(format!("mirror-doc-{}", std::process::id()), format!("mirror-doc-{}.r", std::process::id()));
/// # let port = { std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port() };
/// let endpoint = format!("tcp/127.0.0.1:{port}");
/// let here = Settings { listen: vec![endpoint.clone()], ..Settings::default() };
/// let there = Settings { connect: vec![endpoint], ..Settings::default() };
///
/// let price = Synchronized::create(name, 100_u64)?;
/// let publisher = Publisher::start(Arc::new(Zenoh::open(&here)?), name)?;
///
/// // On another machine, it may have the same name.
/// let follower = Follower::options().name(replica).start(Arc::new(Zenoh::open(&there)?), name)?;
/// let copy = Synchronized::<u64>::options().read_only().wait(Duration::from_secs(20)).open(replica)?;
/// price.set(120)?;
/// copy.wait_for(|price| *price == 120, Duration::from_secs(20))?;
/// # drop((publisher, follower));
/// # for name in [name, replica, &format!("{replica}.mirror")] { unlink(name)? }
/// # Ok(())
/// # }
/// ```
pub struct Publisher {
    origin: Arc<Origin>,
    answering: Option<Box<dyn Answering>>,
    /// It carries requests only as long as it lives.
    transport: Arc<dyn Transport>,
    threads: Vec<JoinHandle<()>>,
}

/// How a [`Publisher`] publishes.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a publisher is started with them"]
pub struct PublisherOptions {
    keys: String,
    limit: usize,
}

/// What a [`Publisher`] has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// How many answers it has sent, also those that say that there is nothing new.
    pub answers: u64,
    /// How many bytes these answers had, without what the transport adds.
    pub bytes: u64,
    /// How many errors there were.
    pub errors: u64,
    /// The last error.
    pub last_error: Option<String>,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self { keys: "*".to_owned(), limit: LIMIT }
    }
}

impl PublisherOptions {
    /// Publishes only those values of an arena whose keys fit a pattern, as that of
    /// [`Arena::changes`](shared_value::Arena::changes).
    pub fn keys(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.keys);
        self
    }

    /// Sets how many bytes a value may have at most, or all values of an arena together. The default is 256 MiB.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Publishes a name of this machine.
    ///
    /// # Errors
    /// `Transport` if the transport refuses, `Thread` if no thread can be started.
    pub fn start(&self, transport: Arc<dyn Transport>, name: &str) -> Result<Publisher, MirrorError> {
        let origin = Origin::new(name, &self.keys, self.limit);
        let mut publisher = Publisher { origin: origin.clone(), answering: None, transport, threads: Vec::new() };
        let spawn = |work: fn(&Origin)| {
            let origin = origin.clone();
            let thread = thread::Builder::new().name("mirror-origin".to_owned()).spawn(move || work(&origin));
            thread.map_err(MirrorError::Thread)
        };
        publisher.threads.push(spawn(Origin::answer_requests)?);
        publisher.threads.push(spawn(Origin::watch)?);
        let receive = origin.clone();
        publisher.answering =
            Some(publisher.transport.answer(&key_of(name), Box::new(move |request| receive.receive(request)))?);
        Ok(publisher)
    }
}

impl Publisher {
    /// Publishes a value, or all values of an arena that have keys.
    ///
    /// # Errors
    /// The errors of [`PublisherOptions::start`].
    pub fn start(transport: Arc<dyn Transport>, name: &str) -> Result<Self, MirrorError> {
        Self::options().start(transport, name)
    }

    /// Returns options: the keys of an arena, the limit.
    pub fn options() -> PublisherOptions {
        PublisherOptions::default()
    }

    /// Returns what it has done so far.
    pub fn figures(&self) -> Published {
        let (errors, last_error) = self.origin.figures.errors();
        Published {
            answers: self.origin.answers.load(Ordering::Relaxed),
            bytes: self.origin.bytes.load(Ordering::Relaxed),
            errors,
            last_error,
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.answering = None;
        self.origin.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Publisher").field("figures", &self.figures()).finish_non_exhaustive()
    }
}
