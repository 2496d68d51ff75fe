use shared_value::{Error, SharedValue};

#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Server {
    // Two words before those of the others, in a slot that is shorter than they are.
    #[shared(atomic)]
    by_kind: [i64; 2],
    version: u32,
    #[shared(atomic)]
    draining: bool,
    #[shared(atomic)]
    load: f64,
    #[shared(atomic)]
    requests: u64,
    #[shared(atomic)]
    flags: [bool; 3],
}

fn main() -> Result<(), Error> {
    let start = Server { by_kind: [1, -2], version: 3, draining: false, load: 0.5, requests: 4, flags: [false, true, false] };
    let server = SynchronizedServer::new(start)?;
    assert_eq!(server.get(), start);
    server.by_kind().element(1).fetch_sub(3);
    assert!(!server.draining().swap(true));
    assert_eq!(server.in_load().fetch_add(0.25), 0.5);
    assert_eq!(server.in_load().fetch_max(2.0), 0.75);
    assert_eq!(server.requests().fetch_or(3), 4);
    assert_eq!(server.requests().fetch_and(6), 7);
    assert_eq!(server.requests().compare_exchange(6, 9), Ok(6));
    assert_eq!(server.requests().compare_exchange(6, 9), Err(9));
    assert_eq!(server.requests().fetch_update(|requests| requests.checked_sub(10)), Err(9));
    server.flags().element(2).store(true);
    assert_eq!(server.flags().load(), [false, true, true]);

    // They are neither committed nor rolled back, and a whole value does not write them.
    let guard = server.lock()?;
    guard.set_version(5)?;
    guard.requests().fetch_add(1);
    guard.rollback();
    drop(guard);
    server.update(|server| {
        assert_eq!(server.requests, 10);
        server.requests = 0;
        server.version = 6;
    })?;
    let end = Server { by_kind: [1, -5], version: 6, draining: true, load: 2.0, requests: 10, flags: [false, true, true] };
    assert_eq!((server.load()?, server.read_only()?.requests().load()), (end, 10));
    Ok(())
}
