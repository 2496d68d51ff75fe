//! A program that knows no type: it changes parts of a value by their paths, and says what the value is then.

use anyhow::Result;
use shared_value::{DynData, DynValue};
use shared_value_tests::{await_line, say};

/// Says what a value is, as JSON, or changes parts of it first: all of them in one commit.
#[derive(Debug, clap::Args)]
pub(crate) struct Dynamic {
    name: String,
    /// Paths and what the parts become, as JSON.
    changes: Vec<String>,
    /// Waits for a line after the changes, before they are committed.
    #[arg(long)]
    wait: bool,
    /// The name is a token.
    #[arg(long)]
    token: bool,
}

impl Dynamic {
    pub(crate) fn run(self) -> Result<()> {
        if self.changes.is_empty() {
            let open = if self.token { DynValue::from_token_read_only } else { DynValue::open_read_only };
            say(serde_json::to_string(&open(&self.name)?)?);
            return Ok(());
        }
        let open = if self.token { DynValue::from_token } else { DynValue::open };
        let value = open(&self.name)?;
        let mut guard = value.lock()?;
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
