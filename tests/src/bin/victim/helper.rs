//! `Helper`: a third process, which waits for a lock or holds it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use shared_value::Synchronized;
use shared_value_tests::stepper::is_asleep;
use shared_value_tests::{DEADLINE, Forked, block_on, end_now, split};

use crate::triple::{Number, Triple};

/// A forked process that obeys commands of one byte from a socket. Dropping this kills it.
#[derive(Debug)]
pub(crate) struct Helper {
    /// Declared before `talk`, because it must be killed before the socket is closed.
    _process: Forked,
    talk: UnixStream,
    id: u32,
}

/// Waits for the lock, and releases it at once.
const WAIT: u8 = b'w';
/// Waits until another value is committed.
const WATCH: u8 = b'c';
/// Waits until another value is committed, in a task.
const WATCH_IN_TASK: u8 = b't';
/// Takes the lock, writes half of a value, and keeps the lock.
const HOLD: u8 = b'h';

const READY: u8 = b'r';
const HAD: u8 = b'l';
const RECOVERED: u8 = b'd';
const NOT_HAD: u8 = b'n';

impl Helper {
    pub(crate) fn start<N: Number, const BETWEEN: usize>(value: &'static Synchronized<Triple<N, BETWEEN>>) -> Self {
        let (talk, mut theirs) = UnixStream::pair().expect("a pair of sockets");
        talk.set_read_timeout(Some(DEADLINE)).expect("a valid timeout");
        let Some(process) = split() else {
            drop(talk);
            serve(value, &mut theirs);
        };
        let mut helper = Self { talk, _process: process, id: 0 };
        let mut id = [0; 4];
        helper.talk.read_exact(&mut id).expect("the helper tells its id");
        helper.id = u32::from_ne_bytes(id);
        helper
    }

    /// Makes the helper wait for the lock, and returns when it sleeps.
    pub(crate) fn wait_for_lock(&mut self) {
        self.tell(WAIT);
        self.fall_asleep();
    }

    /// Makes the helper wait for another value than the one of ones, and returns when it sleeps.
    pub(crate) fn wait_for_change(&mut self) {
        self.tell(WATCH);
        self.fall_asleep();
    }

    /// As `wait_for_change`, in a task.
    pub(crate) fn wait_for_change_in_task(&mut self) {
        self.tell(WATCH_IN_TASK);
        self.fall_asleep();
    }

    fn fall_asleep(&mut self) {
        self.expect(READY);
        let start = Instant::now();
        while !is_asleep(self.id) {
            assert!(start.elapsed() < DEADLINE, "the helper does not sleep");
            thread::yield_now();
        }
    }

    /// Makes the helper take the lock and write half of a value.
    pub(crate) fn hold(&mut self) {
        self.tell(HOLD);
        self.expect(READY);
    }

    /// Waits for the end of the helper's wait, and returns whether it took over a lock from a dead owner. Returns `None` if
    /// the wait does not end in time.
    pub(crate) fn end_of_wait(&mut self, within: Duration) -> Option<bool> {
        self.talk.set_read_timeout(Some(within)).expect("a valid timeout");
        let mut answer = [0];
        let answered = self.talk.read_exact(&mut answer).is_ok();
        self.talk.set_read_timeout(Some(DEADLINE)).expect("a valid timeout");
        (answered && answer != [NOT_HAD]).then_some(answer == [RECOVERED])
    }

    fn tell(&mut self, command: u8) {
        self.talk.write_all(&[command]).expect("the helper reads");
    }

    fn expect(&mut self, answer: u8) {
        let mut byte = [0];
        self.talk.read_exact(&mut byte).expect("the helper answers");
        assert_eq!(byte, [answer], "the helper's answer");
    }
}

fn serve<N: Number, const BETWEEN: usize>(
    value: &'static Synchronized<Triple<N, BETWEEN>>,
    talk: &mut UnixStream,
) -> ! {
    let _ = talk.write_all(&std::process::id().to_ne_bytes());
    let mut command = [0];
    while talk.read_exact(&mut command).is_ok() {
        if command == [WATCH] {
            let _ = talk.write_all(&[READY]);
            let changed = value.wait_for(|value| value.left != N::from(1), DEADLINE);
            let _ = talk.write_all(&[if changed.is_ok() { HAD } else { NOT_HAD }]);
        } else if command == [WATCH_IN_TASK] {
            let mut changes = value.changes();
            let _ = talk.write_all(&[READY]);
            let is_old = value.load().is_ok_and(|value| value.left == N::from(1));
            let has_come = !is_old || block_on(changes.changed()).is_ok_and(|value| value.left != N::from(1));
            let _ = talk.write_all(&[if has_come { HAD } else { NOT_HAD }]);
        } else if command == [WAIT] {
            let _ = talk.write_all(&[READY]);
            let answer = match value.lock_timeout(DEADLINE) {
                Ok(guard) if guard.recovered() => RECOVERED,
                Ok(_) => HAD,
                Err(_) => NOT_HAD,
            };
            let _ = talk.write_all(&[answer]);
        } else {
            let value = value.clone();
            let guard = value.lock().expect("the lock is free soon");
            value.set_left(N::from(9)).expect("the lock is held");
            let _ = talk.write_all(&[READY]);
            let _ = talk.read_exact(&mut command);
            drop(guard);
        }
    }
    end_now(0);
}
