//! `#[shared(pod)]` with types of another crate, which does not depend on this one.

use glam::{Mat4, Vec2, Vec3};
use shared_value::{Pod, SharedValue, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName};

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Body {
    #[shared(pod)]
    position: Vec3,
    visible: bool,
    #[shared(pod)]
    corners: [Vec2; 4],
    #[shared(pod, typecode = "(4,4)<f")]
    view: Mat4,
    #[shared(pod, typecode = "T{<f:x:<f:y:<f:z:}")]
    velocity: Vec3,
}

fn body() -> Body {
    Body {
        position: Vec3::new(1.0, 2.0, 3.0),
        visible: true,
        corners: [Vec2::ZERO, Vec2::X, Vec2::Y, Vec2::ONE],
        view: Mat4::IDENTITY,
        velocity: Vec3::Z,
    }
}

/// Accessors must take and return the type itself, and not its bytes.
#[test]
fn every_accessor_passes_the_type_itself() {
    let shared = SynchronizedBody::new(body()).unwrap();
    assert_eq!(shared.load().unwrap(), body());
    assert_eq!((shared.position(), shared.velocity()), (Vec3::new(1.0, 2.0, 3.0), Vec3::Z));
    shared.set_position(Vec3::ONE).unwrap();
    let length = shared.update_position(|position| {
        *position *= 2.0;
        position.length_squared()
    });
    assert_eq!((length.unwrap(), shared.position()), (12.0, Vec3::splat(2.0)));

    assert_eq!(shared.in_corners().at(3), Pod(Vec2::ONE));
    shared.in_corners().set_at(3, Pod(Vec2::NEG_ONE)).unwrap();
    shared.update_corners(|corners| corners.swap(0, 3)).unwrap();
    assert_eq!(shared.corners(), [Vec2::NEG_ONE, Vec2::X, Vec2::Y, Vec2::ZERO]);

    let guard = shared.lock().unwrap();
    guard.set_velocity(Vec3::X).unwrap();
    guard.update_view(|view| *view = view.transpose()).unwrap();
    guard.in_corners().set_at(1, guard.in_corners().at(0)).unwrap();
    assert_eq!((guard.velocity(), guard.view()), (Vec3::X, Mat4::IDENTITY));
    guard.rollback();
    drop(guard);
    assert_eq!(shared.velocity(), Vec3::Z);
    assert!(std::panic::catch_unwind(|| shared.in_corners().at(4)).is_err());
}

/// Another reader needs the place of every field, and the user's typecode where there is one.
#[test]
fn a_typecode_is_bytes_unless_the_user_gives_one() {
    assert_eq!(
        Body::TYPECODE,
        "T{(12)B:position:?:visible:3x(32)B:corners:(4,4)<f:view:T{<f:x:<f:y:<f:z:}:velocity:4x}"
    );
    let name = SegmentName::new("pod");
    let _shared = SynchronizedBody::create(&name, body()).unwrap();
    let schema = SegmentFile::open(name.path()).schema();
    let lines = [
        "position: bytes<12, align 4> @0",
        "corners: bytes<32, align 4> @16",
        "velocity: bytes<12, align 4> as T{<f:x:<f:y:<f:z:} @112",
    ];
    for line in lines {
        assert!(schema.lines().any(|found| found == line), "`{line}` is not in\n{schema}");
    }
}

/// A foreign type is not a field only: a `Pod` of it is a value of its own.
#[test]
fn a_pod_is_a_value() {
    let shared = Synchronized::new(Pod(Vec3::X)).unwrap();
    shared.update(|Pod(position)| *position += Vec3::Y).unwrap();
    assert_eq!(shared.get(), Pod(Vec3::new(1.0, 1.0, 0.0)));
}
