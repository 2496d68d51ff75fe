//! Segments that are opened or made by layouts.

use std::path::Path;

use super::{All, Field, Layout, Point, Random, fill};
use crate::dynamic::{DynData, DynValue};
use crate::error::Error;
use crate::handle::initial::Filled;
use crate::handle::synchronized::{SharedArray, Synchronized};
use crate::layout::SharedValue;
use crate::schema::{DynKind, DynLayout};

/// Without this, an array whose length only the segment knows would have no elements here.
#[test]
fn a_slice_has_as_many_elements_as_its_segment_says() {
    let path = format!("/dev/shm/shared-value-slice-{}", std::process::id());
    let slice = DynLayout::slice(DynLayout::of::<Point>().unwrap()).unwrap();
    for length in [0_u16, 1, 3, 1000] {
        let point =
            DynData::structure("Point", [("x", 0.0.into()), ("kind", "Warm".into()), ("y", DynData::from(1.0))]);
        let points = vec![point; length.into()];
        let created = DynValue::create(Path::new(&path), (slice.clone(), points));
        let (value, reader) = (DynValue::open(Path::new(&path)), DynValue::open_read_only(Path::new(&path)));
        std::fs::remove_file(&path).unwrap();
        drop(created.unwrap());
        let (value, reader) = (value.unwrap(), reader.unwrap());
        assert!(matches!(value.layout().kind(), DynKind::Array { length: found, .. } if *found == usize::from(length)));
        for index in 0..length {
            let fields = [("x", DynData::from(f64::from(index))), ("kind", "Cold".into()), ("y", 0.5.into())];
            value.set(&format!("[{index}]"), DynData::structure("Point", fields)).unwrap();
        }
        assert_eq!(reader.load().unwrap(), value.load().unwrap());
        if let Some(last) = length.checked_sub(1) {
            assert_eq!(reader.get(&format!("[{last}].x")).unwrap().as_f64(), Some(last.into()));
        }
        assert!(reader.get(&format!("[{length}]")).is_err());
        assert_eq!(reader.fields().count(), usize::from(length) * 4);
    }
}

// The struct has no padding, so it can be stored without the derive macro.
super::structure!(Plain { at: [f64; 3] = new, hits: u64 = atomic, name: crate::layout::FixedStr<8> = new, sum: i64 = atomic, lanes: [u64; 3] = atomic });

/// The bytes of a new segment with a value of this layout.
fn created(layout: &DynLayout, data: Option<&DynData>) -> Result<Vec<u8>, Error> {
    written(|path| {
        match data {
            Some(data) => DynValue::create(path, (layout.clone(), data.clone())),
            None => DynValue::create(path, layout.clone()),
        }
        .map(drop)
    })
}

/// The bytes of the segment that the closure creates.
fn written(create: impl FnOnce(&Path) -> Result<(), Error>) -> Result<Vec<u8>, Error> {
    let path = format!("/dev/shm/shared-value-created-{}-{:?}", std::process::id(), std::thread::current().id());
    create(path.as_ref())?;
    let mut bytes = std::fs::read(&path).unwrap();
    // Each segment has an identity of its own.
    bytes[64..80].fill(0);
    std::fs::remove_file(&path).unwrap();
    Ok(bytes)
}

/// Without this, a value that a program makes from a layout would not open in programs that know the type, or would hold
/// another value there.
#[test]
fn a_segment_made_from_a_layout_is_that_of_the_type() {
    fn check<T: SharedValue>(random: &mut Random) {
        let layout = DynLayout::of::<T>().unwrap();
        let mut bytes = vec![0; size_of::<T>()];
        fill(&layout, &mut bytes, random, 1);
        let data = layout.decode(&bytes).unwrap();
        let dynamic = created(&layout, Some(&data)).unwrap();
        let path = format!("/dev/shm/shared-value-typed-{}-{:?}", std::process::id(), std::thread::current().id());
        std::fs::write(&path, &dynamic).unwrap();
        let opened = Synchronized::<T>::open(Path::new(&path));
        std::fs::remove_file(&path).unwrap();
        let value = opened.unwrap().load().unwrap();
        let typed = written(|path| Synchronized::create(path, value).map(drop)).unwrap();
        assert_eq!(dynamic, typed, "{layout}");
    }
    let mut random = Random(5);
    check::<Plain>(&mut random);
    check::<[Plain; 100]>(&mut random);
    check::<u8>(&mut random);
    let typed = written(|path| SharedArray::create(path, Filled(7_u32, 3)).map(drop));
    let slice = DynLayout::slice(DynLayout::of::<u32>().unwrap()).unwrap();
    let sevens = vec![DynData::from(7_u32); 3].into();
    assert_eq!(created(&slice, Some(&sevens)).unwrap(), typed.unwrap());
}

/// Without this, zeros that are not a value would be noticed only by the first reader.
#[test]
fn a_segment_without_data_is_all_zeros() {
    let error = |layout: &DynLayout| created(layout, None).unwrap_err().to_string();
    let all = DynLayout::of::<All>().unwrap();
    assert_eq!(
        error(&all),
        "`serial` holds invalid bits: expected anything but zero (NonZeroU64), found 0x0000000000000000"
    );
    let points = DynLayout::of::<[Point; 2]>().unwrap();
    assert!(error(&points).starts_with("`[0].kind` holds invalid bits: expected Frost = -300"));
    let slice = DynLayout::slice(DynLayout::of::<u32>().unwrap()).unwrap();
    assert!(error(&slice).contains("create it from its elements"));
    let huge = DynLayout::array(DynLayout::of::<u8>().unwrap(), isize::MAX as usize / 2).unwrap();
    assert!(error(&huge).contains("no memory holds two copies"), "{}", error(&huge));
    let plain = DynLayout::structure("S").field::<u16>("a").atomic::<u64>("b").build().unwrap();
    let zeros = DynData::structure("S", [("a", DynData::from(0_u8)), ("b", 0_u8.into())]);
    assert_eq!(created(&plain, None).unwrap(), created(&plain, Some(&zeros)).unwrap());
    let without_atomic = DynData::structure("S", [("a", DynData::from(0_u8))]);
    assert_eq!(created(&plain, None).unwrap(), created(&plain, Some(&without_atomic)).unwrap());
    assert!(matches!(created(&plain, Some(&true.into())), Err(Error::WrongData { .. })));
}
