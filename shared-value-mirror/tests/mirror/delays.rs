//! A network that takes its time: a proxy between both sides keeps all bytes back for a while.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use shared_value::Synchronized;
use shared_value_tests::eventually;

use crate::support::{Names, Words, endpoint, follow, publish, reader, watch};

const DELAY: Duration = Duration::from_millis(40);

/// Starts a proxy that delays all bytes, and returns its endpoint. It ends with the process.
fn proxy(to: &str) -> String {
    let to = to.trim_start_matches("tcp/").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for from in listener.incoming().map_while(Result::ok) {
            let Ok(to) = TcpStream::connect(&to) else { continue };
            for (from, to) in [(from.try_clone(), to.try_clone()), (Ok(to), Ok(from))] {
                delay(from.expect("there is a descriptor"), to.expect("there is a descriptor"));
            }
        }
    });
    format!("tcp/{address}")
}

fn delay(mut from: TcpStream, mut to: TcpStream) {
    let (send, receive) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            if send.send((Instant::now() + DELAY, buffer[..size].to_vec())).is_err() {
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

#[test]
fn a_network_that_delays_all_messages() {
    let (names, endpoint) = (Names::new("delay"), endpoint());
    let value = Synchronized::create(&*names.origin, Words::of(0)).expect("the name is free");
    let _publisher = publish(&endpoint, &[&names.origin]);
    let _follower = follow(&proxy(&endpoint), "r1-", &[&names.origin]);
    let copy = reader::<Words>(&names.replica);
    let mut last = 0;
    let changes = thread::scope(|scope| {
        let reader = scope.spawn(|| watch(&copy, Duration::from_secs(3), &mut last));
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            value.update(|words| *words = Words::of(words.words[0] + 1)).expect("the lock is free");
            thread::sleep(Duration::from_millis(1));
        }
        reader.join().expect("the replica is whole")
    });
    let end = value.get().number();
    eventually("the replica shows the last state", || copy.get().number() == end);
    assert!((5..=60).contains(&changes), "{changes} changes in 3 s, with a round trip of 80 ms");
}
