//! Counters of values whose type the program does not know.

use shared_value::{DynData, DynLayout, DynValue, Error, Synchronized, unlink};
use shared_value_tests::SegmentName;

use crate::Server;

const START: Server = Server { name: 7, hits: 5, limit: -1, by_status: [0, 10, 0, 0, 0, 60], open: 3 };

/// If the baseline were shown for the total, or a total written for a baseline, a tool would lie or destroy.
#[test]
fn totals_by_path() {
    let name = SegmentName::new("dynamic");
    let shared = Synchronized::create(&name, START).unwrap();
    let value = DynValue::open(&name).unwrap();
    shared.hits().reset().unwrap();
    shared.hits().add(3);
    value.add("hits", 4).unwrap();
    value.add("by_status[5]", 1).unwrap();
    assert_eq!(value.get("hits").unwrap().as_u64(), Some(7));
    assert_eq!(value.get("by_status").unwrap().to_string(), "[0, 10, 0, 0, 0, 61]");
    assert_eq!(value.get("by_status[5]").unwrap().as_u64(), Some(61));
    let all = "Server { name: 7, hits: 7, limit: -1, by_status: [0, 10, 0, 0, 0, 61], open: 3 }";
    assert_eq!((value.load().unwrap().to_string(), format!("{:?}", shared.get())), (all.to_owned(), all.to_owned()));
    let read_only = DynValue::open_read_only(&name).unwrap();
    assert_eq!(read_only.load().unwrap().to_string(), all);

    // The whole value, without its counters and with others.
    let DynData::Struct { name: type_name, mut fields } = value.load().unwrap() else { panic!("a struct") };
    fields[2].1 = DynData::from(9_i64);
    fields[1].1 = DynData::from(1_u64);
    value.set("", DynData::Struct { name: type_name.clone(), fields: fields.clone() }).unwrap();
    fields.retain(|(name, _)| !["hits", "by_status", "open"].contains(&&**name));
    fields[1].1 = DynData::from(10_i64);
    value.set("", DynData::Struct { name: type_name, fields }).unwrap();
    assert_eq!((shared.hits().get(), shared.limit(), shared.by_status().get()[5]), (7, 10, 61));

    value.set("hits", 100_u64).unwrap();
    value.set("by_status[0]", 8_u64).unwrap();
    shared.hits().increment();
    assert_eq!((shared.hits().get(), shared.by_status().get()[..2].to_vec()), (101, vec![8, 10]));
    let guard = value.lock().unwrap();
    guard.set("hits", 0_u64).unwrap();
    assert_eq!((guard.get("hits").unwrap().as_u64(), value.get("hits").unwrap().as_u64()), (Some(0), Some(0)));
    guard.rollback();
    drop(guard);
    assert_eq!(shared.hits().get(), 101);
    value.update("hits", |hits| *hits = DynData::from(hits.as_u64().unwrap() + 9)).unwrap();
    assert_eq!(shared.hits().get(), 110);
    value.update("", |_| shared.hits().increment()).unwrap();
    assert_eq!(shared.hits().get(), 111);

    let mut bytes = [0; 8];
    value.read_bytes("hits", &mut bytes).unwrap();
    assert_eq!(u64::from_ne_bytes(bytes), 111);
    value.write_bytes("hits", &3_u64.to_ne_bytes()).unwrap();
    value.write_elements("by_status", 4, bytemuck_bytes(&[1, 2]).as_slice()).unwrap();
    assert_eq!((shared.hits().get(), shared.by_status().get()), (3, [8, 10, 0, 0, 1, 2]));
    let mut whole = vec![0; value.layout().size()];
    value.read_bytes("", &mut whole).unwrap();
    shared.hits().increment();
    value.write_bytes("", &whole).unwrap();
    assert_eq!((shared.hits().get(), u64::from_ne_bytes(whole[8..16].try_into().unwrap())), (4, 3));
}

fn bytemuck_bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// A typed part of a counter would be its baseline.
#[test]
fn parts_by_path() {
    let value = Synchronized::new(START).unwrap();
    for path in ["hits", "by_status[1]", ""] {
        assert!(matches!(value.part::<u64>(path), Err(Error::Unsupported { .. })), "{path}");
    }
    assert!(matches!(value.part::<[u64; 6]>("by_status"), Err(Error::Unsupported { .. })));
    assert!(matches!(value.atomic_part::<u64>("hits"), Err(Error::NoSuchPart { .. })));
    for path in ["limit", "open", "by_status", ""] {
        assert!(matches!(value.counter_part(path), Err(Error::NoSuchPart { .. })), "{path}");
    }
    value.counter_part("by_status[1]").unwrap().add(5);
    assert_eq!((value.counter_part("hits").unwrap().get(), value.by_status().element(1).get()), (5, 15));
    let parts = DynLayout::of::<Server>().unwrap();
    let counters: Vec<_> =
        parts.fields().filter(shared_value::DynPart::is_counter).map(|part| part.path().to_owned()).collect();
    assert_eq!((counters, parts.lanes()), (vec!["hits".to_owned(), "by_status".to_owned()], 16));
    let value = DynValue::new(parts).unwrap();
    for path in ["limit", "by_status", ""] {
        assert!(matches!(value.add(path, 1), Err(Error::Unsupported { .. })), "{path}");
    }
    assert!(matches!(value.update("by_status", |_| ()), Err(Error::Unsupported { .. })));
}

/// A value that is created from a layout is the value that a program with the type creates.
#[test]
fn creation_from_a_layout() {
    let layout = DynLayout::structure("Server")
        .field::<u32>("name")
        .counter::<u64>("hits")
        .field::<i64>("limit")
        .counter::<[u64; 6]>("by_status")
        .atomic::<u64>("open")
        .build()
        .unwrap();
    assert_eq!(layout, DynLayout::of::<Server>().unwrap());
    assert!(layout.to_string().contains("\nhits: lanes<16> u64 @8\n"), "{layout}");
    let name = SegmentName::new("created");
    let data = layout.decode(bytes_of(&START)).unwrap();
    let created = DynValue::create(&name, (layout.clone(), data)).unwrap();
    let shared = Synchronized::<Server>::open(&name).unwrap();
    assert_eq!(shared.get(), START);
    shared.set_limit(2).unwrap();
    created.add("hits", 1).unwrap();
    assert_eq!(shared.get(), Server { hits: 6, limit: 2, ..START });
    drop((created, shared));
    unlink(&*name).unwrap();
    let created = DynValue::create(&name, (layout, bytes_of(&START))).unwrap();
    assert_eq!(Synchronized::<Server>::open(&name).unwrap().get(), START);
    drop(created);
}

fn bytes_of(server: &Server) -> &'static [u8] {
    let mut bytes = Vec::new();
    bytes.extend(u64::from(server.name).to_ne_bytes());
    bytes.extend(server.hits.to_ne_bytes());
    bytes.extend(server.limit.to_ne_bytes());
    bytes.extend(server.by_status.iter().flat_map(|count| count.to_ne_bytes()));
    bytes.extend(server.open.to_ne_bytes());
    bytes.leak()
}
