//! Values that are read and written as bytes.

use std::fmt::Debug;

use shared_value::{Arena, Dyn, DynData, DynLayout, DynValue, Error, Filled, SharedArray, SharedValue, Synchronized};
use shared_value_tests::values::{Account, Assorted, Padded, Pair};

use super::types::{Counters, Wrapped};

/// More bytes than a `DynData` may stand for.
const LENGTH: usize = 70 << 20;

/// Returns the bytes of the data, with other bytes than zeros for padding.
pub(crate) fn littered(layout: &DynLayout, data: &DynData) -> Vec<u8> {
    let mut bytes = layout.encode(data).unwrap();
    for index in 0..bytes.len().min(1024) {
        bytes[index] ^= 0xff;
        if layout.decode(&bytes).ok().as_ref() != Some(data) {
            bytes[index] ^= 0xff;
        }
    }
    bytes
}

/// Writes one value over another as bytes, by a handle and by a guard, and reads it back.
#[track_caller]
fn check<T: SharedValue + PartialEq + Debug>(before: T, value: T) {
    let layout = DynLayout::of::<T>().unwrap();
    let data = DynValue::open(Synchronized::new(value).unwrap().token().unwrap()).unwrap().load().unwrap();
    let (clean, littered) = (layout.encode(&data).unwrap(), littered(&layout, &data));
    let typed = Synchronized::new(before).unwrap();
    let dynamic = DynValue::open(typed.token().unwrap()).unwrap();
    let mut read = vec![0xaa; layout.size()];

    dynamic.write_bytes("", &littered).unwrap();
    assert_eq!((typed.load().unwrap(), typed.version()), (value, 1));
    dynamic.read_bytes("", &mut read).unwrap();
    assert_eq!(read, clean, "{layout}");

    typed.set(before).unwrap();
    let guard = dynamic.lock().unwrap();
    guard.write_bytes("", &littered).unwrap();
    read.fill(0xaa);
    guard.read_bytes("", &mut read).unwrap();
    assert_eq!(read, clean, "{layout}");
    guard.rollback();
    drop(guard);
    assert_eq!(typed.load().unwrap(), before);
}

/// Without this, bytes would differ from what programs that know the type read and write, or padding would carry the memory of
/// another program into the segment.
#[test]
fn bytes_are_the_value() {
    check([1_u8; 3], [2; 3]);
    check([[1.5_f32, -2.0]; 300], [[3.5, 4.0]; 300]);
    check(Pair(1, -1), Pair(2, -2));
    check(Assorted::of(3), Assorted::of(4));
    check([Assorted::of(3); 50], [Assorted::of(4); 50]);
    check(Padded::of(5), Padded::of(6));
    // An atomic field of an inner struct is an ordinary one.
    check(Wrapped(Account::after(1)), Wrapped(Account { requests: 7, ..Account::after(2) }));
}

/// Without this, atomic fields would be read from the slots, where their bytes mean nothing, or written under the lock.
#[test]
fn atomic_fields_have_words_of_their_own() {
    let start =
        Counters { plain: 1, open: true, ratio: 0.5, lanes: [1, 2, 3, 4], flags: [true, false, true], balance: -1 };
    let typed = Synchronized::new(start).unwrap();
    let dynamic = DynValue::open(typed.token().unwrap()).unwrap();
    typed.lanes().element(2).store(30);
    let part = |path: &str| {
        let mut bytes = vec![0; dynamic.layout().part(path).unwrap().layout().size()];
        dynamic.read_bytes(path, &mut bytes).unwrap();
        bytes
    };
    let lanes = |lanes: [u64; 4]| lanes.iter().flat_map(|lane| lane.to_ne_bytes()).collect::<Vec<_>>();
    assert_eq!(part("lanes"), lanes([1, 2, 30, 4]));
    let whole = part("");
    assert_eq!(dynamic.layout().decode(&whole).unwrap(), dynamic.load().unwrap());

    dynamic.write_bytes("lanes", &lanes([5, 6, 7, 8])).unwrap();
    dynamic.write_elements("lanes", 1, &lanes([9, 10, 0, 0])[..16]).unwrap();
    dynamic.write_bytes("balance", &(-5_i64).to_ne_bytes()).unwrap();
    dynamic.write_bytes("flags", &[0, 1, 1]).unwrap();
    assert_eq!((typed.version(), typed.balance().load()), (0, -5));
    assert_eq!(typed.load().unwrap().lanes, [5, 9, 10, 8]);
    assert_eq!(typed.load().unwrap().flags, [false, true, true]);
    let mut two = [0; 16];
    dynamic.read_elements("lanes", 2, &mut two).unwrap();
    assert_eq!(two, lanes([10, 8, 0, 0])[..16]);
    assert!(matches!(dynamic.write_bytes("flags", &[0, 1, 2]), Err(Error::InvalidBits { .. })));

    // The whole leaves them alone.
    dynamic.write_bytes("", &whole).unwrap();
    assert_eq!((typed.plain(), typed.load().unwrap().lanes), (1, [5, 9, 10, 8]));
}

/// Without this, invalid bits would get into the segment, and every program that knows the type would fail.
#[test]
fn invalid_bits_are_refused_and_found() {
    let typed = Synchronized::new([Assorted::of(1), Assorted::of(2)]).unwrap();
    let dynamic = DynValue::open(typed.token().unwrap()).unwrap();
    let layout = dynamic.layout();
    let mut bytes = vec![0; layout.size()];
    dynamic.read_bytes("", &mut bytes).unwrap();
    let checked: Vec<_> = layout.fields().filter(|part| is_checked(part.layout())).collect();
    assert!(checked.len() >= 4, "{layout}");
    for part in checked {
        let mut wrong = bytes.clone();
        wrong[part.offset()..][..part.layout().size()].fill(0x9f);
        let decoded = layout.decode(&wrong).unwrap_err().to_string();
        assert_eq!(dynamic.write_bytes("", &wrong).unwrap_err().to_string(), decoded);
        assert_eq!(DynValue::new((layout.clone(), &*wrong)).unwrap_err().to_string(), decoded);
        assert_eq!((typed.load().unwrap(), typed.version()), ([Assorted::of(1), Assorted::of(2)], 0));
    }
}

fn is_checked(layout: &DynLayout) -> bool {
    use shared_value::DynKind::{Bool, Char, Enum, Text};
    matches!(layout.kind(), Bool | Char | Text | Enum { .. })
}

/// Without these checks, a wrong length or index would write to another part, or panic in a program that only passes bytes on.
#[test]
fn lengths_and_places_are_checked() {
    let layout = DynLayout::slice(DynLayout::of::<Pair>().unwrap()).unwrap();
    let size = size_of::<Pair>();
    let bytes: Vec<u8> = std::iter::repeat_n(0, 3 * size).collect();
    let value = DynValue::new((layout.clone(), &*bytes)).unwrap();
    let array = SharedArray::<Pair>::open(value.token().unwrap()).unwrap();
    assert_eq!(array.to_vec().unwrap(), [Pair(0, 0); 3]);
    array.set_at(2, Pair(7, -7)).unwrap();
    let mut last = vec![0; size];
    value.read_elements("", 2, &mut last).unwrap();
    value.write_elements("", 0, &last).unwrap();
    assert_eq!(array.to_vec().unwrap(), [Pair(7, -7), Pair(0, 0), Pair(7, -7)]);

    assert!(matches!(DynValue::new((layout, &bytes[1..])), Err(Error::InvalidLayout { .. })));
    let pair = DynLayout::of::<Pair>().unwrap();
    assert!(matches!(DynValue::new((pair, &bytes[..=size])), Err(Error::WrongData { .. })));
    let error = value.write_bytes("[1]", &last[1..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`[1]` cannot hold the given data: expected {size} bytes, found {} bytes", size - 1)
    );
    assert!(matches!(value.write_elements("", 1, &last[1..]), Err(Error::WrongData { .. })));
    let error = value.write_elements("", 2, &bytes[size..]).unwrap_err();
    assert_eq!(error.to_string(), "no part `[2..4]`: the value has 3 elements");
    for first in [3, 4, usize::MAX] {
        assert!(matches!(value.write_elements("", first, &last), Err(Error::NoSuchPart { .. })));
        assert!(matches!(value.read_elements("", first, &mut last), Err(Error::NoSuchPart { .. })));
    }
    assert!(matches!(value.write_elements("[0]", 0, &last), Err(Error::NoSuchPart { .. })));
    assert!(matches!(value.write_bytes("[3]", &last), Err(Error::NoSuchPart { .. })));
    value.write_elements("", 3, &[]).unwrap();
    assert_eq!(array.to_vec().unwrap(), [Pair(7, -7), Pair(0, 0), Pair(7, -7)]);
}

/// Without this, other languages could not keep their values in an arena, or numbers of more than 64 MiB.
#[test]
fn bytes_in_arenas_and_without_a_limit() {
    let arena = Arena::new(1 << 20).unwrap();
    let layout = DynLayout::of::<[u16; 3]>().unwrap();
    let value = arena.insert::<Dyn>("numbers", (layout.clone(), &[1_u8, 0, 2, 0, 3, 0][..])).unwrap();
    assert_eq!(arena.get::<[u16; 3]>("numbers").unwrap().unwrap().get(), [1, 2, 3]);
    value.write_elements("", 2, &[9, 9]).unwrap();
    assert_eq!(value.get("[2]").unwrap().as_u64(), Some(0x909));

    let large =
        DynValue::new((DynLayout::slice(DynLayout::of::<u8>().unwrap()).unwrap(), Filled(0_u8, LENGTH))).unwrap();
    let bytes: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
    large.write_bytes("", &bytes).unwrap();
    let mut read = vec![0; LENGTH];
    large.read_bytes("", &mut read).unwrap();
    assert!(read == bytes);
}
