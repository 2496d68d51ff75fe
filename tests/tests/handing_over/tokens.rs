//! Values that are found by their tokens.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write, pipe};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::thread::set_name;
use shared_value::{Error, Source, Synchronized, Token};
use shared_value_tests::{SHORT, SegmentName, fork};

use crate::{COUNT, partner, run};

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

/// The kernel cuts the name of a program after 15 bytes, also in the middle of a character.
#[test]
fn a_token_leads_to_a_process_of_any_name() {
    let (mut next, mut steps) = pipe().unwrap();
    let (said, mut say) = pipe().unwrap();
    let child = fork(|| {
        set_name(c"\xd0\xbf\xd1\x80\xd0\xbe\xd0\xb3) \xd1\x80\xd0\xb0\xd0").unwrap();
        let value = Synchronized::new(COUNT).unwrap();
        writeln!(say, "{}", value.token().unwrap()).unwrap();
        next.read_exact(&mut [0]).unwrap();
    });
    let mut token = String::new();
    drop(say);
    BufReader::new(said).read_line(&mut token).unwrap();
    assert_eq!(Synchronized::<u64>::open(Source::token(token.trim_end())).unwrap().get(), COUNT);
    steps.write_all(&[1]).unwrap();
    child.finish();
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
    assert!(open(&token).contains("not a regular file"));
    thread::sleep(SHORT);
    assert!(!reader.is_finished(), "nobody has opened the pipe");
    drop(std::fs::OpenOptions::new().write(true).open(&path).unwrap());
    reader.join().unwrap().unwrap();
}
