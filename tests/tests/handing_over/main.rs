//! Values that are handed to other programs: by an inherited descriptor, by a token, over a socket.

mod descriptors;
mod tokens;

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use shared_value::{Error, Lock, RLock, Synchronized};
use shared_value_tests::{DEADLINE, eventually, fork, lock_bytes, scaled};

const COUNT: u64 = 1_000;

fn partner(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partner"));
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// Waits until the partner has ended well, and returns its output.
fn outcome(mut child: Child) -> String {
    eventually("the partner ends", || child.try_wait().expect("it is a child").is_some());
    let mut said = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut said).expect("it can be read");
    assert!(child.wait().expect("it has ended").success(), "the partner failed: {said}");
    said.trim_end().to_owned()
}

fn run(mut command: Command) -> String {
    outcome(command.spawn().expect("it starts"))
}

/// Without an inheritable descriptor, and an entry that tells its number, a child cannot reach the value.
#[test]
fn a_child_gets_the_values_that_were_passed_to_it() {
    let (one, other) = (Synchronized::new(0_u64).unwrap(), Synchronized::new(100_u64).unwrap());
    let children: Vec<_> = (0..2)
        .map(|number| {
            let mut command = partner(&["add", ["ONE", "OTHER"][number], &COUNT.to_string()]);
            one.pass_to(&mut command, "ONE").unwrap();
            other.pass_to(&mut command, "OTHER").unwrap();
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        outcome(child);
    }
    assert_eq!((one.get(), other.get()), (COUNT, 100 + COUNT));
}

/// The command needs a descriptor of its own: the handle may be dropped before the command starts.
#[test]
fn a_value_may_be_dropped_before_the_command_starts() {
    let mut command = partner(&["read", "VALUE"]);
    Synchronized::new(7_u64).unwrap().pass_to(&mut command, "VALUE").unwrap();
    assert_eq!(run(command), "7");
}

/// If the descriptor were inheritable in the parent, every child that another thread starts would get it.
#[test]
fn other_children_get_nothing() {
    let bare = run(partner(&["look", "VALUE"]));
    let value = Synchronized::new(0_u64).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..scaled(200, 50) {
                let mut command = partner(&["add", "VALUE", "1"]);
                value.pass_to(&mut command, "VALUE").unwrap();
                run(command);
            }
        });
        for _ in 0..scaled(200, 50) {
            assert_eq!(run(partner(&["look", "VALUE"])), bare);
        }
    });
    assert_eq!(value.get(), scaled(200, 50));
}

/// A descriptor that is missing, or that is another file, must be an error, and must not be mapped as the value.
#[test]
fn a_value_that_was_not_passed_is_a_clear_error() {
    let message = run(partner(&["write", "VALUE"]));
    assert!(message.contains("`VALUE`") && message.contains("not found"), "{message}");

    let value = Synchronized::new(0_u64).unwrap();
    let mut command = partner(&["mistake", "VALUE"]);
    value.pass_to(&mut command, "VALUE").unwrap();
    let message = run(command);
    assert!(message.contains("expected `f64") && message.contains("found `u64"), "{message}");

    let mut command = partner(&["write", "VALUE"]);
    command.env("VALUE", "descriptor 99 identity 1 value 0");
    let message = run(command);
    assert!(message.contains("descriptor 99") && message.contains("Bad file descriptor"), "{message}");

    let mut command = partner(&["write", "VALUE"]);
    command.env("VALUE", "descriptor 1 identity 1 value 0");
    let message = run(command);
    assert!(message.contains("another file"), "{message}");

    let mut command = partner(&["write", "VALUE"]);
    command.env("VALUE", "nonsense");
    let message = run(command);
    assert!(message.contains("nonsense"), "{message}");

    let mut command = partner(&["write", "VALUE"]);
    assert!(matches!(value.pass_to(&mut command, "A=B"), Err(Error::InvalidName { .. })));
}

/// A program that has opened an inherited value must not pass it to the programs that it starts.
#[test]
fn a_passed_value_goes_no_further() {
    let mut command = partner(&["pass-nothing-on", "VALUE"]);
    Synchronized::new(7_u64).unwrap().pass_to(&mut command, "VALUE").unwrap();
    let message = run(command);
    assert!(message.contains("no shared value was passed"), "{message}");
}

/// A descriptor for reading must not become a handle that can write.
#[test]
fn a_value_that_was_passed_for_reading_can_only_be_read() {
    let value = Synchronized::new(7_u64).unwrap();
    let read_only = value.read_only().unwrap();
    value.set(8).unwrap();
    let mut command = partner(&["read", "VALUE"]);
    read_only.pass_to(&mut command, "VALUE").unwrap();
    assert_eq!(run(command), "8");
    let mut command = partner(&["write", "VALUE"]);
    read_only.pass_to(&mut command, "VALUE").unwrap();
    let message = run(command);
    assert!(message.contains("Permission denied"), "{message}");
}

/// The kernel must carry the descriptor, because the receiver may lack the name or the permission.
#[test]
fn a_socket_carries_a_value() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let child = partner(&["add-by-socket", path.to_str().unwrap(), &COUNT.to_string()]).spawn().unwrap();
    let value = Synchronized::new(0_u64).unwrap();
    value.send_to(&listener.accept().unwrap().0).unwrap();
    outcome(child);
    assert_eq!(value.get(), COUNT);
}

/// A peer may send any descriptor. Without the identity in the message, the receiver would open another value, or wait for a
/// process that opens it, or lock a file that is not a value.
#[test]
fn a_socket_does_nothing_to_another_file() {
    let (here, there) = UnixStream::pair().unwrap();
    let value = Synchronized::new(1_u64).unwrap();
    let other = Synchronized::new(2_u64).unwrap();
    let send_instead = |file: &File| {
        let (mine, relayed) = UnixStream::pair().unwrap();
        value.send_to(&mine).unwrap();
        let mut message = [0; 64];
        let length = (&relayed).read(&mut message).unwrap();
        let descriptors = [file.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
        sendmsg(&here, &[IoSlice::new(&message[..length])], &mut ancillary, SendFlags::empty()).unwrap();
    };
    let open = || match (Synchronized::<u64>::open(&there), Synchronized::<u64>::open_read_only(&there)) {
        (Err(Error::Io { source: one, .. }), Err(Error::Io { source: other, .. })) => {
            assert_eq!((one.kind(), other.kind()), (ErrorKind::InvalidData, ErrorKind::InvalidData));
            assert_eq!(one.to_string(), other.to_string());
            one.to_string()
        }
        opened => panic!("{opened:?}"),
    };
    let refused = |file: &File| {
        send_instead(file);
        send_instead(file);
        open()
    };

    let descriptor = other.token().unwrap().to_string().rsplit_once(':').unwrap().1.to_owned();
    let segment = File::options().read(true).write(true).open(format!("/proc/self/fd/{descriptor}")).unwrap();
    // The entrance is locked, as by a process that is opening the file: a receiver that entered would wait.
    lock_bytes(&segment, libc::F_OFD_SETLK, libc::F_WRLCK, 1, 2).unwrap();
    assert!(refused(&segment).contains("a segment of identity"));

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other");
    std::fs::write(&path, "text").unwrap();
    assert!(refused(&File::open(&path).unwrap()).contains("found another file"));
    std::fs::remove_file(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut pipe = File::options().read(true).write(true).open(&path).unwrap();
    pipe.write_all(b"contents").unwrap();
    assert!(refused(&pipe).contains("found a pipe"));
    let mut contents = [0; 8];
    pipe.read_exact(&mut contents).unwrap();
    assert_eq!(&contents, b"contents");
    assert!(refused(&File::open("/dev/zero").unwrap()).contains("found a device"));

    // The socket stays in step.
    value.send_to(&here).unwrap();
    assert_eq!(Synchronized::<u64>::open(&there).unwrap().get(), 1);
    assert_eq!(other.get(), 2);
}

/// Without a lock, two writers of different bytes of a word must not undo each other's changes.
#[test]
fn unlocked_parts_of_one_word_are_kept() {
    let value = Synchronized::<[u8; 8]>::options().unlocked().new([0; 8]).unwrap();
    thread::scope(|scope| {
        for index in 0..2 {
            let value = &value;
            scope.spawn(move || {
                for round in 0..scaled(2_000_000, 300_000) {
                    let byte = u8::try_from(round % 251).unwrap();
                    value.set_at(index, byte).unwrap();
                    assert_eq!(value.at(index), byte, "the other thread has overwritten the byte");
                }
            });
        }
    });
}

/// A reader of another process must see whole values, and must make progress, beside a writer that never pauses.
#[test]
fn a_read_only_reader_sees_whole_values() {
    let twins = Synchronized::new([0_u64; 8]).unwrap();
    let mut child = partner(&["watch", &twins.token().unwrap().to_string()]).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    // The reader says a line when it has read a thousand times.
    let reading = thread::spawn(move || said.next());
    let start = Instant::now();
    for round in 0.. {
        if round >= scaled(3_000_000, 100_000) && reading.is_finished() {
            break;
        }
        assert!(start.elapsed() < DEADLINE, "the reader makes no progress");
        twins.set([round; 8]).unwrap();
    }
    twins.set([u64::MAX; 8]).unwrap();
    assert_eq!(reading.join().unwrap().transpose().unwrap().as_deref(), Some("reading"));
    assert!(child.wait().unwrap().success(), "the reader failed");
}

/// A value without new writers must refuse a process that got a descriptor, and must keep its old writers.
#[test]
fn a_value_without_new_writers_keeps_its_old_ones() {
    let value = Synchronized::options().no_new_writers().new(1_u64).unwrap();
    fork(|| value.update(|number| *number += 1).unwrap()).finish();
    value.update(|number| *number += 1).unwrap();

    let mut command = partner(&["write", "VALUE"]);
    value.pass_to(&mut command, "VALUE").unwrap();
    let said = run(command);
    assert!(said.contains("Operation not permitted"), "{said}");
    let mut command = partner(&["read", "VALUE"]);
    value.pass_to(&mut command, "VALUE").unwrap();
    assert_eq!(run(command), "3");
}

/// Values under a lock object are of use to another process only together with the lock.
#[test]
fn locks_are_handed_over_like_values() {
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let (one, other) = (guarded.new(0_u64).unwrap(), guarded.new(0_u64).unwrap());
    let children: Vec<_> = (0..2)
        .map(|_| {
            let mut command = partner(&["add-under-lock", &COUNT.to_string()]);
            lock.pass_to(&mut command, "LOCK").unwrap();
            one.pass_to(&mut command, "ONE").unwrap();
            other.pass_to(&mut command, "OTHER").unwrap();
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        outcome(child);
    }
    assert_eq!((one.get(), other.get()), (2 * COUNT, 2 * COUNT));

    let same = RLock::open(lock.token().unwrap()).unwrap();
    let opened = Synchronized::<u64>::options().lock(&same).open(one.token().unwrap()).unwrap();
    opened.set(1).unwrap();
    assert_eq!(one.get(), 1);
    let refused = Synchronized::<u64>::open(one.token().unwrap()).unwrap_err();
    assert!(matches!(refused, Error::InvalidSegment { field: "lock", .. }), "{refused:?}");

    let (here, there) = UnixStream::pair().unwrap();
    let lock = Lock::new().unwrap();
    let value = Synchronized::options().lock(&lock).new(5_u64).unwrap();
    lock.send_to(&here).unwrap();
    value.send_to(&here).unwrap();
    let received = Lock::open(&there).unwrap();
    let received = Synchronized::<u64>::options().lock(&received).open(&there).unwrap();
    received.set(6).unwrap();
    assert_eq!(value.get(), 6);
}
