#[repr(C)]
pub struct Broken<T> {
    good: T,
    text: String,
    commit: u8,
    store: u8,
}
