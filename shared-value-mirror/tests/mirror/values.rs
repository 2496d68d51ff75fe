//! Values and arrays.

use std::os::unix::fs::PermissionsExt;

use shared_value::{Capacity, Error, Filled, SharedArray, SharedString, SharedValue, Synchronized, inspect, unlink};
use shared_value_mirror::remove;
use shared_value_tests::{DEADLINE, eventually};

use crate::support::{Names, endpoint, follow, publish, reader, replica, status, status_name};

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Price {
    bid: f64,
    ask: f64,
    count: u32,
    is_open: bool,
    #[shared(atomic)]
    looks: u64,
}

const PRICE: Price = Price { bid: 1.5, ask: 2.5, count: 7, is_open: true, looks: 3 };

/// The follower has an ordinary value, which only it writes.
#[test]
fn a_replica_is_an_ordinary_value_that_is_read_only() {
    let (names, endpoint) = (Names::new("ordinary"), endpoint());
    let price = Synchronized::create(&*names.origin, PRICE).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let copy = reader::<Price>(&names.replica);
    assert_eq!(copy.get(), PRICE);
    assert_eq!(
        inspect(&*names.replica).expect("it is there").schema(),
        inspect(&*names.origin).expect("so is it").schema()
    );
    let mode = names.replica.path().metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o444);

    price.looks().fetch_add(1);
    price.update(|price| price.bid = 1.75).expect("the lock is free");
    let seen = copy.wait_for(|copy| copy.bid.total_cmp(&1.75).is_eq(), DEADLINE).expect("it comes");
    assert_eq!((seen.ask, seen.count, seen.is_open), (2.5, 7, true));
    eventually("the atomic field comes with the next commit", || copy.looks().load() == 4);

    // Another struct is refused, with the field that differs.
    let other = Synchronized::<[u64; 5]>::open_read_only(&*names.replica);
    assert!(matches!(other, Err(Error::LayoutMismatch { .. })), "{other:?}");

    eventually("the status says what the replica shows", || {
        status(&names.replica).is_some_and(|status| {
            let origin = inspect(&*names.origin).expect("it is there").identity();
            status.version == price.version() && Some(status.origin_identity()) == origin && status.is_fresh()
        })
    });
}

#[test]
fn two_followers_and_a_late_one_see_the_same() {
    let (names, endpoint) = (Names::new("late"), endpoint());
    let value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _first = follow(&endpoint, "r1-", &[&names.origin]);
    let first = reader::<u64>(&names.replica);
    value.set(2).expect("the lock is free");
    first.wait_for(|value| *value == 2, DEADLINE).expect("it comes");

    let (late, _status) = (replica("r2-", &names.origin), status_name("r2-", &names.origin));
    let _second = follow(&endpoint, "r2-", &[&names.origin]);
    let second = reader::<u64>(&late);
    assert_eq!(second.get(), 2);
    value.set(3).expect("the lock is free");
    for copy in [first, second] {
        copy.wait_for(|value| *value == 3, DEADLINE).expect("it comes");
    }
}

/// A follower that waits for a name gets the value as soon as it is made. If it is made anew, the old replica keeps the last state of
/// the old value, and the name leads to a replica of the new one.
#[test]
fn an_origin_that_is_made_anew_is_not_mixed_with_the_old_one() {
    let (names, endpoint) = (Names::new("anew"), endpoint());
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let old = Synchronized::create(&*names.origin, 70_u64).expect("the name is free");
    old.set(71).expect("the lock is free");
    let copy = reader::<u64>(&names.replica);
    copy.wait_for(|value| *value == 71, DEADLINE).expect("it comes");

    unlink(&*names.origin).expect("it has the name");
    let new = Synchronized::create(&*names.origin, [1_u32, 2, 3]).expect("the name is free");
    eventually("the old replica is retired", || copy.is_retired());
    let anew = reader::<[u32; 3]>(&names.replica);
    assert_eq!((anew.get(), copy.get()), ([1, 2, 3], 71));
    new.set([4, 5, 6]).expect("the lock is free");
    anew.wait_for(|value| *value == [4, 5, 6], DEADLINE).expect("it comes");
    old.set(72).expect("it goes on without the name");

    // A third one, which has the type of the second.
    unlink(&*names.origin).expect("it has the name");
    let third = Synchronized::create(&*names.origin, [7_u32, 8, 9]).expect("the name is free");
    eventually("the second replica is retired too", || anew.is_retired());
    let last = reader::<[u32; 3]>(&names.replica);
    third.set([0, 8, 9]).expect("the lock is free");
    last.wait_for(|value| *value == [0, 8, 9], DEADLINE).expect("it comes");
    assert_eq!(anew.get(), [4, 5, 6], "it keeps the last state of its own origin");
    assert_eq!(status(&names.replica).expect("it is there").origins, 3);
}

/// A large array sends the blocks that have changed, and a text or a vector keeps its kind.
#[test]
fn large_arrays_send_what_has_changed() {
    let (names, endpoint) = (Names::new("large"), endpoint());
    let array = SharedArray::create(&*names.origin, Filled(1_u32, 1 << 20)).expect("there is memory");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let transport = shared_value_mirror::Settings { connect: vec![endpoint], ..Default::default() };
    let transport = std::sync::Arc::new(shared_value_mirror::Zenoh::open(&transport).expect("it listens"));
    let options = shared_value_mirror::Follower::options().name(&names.replica);
    let follower = options.start(transport, &names.origin).expect("the name is free");
    let options = SharedArray::<u32>::options().read_only().wait(DEADLINE);
    let copy = options.open(&*names.replica).expect("the replica is made");
    let before = follower.figures().bytes;
    assert!(before >= 4 << 20, "{before}");
    for index in [0, 1023, 1024, (1 << 20) - 1] {
        array.set_at(index, 2).expect("the lock is free");
        eventually("the element comes", || copy.at(index) == 2);
    }
    let sent = follower.figures().bytes - before;
    assert!(sent < 1 << 16, "{sent} bytes were sent for four elements");
    assert_eq!(copy.to_vec().expect("it is whole"), array.to_vec().expect("it is whole"));
}

#[test]
fn texts_grow_at_the_follower_too() {
    let (names, endpoint) = (Names::new("text"), endpoint());
    let text = SharedString::create(&*names.origin, ("ab", Capacity(100))).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let options = SharedString::options().read_only().wait(DEADLINE);
    let copy = options.open(&*names.replica).expect("the replica is made");
    assert_eq!(copy.load().expect("it is whole"), "ab");
    text.push_str("cd").expect("there is room");
    eventually("the text comes", || copy.load().expect("it is whole") == "abcd");
}

/// A value that a program of this machine has made is not overwritten, and two followers do not share a replica.
#[test]
fn names_that_are_taken_stay_as_they_are() {
    let (names, endpoint) = (Names::new("taken"), endpoint());
    let _value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    let own = Synchronized::create(&*names.replica, 5_u64).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let mut follower = follow(&endpoint, "r1-", &[&names.origin]);
    assert!(!follower.ended().success());
    assert_eq!(own.get(), 5);
    assert!(remove(&names.origin).is_err(), "it is not a replica");

    own.unlink().expect("it has the name");
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    reader::<u64>(&names.replica);
    let mut second = follow(&endpoint, "r1-", &[&names.origin]);
    assert!(!second.ended().success());
}

/// Counters are added up at the origin, so the replica shows totals.
#[test]
fn counters_show_their_totals() {
    #[derive(SharedValue, Clone, Copy, Debug)]
    #[repr(C)]
    struct Server {
        name: u64,
        #[shared(counter)]
        hits: u64,
    }
    let (names, endpoint) = (Names::new("counters"), endpoint());
    let server = Synchronized::create(&*names.origin, Server { name: 1, hits: 10 }).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&endpoint, "r1-", &[&names.origin]);
    let copy = reader::<Server>(&names.replica);
    assert_eq!(copy.get().hits, 10);
    server.hits().add(5);
    server.update(|server| server.name = 2).expect("the lock is free");
    copy.wait_for(|copy| copy.name == 2, DEADLINE).expect("it comes");
    assert_eq!(copy.get().hits, 15);
}
