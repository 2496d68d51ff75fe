use shared_value::{Reader, SharedValue, Writer};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pose {
    x: f64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Robot {
    pose: Pose,
}

// What can only be read cannot be passed on to be written.
fn stop<H: Writer<Value = Pose>>(pose: &PoseAccessors<H>) {
    pose.set_x(0.0);
}

fn look<H: Reader<Value = Pose>>(pose: &PoseAccessors<H>) {
    stop(pose);
}

fn main() {}
