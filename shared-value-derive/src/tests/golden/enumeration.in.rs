#[repr(i8)]
enum Mode {
    Idle = -1,
    Busy,
    r#Late = 7,
}
