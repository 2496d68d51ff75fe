use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Server {
    #[shared(atomic)]
    requests: u64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Site {
    server: Server,
}

// Only the fields of the value itself have words of their own.
fn count(site: &SynchronizedSite) {
    site.in_server().requests().fetch_add(1);
}

fn main() {}
