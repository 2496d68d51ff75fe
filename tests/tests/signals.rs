//! Waits that a signal ends.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use shared_value::{Arena, Error, LockError, RLock, Synchronized, interruptible, interruptible_within};
use shared_value_tests::{SHORT, SegmentName, eventually, in_time};

/// How often the handler has run.
static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handle(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Handles SIGUSR1, with and without the restart of system calls.
fn install(flags: SaFlags) {
    let action = SigAction::new(SigHandler::Handler(handle), flags, SigSet::empty());
    // SAFETY: the handler only adds to an atomic.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
}

fn signal(thread: libc::pid_t) {
    // SAFETY: the call takes numbers only, and checks them.
    unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, libc::SIGUSR1) };
}

/// Runs `wait` in a thread that gets a signal every few milliseconds until the wait ends.
#[track_caller]
fn interrupted<R: Send + 'static>(what: &str, wait: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, ids) = mpsc::channel();
    let waiter = thread::spawn(move || {
        sender.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        wait()
    });
    let id = ids.recv().unwrap();
    eventually(what, || {
        signal(id);
        waiter.is_finished()
    });
    waiter.join().unwrap()
}

/// Runs the closure while another thread holds the lock of a value.
fn beside(holder: &Synchronized<u64>, work: impl FnOnce()) {
    let guard = holder.lock().unwrap();
    work();
    drop(guard);
}

fn is_interrupted<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::Lock(LockError::Interrupted) | Error::Interrupted { .. }))
}

/// Without this, a program that waits for a lock or for a change could not answer Ctrl-C.
#[test]
fn a_signal_ends_each_wait() {
    in_time(|| {
        for flags in [SaFlags::empty(), SaFlags::SA_RESTART] {
            install(flags);
            let value = Synchronized::new(0_u64).unwrap();
            beside(&value, || {
                for (what, change) in [
                    ("lock", (|value| value.lock().map(drop)) as fn(&Synchronized<u64>) -> Result<(), Error>),
                    ("lock_timeout", |value| value.lock_timeout(Duration::from_secs(3600)).map(drop)),
                    ("set", |value| value.set(1)),
                    ("update", |value| value.update(|number| *number = 1)),
                    ("within", |value| value.within(Duration::from_secs(3600)).set(1)),
                ] {
                    let value = value.clone();
                    let result = interrupted(what, move || interruptible(|| change(&value)));
                    assert!(is_interrupted(&result), "{what}: {result:?}");
                }
            });
            assert_eq!(value.version(), 0);
            value.set(1).unwrap();

            for (what, wait) in [
                (
                    "wait_for",
                    (|value| value.wait_for(|number| *number == 7, Duration::from_secs(3600)).map(drop))
                        as fn(&Synchronized<u64>) -> Result<(), Error>,
                ),
                ("changes", |value| value.changes().next().unwrap().map(drop)),
                ("a reader", |value| value.read_only()?.changes().next().unwrap().map(drop)),
            ] {
                let value = value.clone();
                let result = interrupted(what, move || interruptible(|| wait(&value)));
                assert!(is_interrupted(&result), "{what}: {result:?}");
            }
            let lock = RLock::new().unwrap();
            let guard = lock.lock().unwrap();
            let other = lock.clone();
            let result = interrupted("a lock object", move || interruptible(|| other.lock().map(drop)));
            assert!(is_interrupted(&result), "{result:?}");
            drop(guard);
            let name = SegmentName::new("interrupted");
            let result = interrupted("an open", move || {
                let options = Synchronized::<u64>::options().wait(Duration::from_secs(3600));
                interruptible(|| options.open(&name))
            });
            assert!(is_interrupted(&result), "{result:?}");

            let arena = Arena::new(1 << 20).unwrap();
            let value = arena.insert("value", 1_u64).unwrap();
            let guard = value.lock().unwrap();
            let (other, number) = (arena.clone(), value.clone());
            let result = interrupted("a transaction", move || {
                interruptible(|| other.transaction(|tx| tx.lock(&number)?.set(2)))
            });
            assert!(is_interrupted(&result), "{result:?}");
            drop(guard);
            arena.transaction(|tx| tx.lock(&value)?.set(3)).unwrap();
            assert_eq!((value.get(), value.version()), (3, 1));
        }
    });
}

/// The other end of a socket may never send, or never make room.
#[test]
fn the_wait_for_a_socket_ends() {
    in_time(|| {
        install(SaFlags::SA_RESTART);
        let value = Synchronized::new(5_u64).unwrap();
        let (here, there) = UnixStream::pair().unwrap();
        there.set_nonblocking(true).unwrap();
        while value.send_to(&there).is_ok() {}
        there.set_nonblocking(false).unwrap();
        let (empty, _other) = UnixStream::pair().unwrap();
        let receive = |socket: &UnixStream| Synchronized::<u64>::open(socket).map(drop);

        let (sender, full, socket) = (value.clone(), there.try_clone().unwrap(), empty.try_clone().unwrap());
        let result = interrupted("send_to", move || interruptible(|| sender.send_to(&full)));
        assert!(matches!(result, Err(Error::Interrupted { .. })), "{result:?}");
        let result = interrupted("open", move || interruptible(|| receive(&socket)));
        assert!(matches!(result, Err(Error::Interrupted { .. })), "{result:?}");

        // Also without a signal.
        let result = interruptible_within(SHORT, || value.send_to(&there));
        assert!(matches!(result, Err(Error::Interrupted { .. })), "{result:?}");
        let result = interruptible_within(SHORT, || receive(&empty));
        assert!(matches!(result, Err(Error::Interrupted { .. })), "{result:?}");

        // The socket's own timeout counts, and its own mode.
        let would_block = |result: &Result<(), Error>| matches!(result, Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock);
        there.set_write_timeout(Some(SHORT)).unwrap();
        assert!(would_block(&value.send_to(&there)));
        empty.set_read_timeout(Some(SHORT)).unwrap();
        assert!(would_block(&receive(&empty)));
        empty.set_read_timeout(None).unwrap();
        empty.set_nonblocking(true).unwrap();
        assert!(would_block(&receive(&empty)));

        // Nothing was lost, and one that waits goes on when the other end is ready.
        there.set_write_timeout(None).unwrap();
        let last = thread::spawn(move || value.send_to(&there));
        while let Ok(received) = Synchronized::<u64>::open(&here) {
            assert_eq!(received.get(), 5);
        }
        last.join().unwrap().unwrap();
    });
}

/// Without the limits to its scope, a signal would end waits that rely on their end, and a stale one the next wait.
#[test]
fn other_waits_go_on() {
    in_time(|| {
        install(SaFlags::SA_RESTART);
        let value = Synchronized::new(0_u64).unwrap();
        let guard = value.lock().unwrap();
        let (sender, ids) = mpsc::channel();
        let other = value.clone();
        let waiter = thread::spawn(move || {
            sender.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
            // An interruption is told once, and the mode ends with its closure.
            let first = interruptible(|| {
                let outer = other.lock().map(drop);
                let inner = interruptible(|| other.lock_timeout(SHORT).map(drop));
                (outer, inner)
            });
            sender.send(0).unwrap();
            (first, other.update(|number| *number += 1))
        });
        let id = ids.recv().unwrap();
        let mut told = false;
        eventually("the first wait ends", || {
            told = told || ids.try_recv().is_ok();
            if !told {
                signal(id);
            }
            told
        });
        let before = HANDLED.load(Ordering::Relaxed);
        for _ in 0..20 {
            signal(id);
            thread::sleep(Duration::from_millis(10));
        }
        assert!(HANDLED.load(Ordering::Relaxed) > before && !waiter.is_finished());
        drop(guard);
        let ((outer, inner), last) = waiter.join().unwrap();
        assert!(is_interrupted(&outer), "{outer:?}");
        assert!(inner.is_err());
        last.unwrap();
        assert_eq!(value.get(), 1);
    });
}
