//! `Edit`: changing a field, with a confirmation.

use std::time::Duration;

use crossterm::event::KeyCode;

use crate::commands::change::set_one;

/// A field that is being edited.
#[derive(Debug)]
pub(super) struct Edit {
    /// The value, as `set` takes it.
    target: String,
    path: String,
    pub(super) text: String,
    /// Whether the new text is complete, and waits for a yes.
    pub(super) is_asked: bool,
}

impl Edit {
    pub(super) fn new(target: String, path: String, text: String) -> Self {
        Self { target, path, text, is_asked: false }
    }

    /// Returns the line that is shown.
    pub(super) fn line(&self) -> String {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        let part = format!("{}{dot}{}", self.target, self.path);
        if self.is_asked { format!("Set {part} to {}? y/n", self.text) } else { format!("{part} = {}_", self.text) }
    }

    /// Handles a key. Returns what goes on.
    pub(super) fn press(mut self, key: KeyCode, message: &mut String) -> Option<Self> {
        if self.is_asked {
            if key == KeyCode::Char('y') {
                // The view would stand still for longer than a person waits.
                let timeout = Duration::from_secs(1);
                *message = match set_one(&self.target, &self.path, &self.text, timeout) {
                    Ok(()) => "set".to_owned(),
                    Err(failure) => failure.message.unwrap_or_default(),
                };
            } else {
                "not changed".clone_into(message);
            }
            return None;
        }
        match key {
            KeyCode::Esc => return None,
            KeyCode::Enter => self.is_asked = true,
            KeyCode::Backspace => drop(self.text.pop()),
            KeyCode::Char(character) => self.text.push(character),
            _ => {}
        }
        Some(self)
    }
}
