//! Structs: `Value(Struct, ..)`.

use std::fs;

use shared_value::{Error, LockError, SharedValue, Writable};
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

/// (17 and 20) A child must double two fields, one after the other, with a lock and without one.
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

/// (21) A copy must not change with the original.
#[test]
fn a_copy_stays_as_it_is() {
    let foo = SynchronizedFoo::new(FOO).unwrap();
    let copy = foo.load().unwrap();
    foo.set(Foo { x: 0, y: 0.0, z: 0 }).unwrap();
    assert_eq!((copy, foo.x()), (FOO, 0));
}

/// (28) Fields that are read one after the other may belong to two versions. Those of one `load` or one `read`, or under the
/// lock, must belong to one.
#[test]
fn fields_that_are_read_apart_may_not_fit_together() {
    let twins = SynchronizedTwins::new(PairTwins::of(1)).unwrap();
    let change = |number| {
        fork(|| {
            // While the parent holds the lock, the child changes nothing.
            if let Ok(guard) = twins.try_lock() {
                guard.set(PairTwins::of(number)).unwrap();
            }
        })
        .finish();
    };
    let left = twins.left();
    change(2);
    assert_eq!((left, twins.right()), (1, 2), "read apart");
    assert!(twins.load().unwrap().are_equal());
    assert_eq!(twins.read(|view| (view.in_left(), view.in_right())).unwrap(), (2, 2), "read together");

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

/// (39) A getter returns a copy of a struct in a struct. A change of the struct itself must take the lock.
#[test]
fn a_struct_in_a_struct_is_changed_under_the_lock_only() {
    let here = Point { x: 0.0, y: 0.0 };
    let line = SynchronizedLine::new(Line { from: here, to: here }).unwrap();
    let mut from = line.from();
    from.x = 7.0;
    assert_eq!((from.x, line.from()), (7.0, here), "the getter returns a copy");

    let guard = line.lock().unwrap();
    guard.update_from(|from| from.x = 1.0).unwrap();
    fork(|| {
        assert_eq!(line.from(), here, "no reader sees half of a change");
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
    lock: i32,
}

/// (41) A field may have the name of a function of Python's wrapper, of a keyword, or of a method of the handle. A field with
/// the name of a method has no getter; its part reads the value.
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
        awkward.set_lock(8).unwrap();
    })
    .finish();
    assert_eq!(
        awkward.load().unwrap(),
        Awkward { acquire: 1, release: 2, get_lock: 3, get_obj: 4, value: 5, class: 6, r#type: 7, lock: 8 }
    );
    assert_eq!((awkward.class(), awkward.r#type(), awkward.in_lock().get()), (6, 7, 8));
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

/// (46) A copy must be aligned as its type says, and so must the value in the file.
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
    let place = file.windows(4).position(|bytes| bytes == 9.0_f32.to_ne_bytes()).expect("the child has written it");
    assert!(place.is_multiple_of(16), "the second quad lies at {place}");
}
