//! `Watcher`: a process that waits for the changes of an arena.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use shared_value::Arena;
use shared_value_tests::stepper::is_asleep;
use shared_value_tests::{AT_ONCE, DEADLINE, Forked, end_now, eventually, split};

/// A forked process that tells the keys of all changes. Dropping this kills it.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Declared before `talk`, because it must be killed before the socket is closed.
    _process: Forked,
    talk: BufReader<UnixStream>,
    seen: BTreeSet<String>,
}

impl Watcher {
    /// Starts the process, and returns when it waits.
    pub(crate) fn start(name: &str) -> Self {
        let (talk, theirs) = UnixStream::pair().expect("a pair of sockets");
        let Some(process) = split() else {
            drop(talk);
            watch(name, &theirs);
        };
        let id = process.process_id().as_raw_nonzero().get().unsigned_abs();
        let mut watcher = Self { _process: process, talk: BufReader::new(talk), seen: BTreeSet::new() };
        assert_eq!(watcher.hear(DEADLINE), Some(String::new()), "the watcher is ready");
        eventually("the watcher sleeps", || is_asleep(id));
        watcher
    }

    /// Waits until all of these keys were seen to change. Returns one that was not seen in time.
    pub(crate) fn misses(&mut self, keys: &[&String]) -> Option<String> {
        loop {
            let missing = keys.iter().find(|key| !self.seen.contains(**key))?;
            let Some(heard) = self.hear(AT_ONCE) else { return Some((*missing).clone()) };
            self.seen.insert(heard);
        }
    }

    fn hear(&mut self, within: Duration) -> Option<String> {
        self.talk.get_ref().set_read_timeout(Some(within)).expect("a valid timeout");
        let mut line = String::new();
        self.talk.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    }
}

fn watch(name: &str, mut talk: &UnixStream) -> ! {
    let arena = Arena::open(name).expect("it is there");
    let changes = arena.changes("*").expect("the arena is whole");
    let mut tell = |key: &str| writeln!(talk, "{key}").is_ok();
    tell("");
    for change in changes {
        tell(change.expect("the arena is whole").key());
    }
    end_now(0);
}
