//! What the programs of this package do. Each has its own copy of the struct that it shares, as programs have whose
//! authors copied it from one another.

use std::env;

use anyhow::{Context as _, bail};
use shared_value::{SharedValue, Synchronized};

/// Creates a segment for the value, or opens one, as the arguments say: `create NAME` or `open NAME`.
///
/// # Errors
/// What the library says.
pub fn run<T: SharedValue>(value: T) -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let (operation, name) = arguments.next().zip(arguments.next()).context("two arguments are expected")?;
    match operation.as_str() {
        "create" => drop(Synchronized::create(&name, value)?),
        "open" => drop(Synchronized::<T>::open(&name)?),
        "fingerprint" => println!("{:#018x}", T::FINGERPRINT),
        other => bail!("`{other}` is no operation"),
    }
    Ok(())
}
