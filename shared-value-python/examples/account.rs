//! A Rust program that shares an account with Python programs: the README's `Account`. The tests of the package run it.
//!
//! ```sh
//! account create NAME         # creates it, and unlinks the name when its input ends
//! account add NAME COUNT      # adds 1 to the balance and to a limit, COUNT times, in one commit each
//! account show NAME           # prints it
//! account hold NAME           # takes the lock, changes the balance, says so, and waits to be killed
//! account serve NAME          # creates a `Server`, prints its counters when its input ends, and unlinks the name
//! account count NAME COUNT    # adds 1 to two counters of a `Server`, COUNT times
//! account grow NAME           # appends to the vector NAME-jobs, the text NAME-motto and the bytes NAME-message; prints all three
//! ```

use std::io::{self, Read, Write};

use shared_value::{Error, SharedBytes, SharedString, SharedValue, SharedVec};

/// The account of the README.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub struct Account {
    balance: i64,
    frozen: bool,
    limits: [u32; 4],
    #[shared(atomic)]
    requests: u64,
}

/// A struct of counters.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
#[shared(lanes = 4)]
pub struct Server {
    port: u16,
    #[shared(counter)]
    hits: u64,
    #[shared(counter)]
    by_status: [u64; 6],
}

fn say(text: &str) {
    println!("{text}");
    io::stdout().flush().expect("somebody reads");
}

fn wait_for_end() {
    io::stdin().read_to_end(&mut Vec::new()).expect("the input ends");
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["create", name] => {
            let start = Account { balance: 100, frozen: false, limits: [10, 20, 30, 40], requests: 0 };
            let account = SynchronizedAccount::create(name, start)?;
            say("created");
            wait_for_end();
            account.unlink()
        }
        ["add", name, count] => {
            let account = SynchronizedAccount::open(name)?;
            for _ in 0..count.parse::<u64>().expect("a number") {
                account.update(|account| {
                    account.balance += 1;
                    account.limits[0] = account.limits[0].wrapping_add(1);
                })?;
                account.requests().fetch_add(1);
            }
            Ok(())
        }
        ["show", name] => {
            say(&format!("{:?}", SynchronizedAccount::open(name)?.load()?));
            Ok(())
        }
        ["hold", name] => {
            let account = SynchronizedAccount::open(name)?;
            let guard = account.lock()?;
            guard.set_balance(-1)?;
            say("held");
            wait_for_end();
            Ok(())
        }
        ["serve", name] => {
            let server = SynchronizedServer::create(name, Server { port: 80, hits: 5, by_status: [0; 6] })?;
            say("created");
            wait_for_end();
            say(&format!("{:?} {:?}", server.hits().get(), server.by_status().get()));
            server.unlink()
        }
        ["count", name, count] => {
            let server = SynchronizedServer::open(name)?;
            for _ in 0..count.parse::<u64>().expect("a number") {
                server.hits().increment();
                server.by_status().element(2).increment();
            }
            Ok(())
        }
        ["grow", name] => {
            let jobs = SharedVec::<u32>::open(format!("{name}-jobs").as_str())?;
            let motto = SharedString::open(format!("{name}-motto").as_str())?;
            let message = SharedBytes::open(format!("{name}-message").as_str())?;
            jobs.push(7)?;
            motto.push_str("!")?;
            message.set(&[message.load()?, vec![255]].concat())?;
            say(&format!("{:?} {:?} {:?}", jobs.load()?, motto.load()?, message.load()?));
            Ok(())
        }
        _ => panic!("expected create, add, show, hold, serve, count or grow, and a name"),
    }
}
