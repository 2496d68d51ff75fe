use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use proptest::prelude::*;
use shared_value::{Arena, DynLayout, SharedArray, inspect, unlink};

use super::*;
use crate::message::{Blocks, Bytes, Entry, fingerprint};

const LENGTH: usize = 3000;

static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    let element = DynLayout::of::<u32>().expect("numbers have a layout");
    DynLayout::slice(element).expect("so have arrays of them").to_string()
});

/// A replica that is removed when it is dropped.
struct Own {
    replica: Replica,
}

impl Own {
    fn new(label: &str) -> Self {
        let name = format!("shared-value-mirror-unit-{label}-{}", std::process::id());
        Self { replica: Replica::open(&name, 1 << 20).expect("the name is free") }
    }

    /// Returns the segment and what it shows.
    fn shown(&self) -> Option<(Option<u128>, Option<u64>, Vec<u32>)> {
        let report = inspect(&*self.replica.name).ok()?;
        let array = SharedArray::<u32>::open_read_only(&*self.replica.name).ok()?;
        Some((report.identity(), report.version(), array.to_vec().ok()?))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // A test may have made none.
        let _ = kept::clear_next(&self.replica.name);
        let _ = unlink(&*self.replica.name);
        let _ = unlink(&*status::name_of(&self.replica.name));
    }
}

fn at(sequence: u64) -> Position {
    Position { identity: 77, session: 0, sequence }
}

fn news(position: Position, base: Option<u64>, bytes: Bytes<'_>) -> News<'_> {
    News { position, base, shape: Shape::Value, entries: vec![Entry { key: "", bytes }], removed: Vec::new() }
}

fn whole(position: Position, bytes: &[u8]) -> News<'_> {
    news(position, None, Bytes::Whole { schema: &SCHEMA, bytes, capacity: None })
}

fn schema() -> u64 {
    fingerprint(&SCHEMA)
}

/// Older states would let a reader see the value go back.
#[test]
fn only_later_states_of_the_same_origin_are_applied() {
    let mut own = Own::new("later");
    let bytes = [1_u8; 4 * LENGTH];
    assert_eq!(own.replica.apply(&whole(at(5), &bytes)).expect("it is whole"), Applied::Yes);
    for sequence in [0, 4, 5] {
        assert_eq!(own.replica.apply(&whole(at(sequence), &[2; 4 * LENGTH])).expect("it is whole"), Applied::Older);
    }
    let blocks = |base, position| {
        let blocks = Blocks { fingerprint: schema(), length: 4 * LENGTH as u64, parts: vec![(3, &[9; 2])] };
        news(position, Some(base), Bytes::Blocks(blocks))
    };
    assert_eq!(own.replica.apply(&blocks(6, at(7))).expect("it is whole"), Applied::NeedsWhole);
    assert_eq!(own.replica.apply(&blocks(4, at(7))).expect("it is whole"), Applied::Yes);
    let (_, version, shown) = own.shown().expect("it is there");
    assert_eq!((version, shown[0], shown[1], shown[2]), (Some(1), 0x0901_0101, 0x0101_0109, 0x0101_0101));
    let other = Position { identity: 78, ..at(1) };
    assert_eq!(own.replica.apply(&blocks(0, other)).expect("it is whole"), Applied::NeedsWhole);
}

/// Each point between two stores at which a follower can be killed: the next one knows what the replica shows.
#[test]
fn a_follower_that_died_between_two_stores_is_understood() {
    let mut own = Own::new("between");
    let name = own.replica.name.clone();
    let (first, second) = ([1_u8; 4 * LENGTH], [2_u8; 4 * LENGTH]);
    own.replica.apply(&whole(at(5), &first)).expect("it is whole");

    // Killed after the status was announced.
    own.replica.file.status.set_next(at(9));
    own.replica.file.status.phase = CHANGING;
    own.replica.file.commit().expect("it is open");
    let before = own.replica.file.status;
    assert_eq!(kept::find(&name, &before).expect("it is one").expect("it is there").position, at(5));

    // Killed after the replica was changed.
    let Some(Held::Value(value)) = &own.replica.held else { panic!("it is a value") };
    let change = value.prepare(&whole(at(9), &second), 1 << 20).expect("it is whole");
    value.write(&change).expect("the lock is free");
    let kept = kept::find(&name, &before).expect("it is one").expect("it is there");
    assert_eq!((kept.position, kept.is_exact), (at(9), true));

    // Another process has written it.
    value.write(&change).expect("the lock is free");
    let kept = kept::find(&name, &before).expect("it is one").expect("it is there");
    assert_eq!((kept.position, kept.is_exact), (at(5), false));

    // A name that no status knows.
    let unknown = MirrorStatus { replica: [0; 2], ..before };
    assert!(matches!(kept::find(&name, &unknown), Err(MirrorError::NotAReplica { .. })));
    // Killed while a replica was made, but the name is that of another program's segment, whatever its mode is.
    let mut making = MirrorStatus { phase: MAKING, next_replica: [0; 2], ..unknown };
    assert!(matches!(kept::find(&name, &making), Err(MirrorError::NotAReplica { .. })));
    // Killed after it got the name, and before that was noted, also while its file could be written.
    making.set_next_replica(inspect(&*name).expect("it is there").identity().expect("it has one"));
    for mode in [0o444, 0o644, 0o440] {
        fs::set_permissions(format!("/dev/shm/{name}"), Permissions::from_mode(mode)).expect("it is ours");
        let kept = kept::find(&name, &making).expect("it is one").expect("it is there");
        assert_eq!((kept.position, kept.is_exact), (at(9), false));
    }
}

/// Of a follower that was killed while it made a replica, nothing stays.
#[test]
fn a_replica_that_was_not_noted_yet_is_removed() {
    let mut own = Own::new("removed");
    let name = own.replica.name.clone();
    own.replica.apply(&whole(at(5), &[1; 4 * LENGTH])).expect("it is whole");
    own.replica.file.status.next_replica = own.replica.file.status.replica;
    own.replica.file.status.replica = [0; 2];
    own.replica.file.status.phase = MAKING;
    own.replica.file.commit().expect("it is open");
    fs::write(kept::next(&name), "half of it").expect("there is room");
    remove(&name).expect("this thread has the lock");
    for left in [format!("/dev/shm/{name}"), format!("/dev/shm/{name}.mirror"), kept::next(&name).display().to_string()]
    {
        assert!(!fs::exists(&left).expect("it can be asked for"), "{left}");
    }
}

/// A replica would stay without followers: `mirror remove` has unlinked the status for which the next one waited.
#[test]
fn a_status_that_was_removed_while_its_lock_was_waited_for_is_made_anew() {
    let own = Own::new("waited");
    let name = own.replica.name.clone();
    let waiting = std::thread::spawn(move || StatusFile::open(&name).map(|file| file.value.is_current()));
    std::thread::sleep(std::time::Duration::from_millis(200));
    unlink(&*status::name_of(&own.replica.name)).expect("it is there");
    let name = own.replica.name.clone();
    drop(own);
    assert!(waiting.join().expect("it has not panicked").expect("the lock is free"));
    unlink(&*status::name_of(&name)).expect("it was made anew");
}

/// A follower that was told that a key was removed would not have the value that came after it.
#[test]
fn keys_that_are_told_as_removed_and_as_values_stay() {
    let mut own = Own::new("keys");
    let schema = DynLayout::of::<u64>().expect("numbers have a layout").to_string();
    let entry = |bytes| Entry { key: "a", bytes: Bytes::Whole { schema: &schema, bytes, capacity: None } };
    let news = |sequence, base, bytes| {
        let (shape, removed) = (Shape::Arena { capacity: 1 << 16 }, vec!["a"]);
        News { position: at(sequence), base, shape, entries: vec![entry(bytes)], removed }
    };
    let (one, two) = (1_u64.to_le_bytes(), 2_u64.to_le_bytes());
    assert_eq!(own.replica.apply(&news(1, None, &one)).expect("it is whole"), Applied::Yes);
    assert_eq!(own.replica.apply(&news(3, Some(1), &two)).expect("it is whole"), Applied::Yes);
    let arena = Arena::open_read_only(&*own.replica.name).expect("it is there");
    assert_eq!(arena.get::<u64>("a").expect("it is one").expect("it is there").get(), 2);
}

fn schemas() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(SCHEMA.clone()),
        Just("u64\n".to_owned()),
        Just("[[u8; 1000000000]; 1000000000]\n".to_owned()),
        Just("SharedString\n".to_owned()),
        Just("[bool]\n".to_owned()),
        "[\\[\\]; a-z0-9{}\n:]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a message says of its state, either the replica shows a later state afterwards, or nothing has changed.
    #[test]
    fn hostile_messages_change_nothing(
        schema in schemas(),
        size in prop_oneof![Just(4 * LENGTH), 0..20_000_usize],
        capacity in proptest::option::of(any::<u64>()),
        sequence in 0..20_u64,
        identity in 77..79_u128,
        base in proptest::option::of(0..20_u64),
        blocks in proptest::option::of((any::<bool>(), prop_oneof![Just(4 * LENGTH as u64), any::<u64>()],
            proptest::collection::vec((prop_oneof![0..13_000_u64, any::<u64>()], 0..50_usize), 0..4))),
        shape in prop_oneof![3 => Just(Shape::Value), 1 => any::<u64>().prop_map(|capacity| Shape::Arena { capacity })],
        key in prop_oneof![3 => Just(""), 1 => Just("key")],
        entries in prop_oneof![4 => Just(1_usize), 1 => 0..3_usize],
    ) {
        let mut own = Own::new("hostile");
        own.replica.apply(&whole(at(5), &[1; 4 * LENGTH])).expect("it is whole");
        let before = own.shown();
        let bytes = vec![2; size];
        let bytes = match &blocks {
            Some((is_known, length, blocks)) => Bytes::Blocks(Blocks {
                fingerprint: if *is_known { self::schema() } else { 3 },
                length: *length,
                parts: blocks.iter().map(|(start, size)| (*start, &bytes[..(*size).min(bytes.len())])).collect(),
            }),
            None => Bytes::Whole { schema: &schema, bytes: &bytes, capacity },
        };
        let position = Position { identity, session: 0, sequence };
        let entries = vec![Entry { key, bytes }; entries];
        let news = News { position, base, shape, entries, removed: vec!["x"] };
        match own.replica.apply(&news) {
            Ok(Applied::Yes) => {
                prop_assert!(identity != 77 || sequence > 5);
                prop_assert_eq!(own.replica.position().is_some(), matches!(shape, Shape::Value) || inspect(&*own.replica.name).is_ok());
            }
            Ok(Applied::Older | Applied::NeedsWhole) | Err(_) => {
                prop_assert_eq!(own.shown(), before);
                // It goes on.
                own.replica.apply(&whole(at(30), &[3; 4 * LENGTH])).expect("it is whole");
                prop_assert_eq!(own.shown().map(|(_, _, shown)| shown[0]), Some(0x0303_0303));
            }
        }
    }
}
