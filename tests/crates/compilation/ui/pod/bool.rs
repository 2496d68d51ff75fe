use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body {
    #[shared(pod)]
    visible: bool,
}

fn main() {}
