//! `Zenoh`: the transport over zenoh.

use std::thread;
use std::time::Duration;

use zenoh::Wait;
use zenoh::handlers::{FifoChannel, FifoChannelHandler};
use zenoh::qos::CongestionControl;
use zenoh::query::{ConsolidationMode, Query, QueryTarget, Queryable, Reply};
use zenoh::{Error, Session};

use crate::error::MirrorError;
use crate::transport::{Answering, Answers, Next, Question, Settings, Transport};

/// Answers above this size are sent by a thread of their own: on a slow link, sending blocks until most of it has left.
const LARGE: usize = 32 << 10;

/// Carries messages by zenoh: asks are queries, and answers are replies.
///
/// It brings no server. Both sides may connect to each other, or to a router of zenoh between them.
#[derive(Clone, Debug)]
pub struct Zenoh {
    session: Session,
}

impl Zenoh {
    /// Opens a session.
    ///
    /// # Errors
    /// `Transport` if the configuration is wrong, or an address cannot be listened on.
    pub fn open(settings: &Settings) -> Result<Self, MirrorError> {
        let session = zenoh::open(settings.config()?).wait().map_err(failed("open a session"))?;
        Ok(Self { session })
    }
}

impl Transport for Zenoh {
    fn answer(
        &self,
        key: &str,
        receive: Box<dyn Fn(Box<dyn Question>) + Send + Sync>,
    ) -> Result<Box<dyn Answering>, MirrorError> {
        let declared = self.session.declare_queryable(key.to_owned()).complete(true);
        let declared = declared.callback(move |query| receive(Box::new(Asked { query })));
        Ok(Box::new(Declared { _queryable: declared.wait().map_err(failed("answer asks"))? }))
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
}

impl Question for Asked {
    fn message(&self) -> Vec<u8> {
        self.query.payload().map(|payload| payload.to_bytes().into_owned()).unwrap_or_default()
    }

    fn answer(self: Box<Self>, message: Vec<u8>) -> Result<(), MirrorError> {
        let is_large = message.len() > LARGE;
        let send = move || {
            // It waits for room, as the ask does.
            let reply = self.query.reply(self.query.key_expr().clone(), message);
            reply.express(true).wait().map_err(failed("answer"))
        };
        if !is_large {
            return send();
        }
        // The asker has one ask at a time, so there is one such thread for each. If it fails, the asker asks again.
        thread::Builder::new().name("mirror-answer".to_owned()).spawn(send).map(drop).map_err(MirrorError::Thread)
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
