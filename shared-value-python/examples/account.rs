//! A Rust program that shares an account with Python programs: the README's `Account`. The tests of the package run it.
//!
//! ```sh
//! account create NAME         # creates it, and unlinks the name when its input ends
//! account add NAME COUNT      # adds 1 to the balance and to a limit, COUNT times, in one commit each
//! account show NAME           # prints it
//! account hold NAME           # takes the lock, changes the balance, says so, and waits to be killed
//! ```

use std::io::{self, Read, Write};

use shared_value::{Error, SharedValue};

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
        _ => panic!("expected: create NAME, add NAME COUNT, show NAME or hold NAME"),
    }
}
