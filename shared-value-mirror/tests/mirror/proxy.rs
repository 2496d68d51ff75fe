//! `Proxy`: stands between both sides, and sees what they send.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A listener that carries all bytes to an endpoint and back. It ends with the process.
pub(crate) struct Proxy {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What has come so far.
#[derive(Default)]
struct Seen {
    connections: AtomicU32,
    bytes: Mutex<Vec<u8>>,
}

impl Proxy {
    /// Starts a proxy that keeps each byte back for a while.
    pub(crate) fn start(to: &str, delay: Duration) -> Self {
        let to = to.split_once('/').expect("an endpoint has a protocol").1.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has one");
        let seen = Arc::<Seen>::default();
        let notes = seen.clone();
        thread::spawn(move || {
            for from in listener.incoming().map_while(Result::ok) {
                notes.connections.fetch_add(1, Ordering::Relaxed);
                let Ok(to) = TcpStream::connect(&to) else { continue };
                for (from, to) in [(from.try_clone(), to.try_clone()), (Ok(to), Ok(from))] {
                    let (from, to) = (from.expect("there is a descriptor"), to.expect("there is a descriptor"));
                    carry(from, to, delay, notes.clone());
                }
            }
        });
        Self { address, seen }
    }

    /// Returns its own endpoint of a protocol.
    pub(crate) fn endpoint(&self, protocol: &str) -> String {
        format!("{protocol}/{}", self.address)
    }

    /// Returns how many connections were made to it.
    pub(crate) fn connections(&self) -> u32 {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Returns the bytes that were sent so far, in both directions.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen.bytes.lock().expect("no thread has panicked").clone()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration, seen: Arc<Seen>) {
    let (send, receive) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            seen.bytes.lock().expect("no thread has panicked").extend(&buffer[..size]);
            if send.send((Instant::now() + delay, buffer[..size].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (at, bytes) in receive {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The other end may be closed already.
        let _ = to.shutdown(Shutdown::Both);
    });
}
