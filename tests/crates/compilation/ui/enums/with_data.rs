use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
enum Shape {
    Point,
    Circle(f64),
    Square { side: f64 },
}

fn main() {}
