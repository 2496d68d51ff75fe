//! Files that are not segments of this build.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};
use shared_value::{Error, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{SegmentFile, SegmentName, scaled};

use crate::worker;

/// Returns the message of the error when a file is opened that holds no account.
#[track_caller]
fn refused(path: &Path) -> String {
    let error = SynchronizedAccount::open(path).unwrap_err();
    assert!(matches!(error, Error::InvalidSegment { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    message
}

/// Without the checks of the header, random bytes would be used as offsets into memory.
#[test]
fn random_damage_is_refused_or_harmless() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let account = SynchronizedAccount::create(path("free"), Account::after(2)).unwrap();
    account.set(Account::after(3)).unwrap();
    let guard = account.lock().unwrap();
    guard.set_balance(-1).unwrap();
    fs::copy(path("free"), path("held")).unwrap();
    guard.rollback();
    drop(guard);
    drop(account);

    let seeds = scaled(10_000, 3_000);
    for (original, from) in [("free", 0), ("held", 1_000_000)] {
        let damaged = path(&format!("damaged-{original}"));
        let arguments = [
            path(original).display().to_string(),
            damaged.display().to_string(),
            from.to_string(),
            (from + seeds).to_string(),
        ];
        let mut worker = worker("damage", arguments);
        let counts = worker.hear();
        worker.finish();
        let (opened, refused) = counts.split_once(' ').unwrap();
        let (opened, refused) = (opened.parse::<u64>().unwrap(), refused.parse::<u64>().unwrap());
        assert!(opened > seeds / 100 && refused > seeds / 2, "{opened} opened, {refused} refused");
    }
}

/// A read beyond the end of a shorter file would be a SIGBUS.
#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");
    drop(SynchronizedAccount::create(&path, Account::after(2)).unwrap());
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        let path = directory.path().join(format!("{length}"));
        fs::write(&path, &whole[..length]).unwrap();
        let message = refused(&path);
        assert!(message.contains("expected") && message.contains("found"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), whole[..length]);
        fs::remove_file(&path).unwrap();
    }
    let longer = directory.path().join("longer");
    fs::write(&longer, [&whole[..], &[0]].concat()).unwrap();
    assert!(refused(&longer).contains("length"));
}

/// Without the checks of the magic number and of the kind of file, any file could be mapped and written to.
#[test]
fn foreign_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);

    fs::write(path("empty"), "").unwrap();
    assert!(refused(&path("empty")).contains("at least 128 bytes, found 0 bytes"));

    let text = "A letter, and not a segment.\n".repeat(10);
    fs::write(path("text"), &text).unwrap();
    let message = refused(&path("text"));
    assert!(message.contains("magic: expected 895348"), "{message}");
    assert_eq!(fs::read_to_string(path("text")).unwrap(), text);

    fs::write(path("zeros"), [0; 4096]).unwrap();
    assert!(refused(&path("zeros")).contains("magic"));

    rustix::fs::mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(refused(&path("fifo")).contains("kind of file"), "opening it did not block");

    fs::create_dir(path("directory")).unwrap();
    assert!(refused(&path("directory")).contains("found a directory"));

    drop(SynchronizedAccount::create(path("value"), Account::after(2)).unwrap());
    symlink(path("value"), path("link")).unwrap();
    let error = SynchronizedAccount::open(path("link")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "a link would let another user redirect a name in /dev/shm: {error:?}");
    symlink(path("nothing"), path("dangling")).unwrap();
    assert!(matches!(SynchronizedAccount::open(path("dangling")), Err(Error::Io { .. })));
    let created = SynchronizedAccount::open_or_create(path("dangling"), Account::after(1));
    assert!(matches!(created, Err(Error::Io { .. })), "{created:?}");
    assert!(!path("nothing").exists());

    // A name is checked like a path.
    let name = SegmentName::new("foreign");
    File::create(name.path()).unwrap();
    let error = Synchronized::<u64>::open_or_create(&name, 1).unwrap_err();
    assert!(matches!(error, Error::InvalidSegment { .. }), "{error:?}");
    assert_eq!(fs::metadata(name.path()).unwrap().len(), 0, "the file is unchanged");
}

/// Without the checks of these fields, the segment of another build would be misread.
#[test]
fn segments_of_other_builds_are_refused() {
    /// The offset in the header, the bytes that such a build writes, and a part of the message.
    const OTHERS: [(u64, [u8; 4], &str); 9] = [
        (0, *b"\x89SHV", "magic"),
        (8, [1, 2, 3, 4], "byte order: expected this machine's, found the opposite one"),
        (8, [4, 3, 1, 2], "byte order: expected this machine's, found 0x02010304"),
        (12, 0_u32.to_ne_bytes(), "format version: expected 2, found 0, made by an earlier version"),
        (12, 3_u32.to_ne_bytes(), "format version: expected 2, found 3, made by a later version"),
        (16, 4_u32.to_ne_bytes(), "word size: expected 8, found 4"),
        (20, 5_u32.to_ne_bytes(), "lock kind: expected 0 to 4, found 5"),
        (24, 16_u32.to_ne_bytes(), "lock ABI: expected 0x20, found 0x10"),
        (28, 2_u32.to_ne_bytes(), "number of cells: expected 1, found 2"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");
    drop(SynchronizedAccount::create(&path, Account::after(2)).unwrap());
    let valid = fs::read(&path).unwrap();
    for (number, (offset, bytes, expected)) in OTHERS.iter().enumerate() {
        let path = directory.path().join(number.to_string());
        fs::write(&path, &valid).unwrap();
        let file = SegmentFile::open(&path);
        file.overwrite(*offset, bytes);
        if *offset == 0 {
            file.overwrite(4, b"AL\n\n");
        }
        let damaged = fs::read(&path).unwrap();
        let message = refused(&path);
        assert!(message.contains(expected), "{message}");
        assert_eq!(fs::read(&path).unwrap(), damaged, "the file was changed, although `{message}`");
    }
}
