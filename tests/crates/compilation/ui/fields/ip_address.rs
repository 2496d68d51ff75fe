use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    peer: std::net::Ipv4Addr,
}

fn main() {}
