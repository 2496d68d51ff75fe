use shared_value::SharedValue;

// Prices that are called what functions of handles are called, beside a field with an error.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Candle {
    open: f64,
    new: f64,
    create: f64,
    open_or_create: f64,
    close: u128,
}

fn main() {
    // What uses the type compiles: the problem is reported once.
    let candle = SynchronizedCandle::open("candle").unwrap();
    candle.set_open(candle.open() + candle.new()).unwrap();
    candle.lock().unwrap().set_create(candle.create() + candle.open_or_create()).unwrap();
    candle.update(|candle| candle.open += 1.0).unwrap();
    assert_eq!(candle.version(), 1);
}
