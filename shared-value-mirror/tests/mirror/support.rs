//! Processes, names and endpoints.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared_value::{ReadOnly, SharedValue, Source, Synchronized};
use shared_value_mirror::{
    Answering, Answers, MirrorError, MirrorStatus, Question, Settings, SynchronizedMirrorStatus, Transport, Zenoh,
};
use shared_value_tests::{DEADLINE, Process, SegmentName};

/// An endpoint of the loopback interface that no process uses.
pub(crate) fn endpoint() -> String {
    let port = TcpListener::bind("127.0.0.1:0").expect("there is a port").local_addr().expect("it has one").port();
    format!("tcp/127.0.0.1:{port}")
}

/// Publishes names from a process of its own.
pub(crate) fn publish(endpoint: &str, names: &[&str]) -> Process {
    mirror(&[&["publish", "--listen", endpoint], names].concat())
}

/// Follows names in a process of its own. The replicas have names that begin with `prefix`.
pub(crate) fn follow(endpoint: &str, prefix: &str, names: &[&str]) -> Process {
    mirror(&[&["follow", "--connect", endpoint, "--prefix", prefix], names].concat())
}

pub(crate) fn mirror(arguments: &[&str]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
    Process::start(command.args(arguments).stdin(Stdio::null()))
}

/// A transport for a follower: zenoh, but each request goes through a function.
pub(crate) struct Relay<F> {
    zenoh: Zenoh,
    ask: F,
}

impl<F> Relay<F>
where
    F: Fn(&Zenoh, &str, Vec<u8>, Duration) -> Result<Box<dyn Answers>, MirrorError> + Send + Sync + 'static,
{
    pub(crate) fn connect(endpoint: String, ask: F) -> Arc<Self> {
        let there = Settings { connect: vec![endpoint], ..Settings::default() };
        Arc::new(Self { zenoh: Zenoh::open(&there).expect("there is a port"), ask })
    }
}

impl<F> Transport for Relay<F>
where
    F: Fn(&Zenoh, &str, Vec<u8>, Duration) -> Result<Box<dyn Answers>, MirrorError> + Send + Sync + 'static,
{
    fn answer(
        &self,
        key: &str,
        receive: Box<dyn Fn(Box<dyn Question>) + Send + Sync>,
    ) -> Result<Box<dyn Answering>, MirrorError> {
        self.zenoh.answer(key, receive)
    }

    fn ask(&self, key: &str, message: Vec<u8>, timeout: Duration) -> Result<Box<dyn Answers>, MirrorError> {
        (self.ask)(&self.zenoh, key, message, timeout)
    }
}

/// The names of a value and its replica, which are unlinked when this is dropped, with the replica's status.
pub(crate) struct Names {
    pub(crate) origin: SegmentName,
    pub(crate) replica: SegmentName,
    _status: SegmentName,
}

impl Names {
    pub(crate) fn new(label: &str) -> Self {
        let origin = SegmentName::new(label);
        Self { replica: replica("r1-", &origin), _status: status_name("r1-", &origin), origin }
    }
}

pub(crate) fn replica(prefix: &str, origin: &SegmentName) -> SegmentName {
    SegmentName::of(format!("{prefix}{}", &**origin))
}

pub(crate) fn status_name(prefix: &str, origin: &SegmentName) -> SegmentName {
    SegmentName::of(format!("{prefix}{}.mirror", &**origin))
}

pub(crate) fn status(replica: &str) -> Option<MirrorStatus> {
    SynchronizedMirrorStatus::open_read_only(&*format!("{replica}.mirror")).ok()?.load().ok()
}

/// Opens a replica as soon as it is there.
pub(crate) fn reader<T: SharedValue>(name: &str) -> Synchronized<T, ReadOnly> {
    let options = Synchronized::<T>::options().read_only().wait(DEADLINE);
    options.open(Source::from(name)).expect("the replica is made")
}

/// A value whose words all hold the same number: a mixture of two states shows.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Words {
    pub(crate) words: [u64; 64],
}

impl Words {
    pub(crate) fn of(number: u64) -> Self {
        Self { words: [number; 64] }
    }

    /// Returns the number, if it is the same in all words.
    pub(crate) fn number(&self) -> Option<u64> {
        self.words.iter().all(|word| *word == self.words[0]).then_some(self.words[0])
    }
}

/// Reads a value for a time, and returns how often it has changed.
///
/// # Panics
/// If it holds words of two states, or an earlier state than before.
pub(crate) fn watch(value: &Synchronized<Words, ReadOnly>, time: Duration, last: &mut u64) -> u64 {
    let start = Instant::now();
    let mut changes = 0;
    while start.elapsed() < time {
        let number = value.get().number().expect("it is torn");
        assert!(number >= *last, "it goes back from {last} to {number}");
        changes += u64::from(number > *last);
        *last = number;
        std::thread::sleep(Duration::from_micros(200));
    }
    changes
}
