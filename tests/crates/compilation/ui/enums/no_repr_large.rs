use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
enum Port {
    Http = 80,
    Game = 27_015,
}

fn main() {}
