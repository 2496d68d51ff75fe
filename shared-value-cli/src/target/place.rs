//! `Place`: where a segment is found, and how an argument is split into a place and a path.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use shared_value::{Error, Location, Report, Source, inspect};

use crate::failure::{Failure, Result};
use crate::target::pattern::{Step, glob, is_glob, parse_path};

/// Where names lie (`shm_overview(7)`).
const NAMED: &str = "/dev/shm";

/// Where a segment is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Name(String),
    File(PathBuf),
    /// The text of a token.
    Token(String),
}

/// A segment, and the path of what is meant in it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) steps: Vec<Step>,
}

impl Place {
    /// Returns the place that an argument names as a whole: a file if it contains `/`, a token, or a name.
    pub(crate) fn of(argument: &str) -> Self {
        if argument.starts_with("shared-value:") {
            Self::Token(argument.to_owned())
        } else if argument.contains('/') {
            Self::File(argument.into())
        } else {
            Self::Name(argument.to_owned())
        }
    }

    pub(crate) fn source(&self) -> Source<'_> {
        match self {
            Self::Name(name) => name.into(),
            Self::File(path) => path.into(),
            Self::Token(text) => Source::token(text),
        }
    }

    /// Returns the location.
    ///
    /// # Errors
    /// If it is a token.
    pub(crate) fn location(&self) -> Result<Location<'_>> {
        match self {
            Self::Name(name) => Ok(name.into()),
            Self::File(path) => Ok(path.into()),
            Self::Token(_) => Err(Failure::usage("a token names no file: give the name or the path of the value")),
        }
    }

    /// Describes the segment, and leaves it as it is.
    ///
    /// # Errors
    /// If it is a token, or the file cannot be read: then the owner of the file is named.
    pub(crate) fn inspect(&self) -> Result<Report> {
        inspect(self.location()?).map_err(|error| match &error {
            Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                let facts = self.path().and_then(|path| fs::symlink_metadata(path).ok());
                let owner = facts.map_or_else(String::new, |facts| {
                    let (user, mode) = (facts.uid(), facts.mode() & 0o777);
                    format!("it belongs to user {user} and has mode {mode:o}: run the command as that user, or as root")
                });
                Failure::from(error).and(&owner)
            }
            _ => error.into(),
        })
    }

    /// Returns the path of the file, if that is known.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Name(name) => Some(Path::new(NAMED).join(name)),
            Self::File(path) => Some(path.clone()),
            Self::Token(_) => None,
        }
    }

    /// Returns whether a file of any kind but a directory lies there.
    fn exists(&self) -> bool {
        self.path().is_some_and(|path| fs::symlink_metadata(path).is_ok_and(|facts| !facts.is_dir()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Token(text) => formatter.write_str(text),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// Splits an argument into a place and a path: the place is the longest part that exists, because names may contain dots.
pub(crate) fn split(argument: &str) -> Result<Target> {
    let whole = Place::of(argument);
    if matches!(whole, Place::Token(_)) || whole.exists() {
        return Ok(Target { place: whole, steps: Vec::new() });
    }
    for (end, _) in argument.rmatch_indices(['.', '[']) {
        let place = Place::of(&argument[..end]);
        if end > 0 && place.exists() {
            return Ok(Target { place, steps: parse_path(&argument[end..])? });
        }
    }
    let message = format!("no shared value `{argument}` exists: `shared-value list` shows the names");
    Err(Failure::not_found(message))
}

/// Returns the targets of an argument whose name may be a pattern.
pub(crate) fn resolve(argument: &str) -> Result<Vec<Target>> {
    let failure = match split(argument) {
        Ok(target) => return Ok(vec![target]),
        Err(failure) => failure,
    };
    let name = argument.split('[').next().unwrap_or_default();
    if !is_glob(name) || name.contains('/') {
        return Err(failure);
    }
    let steps = parse_path(&argument[name.len()..])?;
    let targets: Vec<_> = matching_names(name)?
        .into_iter()
        .map(|name| Target { place: Place::Name(name), steps: steps.clone() })
        .collect();
    if targets.is_empty() { Err(failure) } else { Ok(targets) }
}

/// Returns the names of segments that match a pattern.
pub(crate) fn matching_names(pattern: &str) -> Result<Vec<String>> {
    let matcher = glob(pattern)?;
    let is_match = |name: &str| matcher.as_ref().map_or(name == pattern, |matcher| matcher.is_match(name));
    let names = shared_value::names()?;
    Ok(names.iter().map(|found| found.name().to_owned()).filter(|name| is_match(name)).collect())
}
