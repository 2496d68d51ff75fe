use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
enum Step {
    Down = -1,
    Stay,
    Up,
}

fn main() {}
