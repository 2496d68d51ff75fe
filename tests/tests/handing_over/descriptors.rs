//! Values that are found by a descriptor of the program's own.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;

use rustix::process::{Resource, Rlimit, setrlimit};
use shared_value::{Arena, Error, LockError, Source, Synchronized};
use shared_value_tests::{SegmentName, fork};

use crate::{partner, run};

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

/// The memory of such a reader is mapped for reading, although its descriptor would let it write: a store would kill it.
#[test]
fn a_reader_by_a_descriptor_for_writing_stores_nothing() {
    const UNVOUCHED: u64 = 88;
    fn leave_descriptors(count: usize) -> Vec<File> {
        setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: Some(256) }).unwrap();
        let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        taken.truncate(taken.len() - count);
        taken
    }
    fn claims_without_descriptor(socket: &UnixStream) {
        let _taken = leave_descriptors(1);
        let arena = Arena::open_read_only(socket).unwrap();
        let found = arena.get::<u64>("first");
        assert!(matches!(found, Err(Error::Io { .. })), "nothing would keep the value: {found:?}");
    }
    fn forks_without_descriptor(socket: &UnixStream) {
        let arena = Arena::open_read_only(socket).unwrap();
        let first = arena.get::<u64>("first").unwrap().unwrap();
        let _taken = leave_descriptors(0);
        fork(|| assert_eq!(first.get(), 1)).finish();
        assert_eq!(arena.get::<u64>("second").unwrap().unwrap().get(), 2);
    }
    for reads in [claims_without_descriptor, forks_without_descriptor] {
        let (here, there) = UnixStream::pair().unwrap();
        let reader = fork(|| reads(&there));
        let arena = Arena::new(1 << 16).unwrap();
        arena.insert("first", 1_u64).unwrap();
        arena.insert("second", 2_u64).unwrap();
        arena.send_to(&here).unwrap();
        reader.finish();
        let mut word = [1; 8];
        File::from(arena.as_fd().unwrap().try_clone_to_owned().unwrap()).read_exact_at(&mut word, UNVOUCHED).unwrap();
        assert_eq!(word, [0; 8], "nothing has to vouch for a reader");
    }
}
