// 29: `release()` without `acquire()`.
use shared_value::{Error, Synchronized};

fn release(value: &Synchronized<i32>) -> Result<(), Error> {
    let guard = value.lock()?;
    drop(guard);
    drop(guard);
    Ok(())
}

fn main() {}
