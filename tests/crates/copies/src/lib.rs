//! The operations of the programs of this package. Each program declares its own copy of the shared struct, as separate
//! programs do.

pub mod evolving;

use std::env;

use anyhow::{Context as _, bail};
use shared_value::{SharedValue, Synchronized};

/// Does the operation of the arguments: `create NAME`, `open NAME` or `fingerprint -`.
///
/// # Errors
/// The errors of the library, and an error for unknown arguments.
pub fn run<T: SharedValue>(value: T) -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let (operation, name) = arguments.next().zip(arguments.next()).context("expected two arguments")?;
    match operation.as_str() {
        "create" => drop(Synchronized::create(&name, value)?),
        "open" => drop(Synchronized::<T>::open(&name)?),
        "fingerprint" => println!("{:#018x}", T::FINGERPRINT),
        other => bail!("there is no operation `{other}`"),
    }
    Ok(())
}
