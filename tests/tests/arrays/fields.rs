//! Array fields of structs.

use shared_value::{Pod, SharedValue, Synchronized};
use shared_value_tests::values::{Grain, Mode, Rgb};
use shared_value_tests::{SegmentFile, SegmentName};

use crate::panicked;

/// A write of several elements of a field must keep the neighbours that share their words.
#[test]
fn elements_of_a_field_are_written_and_read_together() {
    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Fields {
        before: u8,
        small: [u8; 13],
        modes: [Mode; 2],
        grains: [Grain; 3],
        #[shared(pod)]
        colors: [Rgb; 4],
        after: u64,
    }

    let grain = Grain { is_set: true, weight: 3, size: 4 };
    let (black, white) = (Rgb { red: 0, green: 0, blue: 0 }, Rgb { red: 255, green: 255, blue: 255 });
    let first =
        Fields { before: 1, small: [2; 13], modes: [Mode::Idle; 2], grains: [grain; 3], colors: [black; 4], after: 9 };
    let name = SegmentName::new("array-field");
    let fields = Synchronized::create(&name, first).unwrap();
    fields.in_small().write_slice(3, &[5, 6, 7]).unwrap();
    fields.in_modes().write_slice(1, &[Mode::Busy]).unwrap();
    fields.in_colors().write_slice(2, &[Pod(white); 2]).unwrap();
    let guard = fields.lock().unwrap();
    guard.in_grains().write_slice(0, &[Grain::default(); 2]).unwrap();
    guard.in_small().write_slice(0, &[8; 2]).unwrap();
    let mut small = [0; 4];
    guard.in_small().read_slice(..4, &mut small).unwrap();
    assert_eq!(small, [8, 8, 2, 5]);
    fields.read_only().unwrap().in_small().read_slice(..=3, &mut small).unwrap();
    assert_eq!(small, [2, 2, 2, 5], "the committed elements");
    drop(guard);

    let mut expected = first;
    expected.small = [8, 8, 2, 5, 6, 7, 2, 2, 2, 2, 2, 2, 2];
    expected.modes[1] = Mode::Busy;
    expected.grains[..2].fill(Grain::default());
    expected.colors[2..].fill(white);
    assert_eq!((fields.load().unwrap(), fields.version()), (expected, 4));
    let (mut modes, mut grains, mut colors) = ([Mode::Idle; 2], [grain; 2], [Pod(white); 3]);
    fields.in_modes().read_slice(.., &mut modes).unwrap();
    fields.in_grains().read_slice(1.., &mut grains).unwrap();
    fields.in_colors().read_slice(1..4, &mut colors).unwrap();
    assert_eq!(
        (modes, grains, colors),
        (expected.modes, [Grain::default(), grain], [Pod(black), Pod(white), Pod(white)])
    );

    let message = "2 elements from index 12 on were asked for, but the array has 13";
    assert_eq!(panicked(|| fields.in_small().write_slice(12, &[0; 2])), message);
    assert_eq!(panicked(|| fields.lock().unwrap().in_small().write_slice(12, &[0; 2])), message);
    let message = "the elements 3..5 were asked for, but the array has 4";
    assert_eq!(panicked(|| fields.in_colors().read_slice(3..5, &mut [Pod(white); 2])), message);
    assert_eq!(fields.load().unwrap(), expected);

    let offset = std::mem::offset_of!(Fields, modes) + 1;
    SegmentFile::open(name.path()).cell(size_of::<Fields>()).overwrite(offset, &[3]);
    let message = "`modes[1]` holds invalid bits: expected Idle = 0 or Busy = 7 (Mode), found 0x03";
    assert_eq!(fields.in_modes().read_slice(.., &mut modes).unwrap_err().to_string(), message);
    let guard = fields.lock().unwrap();
    assert_eq!(guard.in_modes().read_slice(1.., &mut modes[1..]).unwrap_err().to_string(), message);
    assert_eq!(modes, expected.modes, "the slice is unchanged");
}
