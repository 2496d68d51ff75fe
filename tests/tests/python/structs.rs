//! Structs: `Value(Struct, ..)`.

use std::fs;

use shared_value::{Error, SharedValue, Writable};
use shared_value_tests::values::{PairTwins, SynchronizedTwins};
use shared_value_tests::{SegmentName, fork};

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Foo {
    x: i32,
    y: f64,
    z: i64,
}

const FOO: Foo = Foo { x: 3, y: 2.0, z: 1 << 33 };

/// (17 and 20) A child doubles two fields, one by one, with a lock and without one.
#[test]
fn a_child_doubles_fields() {
    fn is_doubled<A: Writable>(foo: &SynchronizedFoo<A>) {
        fork(|| {
            foo.update_x(|x| *x *= 2).unwrap();
            foo.update_y(|y| *y *= 2.0).unwrap();
        })
        .finish();
        assert_eq!(foo.load().unwrap(), Foo { x: 6, y: 4.0, ..FOO });
    }
    is_doubled(&SynchronizedFoo::new(FOO).unwrap());
    is_doubled(&SynchronizedFoo::options().unlocked().new(FOO).unwrap());
}

/// (21) A copy is not changed with the original.
#[test]
fn a_copy_stays_as_it_is() {
    let foo = SynchronizedFoo::new(FOO).unwrap();
    let copy = foo.load().unwrap();
    foo.set(Foo { x: 0, y: 0.0, z: 0 }).unwrap();
    assert_eq!((copy, foo.x()), (FOO, 0));
}

/// (28) Fields that are read one after the other may be of two versions; those of one `load`, or under the lock, are not.
#[test]
fn fields_that_are_read_apart_may_not_fit_together() {
    let twins = SynchronizedTwins::new(PairTwins::of(1)).unwrap();
    let change = |number| {
        fork(|| {
            // Where the parent holds the lock, its child has to give up.
            if let Ok(mut guard) = twins.try_lock() {
                guard.set(PairTwins::of(number)).unwrap();
            }
        })
        .finish();
    };
    let left = twins.left();
    change(2);
    assert_eq!((left, twins.right()), (1, 2), "read apart");
    assert!(twins.load().unwrap().are_equal());

    let guard = twins.lock().unwrap();
    let left = guard.left();
    change(3);
    assert_eq!((left, guard.right()), (2, 2), "read under the lock");
    drop(guard);
    change(3);
    assert_eq!(twins.load().unwrap(), PairTwins::of(3));
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Line {
    from: Point,
    to: Point,
}

/// (39) A struct in a struct is a copy, so writing to it goes through the lock like all else.
#[test]
fn a_struct_in_a_struct_is_changed_under_the_lock_only() {
    let here = Point { x: 0.0, y: 0.0 };
    let line = SynchronizedLine::new(Line { from: here, to: here }).unwrap();
    let mut from = line.from();
    from.x = 7.0;
    assert_eq!((from.x, line.from()), (7.0, here), "what was read is a copy");

    let guard = line.lock().unwrap();
    guard.update_from(|from| from.x = 1.0).unwrap();
    fork(|| {
        assert_eq!(line.from(), here, "half of a change was seen");
        assert!(matches!(line.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    })
    .finish();
    guard.update_to(|to| to.y = 1.0).unwrap();
    drop(guard);
    assert_eq!(line.load().unwrap(), Line { from: Point { x: 1.0, y: 0.0 }, to: Point { x: 0.0, y: 1.0 } });
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Awkward {
    acquire: i32,
    release: i32,
    get_lock: i32,
    get_obj: i32,
    value: i32,
    class: i32,
    r#type: i32,
    #[shared(rename = "is_locked")]
    lock: i32,
}

/// (41) Fields that are called like a function of Python's wrapper, or like a keyword, are fields. The few names that a
/// handle has itself are errors of the compiler, which asks for another name for the accessors.
#[test]
fn fields_may_have_any_name() {
    let start = Awkward { acquire: 0, release: 0, get_lock: 0, get_obj: 0, value: 0, class: 0, r#type: 0, lock: 0 };
    let awkward = SynchronizedAwkward::new(start).unwrap();
    fork(|| {
        awkward.set_acquire(1).unwrap();
        awkward.set_release(2).unwrap();
        awkward.set_get_lock(3).unwrap();
        awkward.set_get_obj(4).unwrap();
        awkward.set_value(5).unwrap();
        awkward.set_class(6).unwrap();
        awkward.set_type(7).unwrap();
        awkward.set_is_locked(8).unwrap();
    })
    .finish();
    assert_eq!(
        awkward.load().unwrap(),
        Awkward { acquire: 1, release: 2, get_lock: 3, get_obj: 4, value: 5, class: 6, r#type: 7, lock: 8 }
    );
    assert_eq!((awkward.class(), awkward.r#type(), awkward.is_locked()), (6, 7, 8));
    drop(awkward.lock().unwrap());
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(16))]
struct Quad {
    numbers: [f32; 4],
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Quads {
    is_set: bool,
    quads: [Quad; 2],
}

/// (46) Whoever gets the value has it aligned as its type says, and in the file it lies where the type says.
#[test]
fn an_aligned_type_is_aligned() {
    let quad = |start: f32| Quad { numbers: [start, start + 1.0, start + 2.0, start + 3.0] };
    let start = Quads { is_set: true, quads: [quad(1.0), quad(5.0)] };
    let name = SegmentName::new("aligned");
    let quads = SynchronizedQuads::create(&name, start).unwrap();
    assert_eq!((Quads::LAYOUT.size(), Quads::LAYOUT.align()), (48, 16));
    fork(|| {
        quads
            .update(|quads| {
                assert!((&raw const *quads).is_aligned() && (&raw const quads.quads[1]).addr().is_multiple_of(16));
                quads.quads[1] = quad(9.0);
            })
            .unwrap();
    })
    .finish();
    assert_eq!(quads.load().unwrap(), Quads { quads: [quad(1.0), quad(9.0)], ..start });
    let file = fs::read(name.path()).unwrap();
    let place = file.windows(4).position(|bytes| bytes == 9.0_f32.to_ne_bytes()).expect("it was written");
    assert!(place.is_multiple_of(16), "the second quad lies at {place}");
}
