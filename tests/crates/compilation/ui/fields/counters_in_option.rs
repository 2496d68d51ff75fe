use shared_value::{SharedOption, SharedValue};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Server {
    #[shared(counter)]
    requests: u64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Cluster(SharedOption<Server>);

fn main() {}
