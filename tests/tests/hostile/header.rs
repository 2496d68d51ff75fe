//! Headers with wrong numbers.

use std::fs;

use shared_value::{Error, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{SegmentName, ensure_refusal};

/// A number in the header or the table, and its name in errors.
struct Field {
    offset: usize,
    size: usize,
    name: &'static str,
}

const FIELDS: [Field; 17] = [
    Field { offset: 0, size: 8, name: "magic" },
    Field { offset: 8, size: 4, name: "byte order" },
    Field { offset: 12, size: 4, name: "format version" },
    Field { offset: 16, size: 4, name: "word size" },
    // The error may be about the kind itself, the ABI of the other kind, or the lack of a lock.
    Field { offset: 20, size: 4, name: "lock" },
    Field { offset: 24, size: 4, name: "lock ABI" },
    Field { offset: 28, size: 4, name: "number of cells" },
    Field { offset: 32, size: 8, name: "length" },
    Field { offset: 40, size: 8, name: "table offset" },
    Field { offset: 48, size: 8, name: "mutex offset" },
    Field { offset: 56, size: 8, name: "lock identity" },
    Field { offset: 80, size: 8, name: "flags" },
    Field { offset: 128, size: 8, name: "cell" },
    Field { offset: 136, size: 8, name: "cell" },
    Field { offset: 144, size: 8, name: "fingerprint" },
    Field { offset: 160, size: 8, name: "" },
    Field { offset: 176, size: 8, name: "cell flags" },
];

/// Numbers that a hostile process may write in place of the true one.
fn lies(truth: u64) -> impl Iterator<Item = u64> {
    let far = [0, 1, 63, 64, 128, 4096, 1 << 31, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX - 63, u64::MAX];
    let near =
        [1, 8, 64, 1 << 24].into_iter().flat_map(move |step| [truth.wrapping_add(step), truth.wrapping_sub(step)]);
    far.into_iter().chain(near).filter(move |lie| *lie != truth)
}

/// A number that is not checked would be used as an address or a length, or lead to a value of another layout.
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
                // The wrong number differs from the true one only in bytes that the field does not have.
                continue;
            }
            fs::write(name.path(), &bytes).unwrap();
            let refused = [
                SynchronizedAccount::open(&name).map(drop),
                Synchronized::<Account>::open_read_only(&name).map(drop),
                Synchronized::<Account>::options().unlocked().open(&name).map(drop),
            ];
            for (number, refused) in refused.into_iter().enumerate() {
                // This kind says that the value has no lock, and then it opens without one.
                if field == "lock" && bytes[range.clone()] == [0; 4] && number == 2 {
                    continue;
                }
                // This flag only says that a thread may not take the lock again.
                if field == "flags" && lie == 1 && number < 2 {
                    refused.unwrap();
                    continue;
                }
                let error = refused.expect_err(&format!("`{field}` is {lie:#x}"));
                // This flag says that the value is a live one.
                let named = if field == "cell flags" && lie == 1 { "slots" } else { field };
                assert!(number == 2 || error.to_string().contains(named), "`{field}` is {lie:#x}: {error}");
                ensure_refusal(&error, &name).unwrap_or_else(|harm| panic!("`{field}` is {lie:#x}: {harm}"));
            }
            assert_eq!(fs::read(name.path()).unwrap(), bytes, "`{field}` is {lie:#x}: the file was changed");
        }
    }
    fs::write(name.path(), &truth).unwrap();
    assert_eq!(SynchronizedAccount::open(&name).unwrap().load().unwrap(), Account::after(1));
}

/// A schema that differs is that of another type, even if the fingerprint is equal.
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
            let error = SynchronizedAccount::open(&name).map(drop).expect_err("the schema differs");
            assert!(
                matches!(error, Error::LayoutMismatch { .. } | Error::InvalidSegment { .. }),
                "{offset}: {error:?}"
            );
            ensure_refusal(&error, &name).unwrap_or_else(|harm| panic!("{offset}: {harm}"));
        }
    }
}
