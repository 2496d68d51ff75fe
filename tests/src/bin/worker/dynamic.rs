//! Changes parts of a value by their paths, without knowing its type.

use anyhow::Result;
use shared_value::{DynData, DynValue, Source};
use shared_value_tests::{await_line, say};

/// Prints a value as JSON. If there are changes, it makes them first, in one commit.
#[derive(Debug, clap::Args)]
pub(crate) struct Dynamic {
    name: String,
    /// Paths, each followed by the new part as JSON.
    changes: Vec<String>,
    /// Waits for a line between the changes and their commit.
    #[arg(long)]
    wait: bool,
    /// Takes the name as a token.
    #[arg(long)]
    token: bool,
}

impl Dynamic {
    pub(crate) fn run(self) -> Result<()> {
        let source = if self.token { Source::token(&self.name) } else { Source::from(&self.name) };
        if self.changes.is_empty() {
            say(serde_json::to_string(&DynValue::open_read_only(source)?.load()?)?);
            return Ok(());
        }
        let value = DynValue::open(source)?;
        let guard = value.lock()?;
        for change in self.changes.chunks_exact(2) {
            guard.set(&change[0], serde_json::from_str::<DynData>(&change[1])?)?;
        }
        say(serde_json::to_string(&guard.load()?)?);
        if self.wait {
            await_line();
        }
        Ok(())
    }
}
