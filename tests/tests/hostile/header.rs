//! Headers that say what is not so.

use std::fs;

use shared_value::{Error, Synchronized, Unlocked};
use shared_value_tests::SegmentName;
use shared_value_tests::values::{Account, SynchronizedAccount};

/// A number in the header or the table, and what an error calls it.
struct Field {
    offset: usize,
    size: usize,
    name: &'static str,
}

const FIELDS: [Field; 15] = [
    Field { offset: 0, size: 8, name: "magic" },
    Field { offset: 8, size: 4, name: "byte order" },
    Field { offset: 12, size: 4, name: "format version" },
    Field { offset: 16, size: 4, name: "word size" },
    // Whether the kind itself is refused, or the ABI of what it would be, or the lack of a lock.
    Field { offset: 20, size: 4, name: "lock" },
    Field { offset: 24, size: 4, name: "lock ABI" },
    Field { offset: 28, size: 4, name: "number of cells" },
    Field { offset: 32, size: 8, name: "length" },
    Field { offset: 40, size: 8, name: "table offset" },
    Field { offset: 48, size: 8, name: "mutex offset" },
    Field { offset: 56, size: 8, name: "lock identity" },
    Field { offset: 64, size: 8, name: "cell" },
    Field { offset: 72, size: 8, name: "cell" },
    Field { offset: 80, size: 8, name: "fingerprint" },
    Field { offset: 96, size: 8, name: "" },
];

/// What a hostile process would write in place of a number.
fn lies(truth: u64) -> impl Iterator<Item = u64> {
    let far = [0, 1, 63, 64, 128, 4096, 1 << 31, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX - 63, u64::MAX];
    let near =
        [1, 8, 64, 1 << 24].into_iter().flat_map(move |step| [truth.wrapping_add(step), truth.wrapping_sub(step)]);
    far.into_iter().chain(near).filter(move |lie| *lie != truth)
}

/// Whatever is not checked is used: as an address, as a length, or as a value of another layout.
#[test]
fn every_number_is_checked_and_named() {
    let name = SegmentName::new("header");
    drop(SynchronizedAccount::create(&name, Account::after(1)).unwrap());
    let truth = fs::read(name.path()).unwrap();
    for Field { offset, size, name: field } in FIELDS {
        let range = offset..offset + size;
        let mut number = [0; 8];
        number[..size].copy_from_slice(&truth[range.clone()]);
        let number = u64::from_ne_bytes(number);
        for lie in lies(number) {
            let mut bytes = truth.clone();
            bytes[range.clone()].copy_from_slice(&lie.to_ne_bytes()[..size]);
            if bytes == truth {
                // It differs in bytes that the field does not have.
                continue;
            }
            fs::write(name.path(), &bytes).unwrap();
            let refused = [
                SynchronizedAccount::open(&name).map(drop),
                Synchronized::<Account>::open_read_only(&name).map(drop),
                Synchronized::<Account>::options().unlocked().open(&name).map(drop),
            ];
            for (number, refused) in refused.into_iter().enumerate() {
                // Without a lock is what this says, and it is read as it is.
                if field == "lock" && bytes[range.clone()] == [0; 4] && number == 2 {
                    continue;
                }
                let error = refused.expect_err(&format!("`{field}` is {lie:#x}"));
                let is_clear = matches!(&error, Error::InvalidSegment { .. } | Error::LayoutMismatch { .. });
                let text = error.to_string();
                assert!(is_clear && (number == 2 || text.contains(field)), "`{field}` is {lie:#x}: {text}");
                assert!(text.contains("expected") && text.contains("found"), "{text}");
            }
            assert_eq!(fs::read(name.path()).unwrap(), bytes, "`{field}` is {lie:#x}: it was changed");
        }
    }
    fs::write(name.path(), &truth).unwrap();
    assert_eq!(SynchronizedAccount::open(&name).unwrap().load().unwrap(), Account::after(1));
}

/// Another layout of the same size is another type, even if the fingerprint says otherwise.
#[test]
fn every_byte_of_the_schema_is_compared() {
    let name = SegmentName::new("schema");
    drop(SynchronizedAccount::create(&name, Account::after(1)).unwrap());
    let truth = fs::read(name.path()).unwrap();
    let length = usize::from(u16::from_ne_bytes([truth[96], truth[97]]));
    for offset in 128..128 + length {
        for lie in [b' ', b'\n', b'0', 0, 0xff, truth[offset] ^ 1] {
            let mut bytes = truth.clone();
            bytes[offset] = lie;
            if bytes == truth {
                continue;
            }
            fs::write(name.path(), &bytes).unwrap();
            let error = SynchronizedAccount::open(&name).map(drop).expect_err("the schema is another one");
            let text = error.to_string();
            assert!(text.contains("expected") && text.contains("found"), "{offset}: {text}");
            assert!(!text.contains(char::is_control), "{offset}: {text:?}");
        }
    }
}
