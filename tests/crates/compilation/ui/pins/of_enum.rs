use shared_value::SharedValue;

// The typecode of an enum is that of its integer: only the fingerprint knows the variants.
#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
#[shared(layout = "<B", fingerprint = "0x0123456789abcdef")]
enum State {
    Open,
    Frozen,
}

fn main() {}
