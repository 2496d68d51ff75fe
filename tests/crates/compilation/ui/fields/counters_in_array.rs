use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Server {
    #[shared(counter)]
    requests: u64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Cluster {
    number: u64,
    servers: [Server; 2],
}

fn main() {}
