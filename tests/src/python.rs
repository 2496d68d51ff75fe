//! Python with its packages, for tests of what programs in other languages see.

use std::env;
use std::process::{Command, Stdio};

use crate::skip::skip;

/// The Python interpreter to test with, or `None` if it cannot import this module and that is allowed.
///
/// `SHARED_VALUE_PYTHON` names it.
///
/// # Panics
/// If the module is missing where every test is required.
pub fn python_with(module: &str) -> Option<String> {
    let python = env::var("SHARED_VALUE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_module = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if has_module {
        return Some(python);
    }
    skip(format_args!("`{python}` cannot import {module}; SHARED_VALUE_PYTHON can name one that does"));
    None
}
