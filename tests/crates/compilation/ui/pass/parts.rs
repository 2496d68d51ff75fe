use shared_value::{Error, FixedStr, Part, Pod, Reader, SharedValue, Synchronized, Writer};

#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Pose {
    x: f64,
    y: f64,
}

#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Joint {
    angle: f64,
    at: Pose,
}

type Rows = [[f64; 4]; 3];

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Robot {
    pose: Pose,
    joints: [Joint; 6],
    // An alias of an array is one.
    rows: Rows,
    name: FixedStr<8>,
    #[shared(pod)]
    colors: [[u8; 3]; 2],
}

fn robot() -> Robot {
    let name = "robby".parse().unwrap();
    Robot { pose: Pose::default(), joints: [Joint::default(); 6], rows: [[0.0; 4]; 3], name, colors: [[0; 3]; 2] }
}

// One function for a handle, a guard and a part.
fn advance<H: Writer<Value = Pose>>(pose: &PoseAccessors<H>) -> Result<(), Error> {
    pose.set_x(pose.x() + 1.0)
}

fn x<H: Reader<Value = Pose>>(pose: &PoseAccessors<H>) -> f64 {
    pose.x()
}

fn main() -> Result<(), Error> {
    let shared = SynchronizedRobot::new(robot())?;
    shared.in_pose().set_x(1.0)?;
    shared.in_joints().element(3).set_angle(0.5)?;
    // A part of a part leads to the handle itself, and can be kept.
    let at: Part<'_, _, Pose> = shared.in_joints().element(3).in_at();
    at.update_y(|y| *y += 2.0)?;
    let row = shared.in_rows().element(2);
    row.set_at(1, 4.0)?;
    row.write_slice(2, &[5.0, 6.0])?;
    shared.in_colors().set_at(1, Pod([7, 8, 9]))?;
    assert_eq!(shared.joints()[3], Joint { angle: 0.5, at: Pose { x: 0.0, y: 2.0 } });
    assert_eq!((row.to_vec()?, row.len(), shared.colors()), (vec![0.0, 4.0, 5.0, 6.0], 4, [[0; 3], [7, 8, 9]]));

    advance(&shared.in_pose())?;
    let guard = shared.lock()?;
    advance(&guard.in_pose())?;
    guard.in_joints().swap(0, 3)?;
    guard.in_rows().element(0).fill(9.0)?;
    drop(guard);
    let pose = Synchronized::new(Pose::default())?;
    advance(&pose)?;
    let reader = pose.read_only()?;
    assert_eq!((x(&shared.in_pose()), x(&pose), x(&reader)), (3.0, 1.0, 1.0));
    assert_eq!((shared.joints()[0].angle, shared.rows()[0]), (0.5, [9.0; 4]));

    // Parts of one version.
    let (y, [first, last], name) = shared.read(|view| {
        let joints = view.in_joints();
        (view.in_pose().in_y(), [joints.element(0).in_angle(), joints.element(5).in_angle()], view.in_name())
    })?;
    assert_eq!((y, first, last, name.as_str()), (0.0, 0.5, 0.0, "robby"));
    Ok(())
}
