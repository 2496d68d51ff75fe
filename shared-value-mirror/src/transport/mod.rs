//! `Transport`: how requests reach a publisher, and answers the followers.

mod settings;
mod zenoh;

pub(crate) use settings::LIMIT;
pub use settings::Settings;
pub use zenoh::Zenoh;

use std::time::Duration;

use bytes::Bytes;

use crate::error::MirrorError;

/// Carries requests to the publisher of a key, and its answers back.
///
/// A publisher may hold a request until it has something new to answer. So each follower has at most one message on its way,
/// which holds the newest state: nothing queues, and a slow follower delays no other.
pub trait Transport: Send + Sync + 'static {
    /// Calls `receive` for each request about a key, until the returned value is dropped. `receive` must return soon.
    ///
    /// # Errors
    /// `Transport`.
    fn answer(
        &self,
        key: &str,
        receive: Box<dyn Fn(Box<dyn Question>) + Send + Sync>,
    ) -> Result<Box<dyn Answering>, MirrorError>;

    /// Sends one request. The transport gives up after `timeout`, or sooner if it knows that no answer can come. It may need
    /// memory for the request until then, also if the answer has come.
    ///
    /// # Errors
    /// `Transport`.
    fn ask(&self, key: &str, message: Vec<u8>, timeout: Duration) -> Result<Box<dyn Answers>, MirrorError>;
}

/// A request that waits for its answer. If it is dropped, no answer is sent.
pub trait Question: Send {
    /// Returns the message.
    fn message(&self) -> Vec<u8>;

    /// Sends the answer, which is shared with other followers. May return before it is sent, and keeps the answer until then.
    ///
    /// # Errors
    /// `Transport`.
    fn answer(self: Box<Self>, message: Bytes) -> Result<(), MirrorError>;
}

/// Stands for a publisher that takes requests, until it is dropped.
pub trait Answering: Send {}

/// The answers to one request.
pub trait Answers: Send {
    /// Waits for the next answer.
    fn next(&self, timeout: Duration) -> Next;
}

/// The state of a request.
#[derive(Debug)]
pub enum Next {
    /// An answer.
    Answer(Vec<u8>),
    /// Nothing yet.
    Waiting,
    /// No more answers will come.
    Ended,
}
