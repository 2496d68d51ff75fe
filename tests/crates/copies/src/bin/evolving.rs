//! Plays one version of a struct that evolves: `VERSION create|write value|array|arena NAME`, or, for a pair of versions that
//! do not fit, `PAIR old|new create|open NAME`.

use std::env;

use anyhow::bail;
use shared_value_copies::evolving::{misfits, writer};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [pair, version @ ("old" | "new"), operation, name] => misfits::run(pair, version, operation, name),
        [version, operation, kind, name] => writer::run(version, operation, kind, name),
        _ => bail!("expected four arguments"),
    }
}
