//! Values of every type, read, written and created by their layouts alone.

mod arena;
mod bytes;
mod created;
mod guards;
mod parts;
mod segments;
mod sharing;
mod types;
mod values;

use shared_value::{SharedValue, Synchronized};

/// A value as programs that know its type print it.
fn printed<T: SharedValue>(shared: &Synchronized<T>) -> String {
    let debug = format!("{shared:?}");
    let (_, value) = debug.split_once("value: ").unwrap();
    value.rsplit_once(", version: ").unwrap().0.to_owned()
}
