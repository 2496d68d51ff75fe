//! Segments whose schema or bits another process has changed.

use shared_value::{Access, DynData, DynKind, DynValue, Error, Synchronized};
use shared_value_tests::values::Assorted;
use shared_value_tests::{SegmentFile, SegmentName};

/// Without this, a value with invalid bits could be neither inspected nor repaired.
#[test]
fn invalid_bits_are_named_and_can_be_overwritten() {
    let name = SegmentName::new("bits");
    let shared = Synchronized::create(&*name, Assorted::of(1)).unwrap();
    let value = DynValue::open(&*name).unwrap();
    let part = value.layout().part("spans[1].mode").unwrap();
    SegmentFile::open(name.path()).cell(size_of::<Assorted>()).overwrite(part.offset(), &[9]);
    let expected = "`spans[1].mode` holds invalid bits: expected Idle = 0 or Busy = 7 (Mode), found 0x09";
    assert_eq!(shared.load().unwrap_err().to_string(), expected);
    for path in ["", "spans", "spans[1]", "spans[1].mode"] {
        assert_eq!(value.get(path).unwrap_err().to_string(), expected);
    }
    assert_eq!(value.to_string(), format!("<{expected}>"));
    assert!(value.get("spans[0]").is_ok());
    value.set("spans[1].mode", "Busy").unwrap();
    assert_eq!(shared.load().unwrap(), Assorted::of(1));
}

/// Without a check of the schema against the cell, a schema that another process has changed would lead out of the memory.
#[test]
fn a_schema_of_another_value_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    for (schema, expected) in [
        ("[u64; 9]\n[u64; 9]: 72 bytes, align 8\n", "size: expected 72, as the schema says, found 64"),
        ("[u64; 7]\n[u64; 7]: 56 bytes, align 8\n", "size: expected 56, as the schema says, found 64"),
        ("S\na: atomic u64 @0\nS: 64 bytes, align 8\n", "cell length: expected 200, found 192"),
        ("[u64; 8]\n[u64; 8]: 72 bytes, align 8\n", "schema: expected `[u64; 8]: 64 bytes, align 8`"),
        ("[u8]\n[u8]: 1 bytes each, align 1\n", ""),
        (
            "[[u8; 24]]\n[[u8; 24]]: 24 bytes each, align 1\n",
            "size: expected a multiple of 24, as the schema says, found 64",
        ),
    ] {
        let shared = Synchronized::create(&path, [1_u64; 8]).unwrap();
        drop(shared);
        let file = SegmentFile::open(&path);
        set_schema(&file, &format!("{schema}{}", order()));
        check(DynValue::open(&path), expected);
        check(DynValue::open_read_only(&path), expected);
        std::fs::remove_file(&path).unwrap();
    }
}

/// Asserts that the segment is refused with the expected error, or opens as an array of bytes if no error is expected.
#[track_caller]
fn check<A: Access>(opened: Result<DynValue<A>, Error>, expected: &str) {
    match opened {
        Ok(value) => {
            assert!(expected.is_empty(), "{value}");
            assert!(matches!(value.layout().kind(), DynKind::Array { length: 64, .. }));
            assert_eq!(value.get("[8]").unwrap(), DynData::Unsigned(u64::from(1_u64.to_ne_bytes()[0])));
            assert!(value.get("[64]").is_err());
        }
        Err(error) => assert!(!expected.is_empty() && error.to_string().contains(expected), "{error}"),
    }
}

/// Without this, damage to a segment could make a tool panic or misbehave when it reads the segment.
#[test]
fn damaged_segments_are_refused_or_read_as_what_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    drop(Synchronized::create(&path, Assorted::of(1)).unwrap());
    let file = SegmentFile::open(&path);
    let schema = file.schema();
    let prefix = file.bytes(0, 128 + schema.len());
    let all = file.bytes(0, usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap());
    let mut opened = 0;
    for (index, byte) in prefix.iter().enumerate() {
        file.overwrite(index as u64, &[byte ^ 1 << (index % 8)]);
        if index >= 128 {
            // With a matching fingerprint, because otherwise the fingerprint alone would reveal the damage.
            let schema = String::from_utf8(file.bytes(128, schema.len()));
            file.overwrite(128 + 16, &schema.map_or(0, |schema| hash(&schema)).to_ne_bytes());
        }
        if let Ok(value) = DynValue::open_read_only(&path) {
            let _ = value.load();
            value.fields().for_each(|part| drop(value.get(part.path())));
        }
        if let Ok(value) = DynValue::open(&path) {
            opened += 1;
            let _ = value.load();
            for part in value.fields() {
                if let Ok(data) = value.get(part.path()) {
                    let _ = value.set(part.path(), data);
                }
            }
        }
        file.overwrite(0, &all);
    }
    assert!(opened > 0, "names and types of the same size may be others");
    assert_eq!(Synchronized::<Assorted>::open(&path).unwrap().load().unwrap(), Assorted::of(1));
}

/// Without this, reading a schema of a few bytes could use up all memory.
#[test]
fn large_values_are_read_in_parts() {
    const LENGTH: usize = 80 << 20;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    drop(Synchronized::create(&path, Assorted::of(1)).unwrap());
    let file = SegmentFile::open(&path);
    // A file with a hole.
    let set_length = |length: u64| {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        file.overwrite(32, &length.to_ne_bytes());
    };
    set_length(LENGTH as u64 * 4);
    let schema = format!("[u8; {LENGTH}]\n[u8; {LENGTH}]: {LENGTH} bytes, align 1\n{}", order());
    set_schema(&file, &schema);
    file.overwrite(128 + 8, &(LENGTH as u64 * 3).to_ne_bytes());
    let error = DynValue::open(&path).unwrap_err().to_string();
    assert!(error.contains("size: expected 83886080"), "{error}");
    file.overwrite(128 + 40, &(LENGTH as u64).to_ne_bytes());
    let error = DynValue::open(&path).unwrap_err().to_string();
    let (_, cell) = error.split_once("cell length: expected ").unwrap();
    let cell: u64 = cell.split(',').next().unwrap().parse().unwrap();
    file.overwrite(128 + 8, &cell.to_ne_bytes());
    let start = u64::from_ne_bytes(file.bytes(128, 8).try_into().unwrap());
    set_length(start + cell);
    let value = DynValue::open(&path).unwrap();
    assert!(matches!(value.load(), Err(Error::Unsupported { .. })));
    value.set(&format!("[{}]", LENGTH - 1), 7_u8).unwrap();
    assert_eq!(value.get(&format!("[{}]", LENGTH - 1)).unwrap(), DynData::Unsigned(7));
}

fn order() -> &'static str {
    if cfg!(target_endian = "little") { "little-endian\n" } else { "big-endian\n" }
}

/// Puts another schema of at most the same number of lines of 64 bytes into a segment.
fn set_schema(file: &SegmentFile, schema: &str) {
    let cell = u64::from_ne_bytes(file.bytes(128, 8).try_into().unwrap());
    assert!(192 + schema.len() as u64 <= cell, "there is no room for it");
    file.overwrite(192, schema.as_bytes());
    file.overwrite(128 + 16, &hash(schema).to_ne_bytes());
    file.overwrite(128 + 32, &(schema.len() as u64).to_ne_bytes());
}

/// 64-bit FNV-1a, as its authors publish it.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
