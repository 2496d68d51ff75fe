//! The key under which a name is asked about.

use std::fmt::Write as _;

/// What all keys begin with. The number is that of the protocol.
const PREFIX: &str = "shared-value/mirror/1/";

/// Returns the key of a name: bytes that zenoh gives a meaning are written as `%` and two digits.
pub(crate) fn key_of(name: &str) -> String {
    let mut key = PREFIX.to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => key.push(byte.into()),
            _ => write!(key, "%{byte:02x}").expect("a text takes all characters"),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with `*` would be asked about under the names of others too.
    #[test]
    fn names_do_not_become_patterns() {
        assert_eq!(key_of("prices.eu"), "shared-value/mirror/1/prices.eu");
        assert_eq!(key_of("a*/ä%"), "shared-value/mirror/1/a%2a%2f%c3%a4%25");
    }
}
