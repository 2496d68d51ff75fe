use shared_value::{Layout, SharedValue};

#[derive(SharedValue, Clone, Copy)]
#[repr(C, align(64))]
struct Aligned {
    balance: i64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(align(32))]
#[repr(C)]
struct AlignedApart {
    balance: i64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Meters(f64);

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pair(u32, pub [u16; 3]);

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Raw {
    r#type: u8,
    r#fn: [u8; 2],
}

fn size_and_align(layout: &Layout) -> (usize, usize) {
    (layout.size(), layout.align())
}

fn main() {
    assert_eq!(size_and_align(Aligned::LAYOUT), (64, 64));
    assert_eq!(Aligned::TYPECODE, "T{<q:balance:56x}");
    assert_eq!(size_and_align(AlignedApart::LAYOUT), (32, 32));
    let aligned = SynchronizedAligned::new(Aligned { balance: 1 }).unwrap();
    aligned.update_balance(|balance| *balance += 1).unwrap();
    assert_eq!(aligned.load().unwrap().balance, 2);

    assert_eq!(Meters::TYPECODE, "<d");
    let meters = SynchronizedMeters::new(Meters(1.0)).unwrap();
    meters.set_field_0(2.0).unwrap();
    assert_eq!(meters.field_0(), 2.0);

    let pair = SynchronizedPair::new(Pair(1, [2, 3, 4])).unwrap();
    pair.in_field_1().set_at(2, 5).unwrap();
    assert_eq!((pair.field_0(), pair.field_1()), (1, [2, 3, 5]));

    let raw = SynchronizedRaw::new(Raw { r#type: 1, r#fn: [2, 3] }).unwrap();
    raw.set_type(4).unwrap();
    let guard = raw.lock().unwrap();
    guard.in_fn().set_at(1, guard.r#type()).unwrap();
    drop(guard);
    assert_eq!((raw.r#type(), raw.r#fn()), (4, [2, 4]));
}
