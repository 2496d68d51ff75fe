//! Padding: bytes that belong to no field.

use shared_value::{Kind, Layout, SharedValue};
use shared_value_tests::values::{Padded, SynchronizedPadded};
use shared_value_tests::{SegmentFile, SegmentName};

use crate::worker;

/// Marks the bytes of all fields.
fn mark(layout: &Layout, bytes: &mut [bool]) {
    match layout.kind() {
        Kind::Struct { fields } => {
            for field in *fields {
                mark(field.layout(), &mut bytes[field.offset()..][..field.layout().size()]);
            }
        }
        Kind::Array { element, .. } => {
            for bytes in bytes.chunks_mut(element.size()) {
                mark(element, bytes);
            }
        }
        _ => bytes.fill(true),
    }
}

#[track_caller]
fn assert_padding_is_zero(name: &SegmentName) {
    let mut is_field = vec![false; size_of::<Padded>()];
    mark(Padded::LAYOUT, &mut is_field);
    assert_eq!(is_field.iter().filter(|is_field| !**is_field).count(), Padded::LAYOUT.padding());
    let file = SegmentFile::open(name.path());
    for (number, slot) in file.cell(size_of::<Padded>()).slots().iter().enumerate() {
        for (offset, byte) in slot.iter().enumerate().filter(|(offset, _)| !is_field[*offset]) {
            assert_eq!(*byte, 0, "the padding at byte {offset} of slot {number} is not zero");
        }
    }
}

/// If whole structs were copied, their padding would show what the writer's memory held before.
#[test]
fn padding_is_zero_whatever_the_writers_memory_held() {
    assert_eq!(size_of::<Padded>(), 300);
    let name = SegmentName::new("padding");
    let mut writer = worker("padding", [&*name]);
    writer.expect("created");
    assert_padding_is_zero(&name);
    writer.tell("write");
    writer.expect("written");
    assert_padding_is_zero(&name);
    let padded = SynchronizedPadded::open(&name).unwrap();
    assert_eq!(padded.in_grains().at(22).weight, 23, "the fields are there");
    writer.tell("end");
    writer.finish();
}
