//! `Zenoh`: the transport over zenoh.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use zenoh::Wait;
use zenoh::handlers::{FifoChannel, FifoChannelHandler};
use zenoh::qos::CongestionControl;
use zenoh::query::{ConsolidationMode, Query, QueryTarget, Queryable, Reply};
use zenoh::{Error, Session};

use crate::error::MirrorError;
use crate::transport::{Answering, Answers, Next, Question, Settings, Transport};

/// Answers above this size are sent by a thread of their own: on a slow link, sending blocks until most of it has left.
const LARGE: usize = 32 << 10;

/// How many such threads there are at most. Further followers have to ask again.
const THREADS: usize = 256;

/// Carries messages by zenoh: requests are queries, and answers are replies.
///
/// It brings no server. Both sides may connect to each other, or to a router of zenoh between them.
#[derive(Clone, Debug)]
pub struct Zenoh {
    session: Session,
    /// How many threads send large answers.
    threads: Arc<AtomicUsize>,
}

impl Zenoh {
    /// Opens a session.
    ///
    /// # Errors
    /// `Transport` if the configuration is wrong, or an address cannot be listened on.
    pub fn open(settings: &Settings) -> Result<Self, MirrorError> {
        let session = zenoh::open(settings.config()?).wait().map_err(failed("open a session"))?;
        Ok(Self { session, threads: Arc::default() })
    }
}

impl Transport for Zenoh {
    fn answer(
        &self,
        key: &str,
        receive: Box<dyn Fn(Box<dyn Question>) + Send + Sync>,
    ) -> Result<Box<dyn Answering>, MirrorError> {
        let declared = self.session.declare_queryable(key.to_owned()).complete(true);
        let threads = self.threads.clone();
        let declared = declared.callback(move |query| {
            // A request is held, so whatever else a peer adds to it would take memory.
            if query.attachment().is_none() && query.parameters().is_empty() {
                receive(Box::new(Asked { query, threads: threads.clone() }));
            }
        });
        Ok(Box::new(Declared { _queryable: declared.wait().map_err(failed("answer requests"))? }))
    }

    fn ask(&self, key: &str, message: Vec<u8>, timeout: Duration) -> Result<Box<dyn Answers>, MirrorError> {
        let asked = self.session.get(key).payload(message).timeout(timeout).target(QueryTarget::BestMatching);
        let asked = asked.consolidation(ConsolidationMode::None).congestion_control(CongestionControl::Block);
        let replies = asked.express(true).with(FifoChannel::new(4)).wait().map_err(failed("ask"))?;
        Ok(Box::new(Replies { replies }))
    }
}

struct Declared {
    _queryable: Queryable<()>,
}

impl Answering for Declared {}

struct Asked {
    query: Query,
    threads: Arc<AtomicUsize>,
}

impl Question for Asked {
    fn message(&self) -> Vec<u8> {
        self.query.payload().map(|payload| payload.to_bytes().into_owned()).unwrap_or_default()
    }

    fn answer(self: Box<Self>, message: Bytes) -> Result<(), MirrorError> {
        let Self { query, threads } = *self;
        let is_large = message.len() > LARGE;
        let send = move || {
            // It waits for room, as the request does.
            let reply = query.reply(query.key_expr().clone(), message);
            reply.express(true).wait().map_err(failed("answer"))
        };
        if !is_large {
            return send();
        }
        let own = OneOf(threads);
        if own.0.fetch_add(1, Ordering::Relaxed) >= THREADS {
            let reason = format!("{THREADS} large answers are under way already");
            return Err(MirrorError::Transport { what: "answer", reason });
        }
        let send = move || {
            let _own = own;
            // If it fails, the follower asks again.
            drop(send());
        };
        thread::Builder::new().name("mirror-answer".to_owned()).spawn(send).map(drop).map_err(MirrorError::Thread)
    }
}

/// One of a number of threads, until it is dropped.
struct OneOf(Arc<AtomicUsize>);

impl Drop for OneOf {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Replies {
    replies: FifoChannelHandler<Reply>,
}

impl Answers for Replies {
    fn next(&self, timeout: Duration) -> Next {
        match self.replies.recv_timeout(timeout) {
            Ok(Some(reply)) => match reply.into_result() {
                Ok(sample) => Next::Answer(sample.payload().to_bytes().into_owned()),
                Err(_) => Next::Ended,
            },
            Ok(None) => Next::Waiting,
            Err(_) => Next::Ended,
        }
    }
}

fn failed(what: &'static str) -> impl FnOnce(Error) -> MirrorError {
    move |error| MirrorError::Transport { what, reason: error.to_string() }
}
