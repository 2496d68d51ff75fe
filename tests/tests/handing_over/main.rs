//! Values that are handed to other programs: by an inherited descriptor, by a token, over a socket.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use shared_value::{Error, Lock, LockError, RLock, Source, Synchronized, Token};
use shared_value_tests::{DEADLINE, SHORT, SegmentName, eventually, fork, lock_bytes, scaled};

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

/// Tokens of each kind must lead another process to the value.
#[test]
fn a_token_leads_to_the_value() {
    let name = SegmentName::new("token");
    let directory = tempfile::tempdir().unwrap();
    let values = [
        Synchronized::new(0_u64).unwrap(),
        Synchronized::create(&name, 0_u64).unwrap(),
        Synchronized::create(directory.path().join("value"), 0_u64).unwrap(),
    ];
    for value in values {
        let token = value.token().unwrap();
        assert!(token.to_string().chars().all(|character| character.is_ascii_graphic()), "{token}");
        run(partner(&["add-by-token", &token.to_string(), &COUNT.to_string()]));
        assert_eq!(value.get(), COUNT, "{token}");
        assert_eq!(Synchronized::<u64>::open_read_only(&token).unwrap().get(), COUNT);
        let unlocked = Synchronized::<u64>::options().unlocked().open(&token);
        assert!(matches!(unlocked, Err(Error::InvalidSegment { field: "lock", .. })), "{unlocked:?}");
    }
}

/// A token must not lead to a value that has taken the place of the one that it was made for.
#[test]
fn a_stale_token_leads_nowhere() {
    let stale = |token: &str| match Synchronized::<u64>::open(Source::token(token)) {
        Err(Error::StaleToken { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let name = SegmentName::new("stale");
    let token = Synchronized::create(&name, 0_u64).unwrap().token().unwrap().to_string();
    shared_value::unlink(&name).unwrap();
    assert!(stale(&token).contains("No such file"));
    let _successor = Synchronized::create(&name, 0_u64).unwrap();
    assert!(stale(&token).contains("another segment"));

    let value = Synchronized::new(0_u64).unwrap();
    let token = value.token().unwrap().to_string();
    drop(value);
    let _successor = Synchronized::new(0_u64).unwrap();
    stale(&token);

    // This token names this process and descriptor, but a process that was started earlier.
    let value = Synchronized::new(0_u64).unwrap();
    let token = value.token().unwrap().to_string();
    let (before, number) = token.rsplit_once(':').unwrap();
    let (before, start) = before.rsplit_once(':').unwrap();
    let older = start.parse::<u64>().unwrap() - 1;
    assert!(stale(&format!("{before}:{older}:{number}")).contains("names another"));
    for nonsense in ["", "shared-value:", "shared-value:1:1:process:x:1:1", "hello", "shared-value:zz:1:name:x"] {
        assert!(stale(nonsense).contains("not of the form"), "{nonsense}");
    }
}

/// A path may be relative, and may be no text.
#[test]
fn a_token_of_any_path_leads_to_the_value() {
    let directory = tempfile::tempdir().unwrap();
    let odd = directory.path().join(OsStr::from_bytes(b"not \xff UTF-8: \n"));
    let value = Synchronized::create(&odd, 7_u64).unwrap();
    let token = value.token().unwrap().to_string();
    assert!(token.chars().all(|character| character.is_ascii_graphic()), "{token}");
    assert_eq!(Synchronized::<u64>::open(Source::token(token)).unwrap().get(), 7);

    fork(|| {
        env::set_current_dir(directory.path()).unwrap();
        let value = Synchronized::create(Path::new("relative"), 8_u64).unwrap();
        env::set_current_dir("/").unwrap();
        assert_eq!(Synchronized::<u64>::open(value.token().unwrap()).unwrap().get(), 8);
        let kept = Synchronized::<u64>::open(Path::new("relative"));
        assert!(matches!(kept, Err(Error::NotFound { .. })), "{kept:?}");
    })
    .finish();

    // The file is found after the working directory has changed, too.
    fork(|| {
        env::set_current_dir(directory.path()).unwrap();
        let value = Synchronized::options().unlink_on_drop(true).create(Path::new("temporary"), 8_u64).unwrap();
        env::set_current_dir("/").unwrap();
        drop(value);
        assert!(!directory.path().join("temporary").exists());
    })
    .finish();
}

/// What has taken the place of a value must not be locked, waited for, or opened if that has an effect.
#[test]
fn a_token_does_nothing_to_what_has_taken_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");
    let open = |token: &Token| match Synchronized::<u64>::open(token) {
        Err(Error::StaleToken { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let token = Synchronized::create(&path, 0_u64).unwrap().token().unwrap();
    // A successor often gets the inode of the removed file.
    for _ in 0..20 {
        shared_value::unlink(&path).unwrap();
        drop(Synchronized::create(&path, 1_u64).unwrap());
        assert!(open(&token).contains("another segment"));
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "text").unwrap();
    assert!(open(&token).contains("another file"));
    std::fs::remove_file(&path).unwrap();

    // A process that opens a pipe for writing wakes one that waits to open it for reading.
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let reader = {
        let path = path.clone();
        thread::spawn(move || std::fs::File::open(path).map(drop))
    };
    assert!(open(&token).contains("no regular file"));
    thread::sleep(SHORT);
    assert!(!reader.is_finished(), "nobody has opened the pipe");
    drop(std::fs::OpenOptions::new().write(true).open(&path).unwrap());
    reader.join().unwrap().unwrap();
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
/// process that opens it, or lock a file that is no value.
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
    assert!(refused(&pipe).contains("no regular file"));
    let mut contents = [0; 8];
    pipe.read_exact(&mut contents).unwrap();
    assert_eq!(&contents, b"contents");
    assert!(refused(&File::open("/dev/zero").unwrap()).contains("no regular file"));

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

/// The kernel grants no write access through a descriptor for reading. A process of the same user may open the file anew,
/// because the user owns it, unless the value accepts no new writers.
#[test]
fn a_descriptor_for_reading_gives_no_write_access() {
    let intrude = |value: &Synchronized<u64>| {
        let mut command = partner(&["intrude", "VALUE"]);
        value.read_only().unwrap().pass_to(&mut command, "VALUE").unwrap();
        run(command)
    };
    let open = Synchronized::new(7_u64).unwrap();
    assert_eq!(
        intrude(&open),
        r#"7 ["reopen and map for writing", "reopen and write", "reopen and punch a hole"]"#,
        "the documentation says this of processes of the same user"
    );
    let closed = Synchronized::options().no_new_writers().new(7_u64).unwrap();
    assert_eq!(intrude(&closed), "7 []");
    closed.update(|number| *number += 1).unwrap();
    assert_eq!(closed.get(), 8);
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

/// A process that has opened the value by a descriptor must count as a user of it: otherwise the next process that opens the
/// value by its name would free the lock as one that was left over.
#[test]
fn a_process_that_opens_by_a_descriptor_is_a_user() {
    fn said(child: &mut Child) -> String {
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it speaks");
        line.trim_end().to_owned()
    }

    let name = SegmentName::new("attached");
    let value = Synchronized::create(&name, 1_u64).unwrap();
    let mut command = partner(&["token", "VALUE"]);
    value.pass_to(&mut command, "VALUE").unwrap();
    let mut passed_to = command.spawn().unwrap();
    let mut holder = partner(&["hold-by-token", &said(&mut passed_to)]).spawn().unwrap();
    assert_eq!(said(&mut holder), "held");
    drop((value, command));
    passed_to.kill().unwrap();
    passed_to.wait().unwrap();

    let value = Synchronized::<u64>::open(&name).unwrap();
    assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))), "the owner lives");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(value.lock().unwrap().recovered());
}

/// A duplicate shares the opening of this process, and with it the mark that the file is in use. If the other process took that
/// mark for its own, it would find the value unused, and free a lock that is held.
#[test]
fn a_descriptor_leads_to_the_value_and_its_lock() {
    let name = SegmentName::new("descriptor");
    let directory = tempfile::tempdir().unwrap();
    let values = [
        Synchronized::new(0_u64).unwrap(),
        Synchronized::create(&name, 0_u64).unwrap(),
        Synchronized::create(directory.path().join("value"), 0_u64).unwrap(),
    ];
    let add = |value: &Synchronized<u64>| {
        let mut command = partner(&["add-by-descriptor", "5"]);
        command.stdin(value.as_fd().unwrap().try_clone_to_owned().unwrap());
        run(command)
    };
    for value in &values {
        let guard = value.lock().unwrap();
        let held = "another thread or process holds the lock";
        assert_eq!(add(value), format!("{held}\n{held}"));
        guard.set(1).unwrap();
        drop(guard);
        assert_eq!((value.get(), value.recoveries()), (1, 0));
        assert_eq!(add(value), "free\nadded");
        assert_eq!(value.get(), 6);
        let reader = Synchronized::<u64>::open_read_only(Source::descriptor(&value.as_fd().unwrap())).unwrap();
        assert_eq!(reader.get(), 6);
    }
    // The file is opened anew, so a descriptor that marks nothing as in use is as good.
    let [_, named, file] = values;
    drop((named, file));
    for path in [Path::new("/dev/shm").join(&*name), directory.path().join("value")] {
        let file = File::options().read(true).write(true).open(path).unwrap();
        let mut command = partner(&["add-by-descriptor", "4"]);
        command.stdin(file.try_clone().unwrap());
        assert_eq!(run(command), "free\nadded");
        assert_eq!(Synchronized::<u64>::open(Source::descriptor(&file)).unwrap().get(), 10);
    }
}

/// Without these checks, a program that passes the wrong descriptor would wait for a pipe, or use any file as a value.
#[test]
fn a_descriptor_of_something_else_is_refused() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let text = tempfile::tempfile().unwrap();
    (&text).write_all(&[1; 4096]).unwrap();
    for opened in [
        Synchronized::<u64>::open(Source::descriptor(&socket)).map(drop),
        Synchronized::<u64>::open_read_only(Source::descriptor(&socket)).map(drop),
        Synchronized::<u64>::open(Source::descriptor(&text)).map(drop),
        Synchronized::<u64>::open_read_only(Source::descriptor(&text)).map(drop),
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, Error::InvalidSegment { .. }), "{error}");
        assert!(error.to_string().starts_with("`(descriptor "), "{error}");
    }
    let value = Synchronized::new(1_u64).unwrap();
    let error = Synchronized::<f64>::open(Source::descriptor(&value.as_fd().unwrap())).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error}");
}
