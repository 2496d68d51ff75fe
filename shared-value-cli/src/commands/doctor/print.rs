//! Prints the answer for people.

use crate::commands::doctor::finding::{Finding, Severity};
use crate::commands::doctor::lock::Watched;
use crate::failure::Result;
use crate::output::{Ink, Output, escaped};
use crate::survey::{Entry, Kind};
use crate::target::Place;

pub(super) fn print(
    file: &str,
    entry: &Entry,
    identity: Option<&str>,
    watched: Option<&Watched>,
    findings: &[Finding],
    output: &mut Output,
) -> Result<()> {
    let name = output.ink(Ink::Name, &entry.name);
    let kind = match entry.kind {
        Kind::Arena => format!("Arena of {} values, version {}", entry.values.unwrap_or(0), entry.version.unwrap_or(0)),
        Kind::Unusable => "unusable".to_owned(),
        _ => {
            let version = entry.version.map_or_else(|| "live".to_owned(), |version| format!("version {version}"));
            format!("{}, {} bytes, {version}", entry.type_name, entry.size.unwrap_or(0))
        }
    };
    output.line(&format!("{name}: {}", escaped(&kind)))?;
    let format = entry.format.map_or_else(|| "none".to_owned(), |format| format.to_string());
    let mut facts = vec![("file", format!("{file}, {} bytes, format {format}", entry.length))];
    facts.extend(identity.map(|identity| ("identity", identity.to_owned())));
    if let Some(lock) = &entry.lock {
        let state = match watched {
            Some(Watched { owner: Some(owner), held, looks, seconds, commits }) => format!(
                "held by {} at {held} of {looks} looks in {seconds:.1} s, {commits} commits meanwhile",
                owner.short()
            ),
            Some(Watched { commits, seconds, .. }) => format!("free, {commits} commits in {seconds:.1} s"),
            None => "not seen".to_owned(),
        };
        let kind = if lock.kind == "itself" { "a lock object" } else { lock.kind };
        let waiters = if lock.waiters == Some(true) { "; threads may be waiting" } else { "" };
        let state = if lock.kind == "none" { String::new() } else { format!(", {state}{waiters}") };
        facts.push(("lock", format!("{kind}{state}")));
        facts.push((
            "deaths",
            match entry.recoveries.unwrap_or(0) {
                0 => "no owner died with the lock".to_owned(),
                count => format!("owners died with the lock {}", times(count)),
            },
        ));
    }
    for user in &entry.users {
        let access = if user.writes { "writes" } else { "reads" };
        let stopped = if user.stopped { ", stopped" } else { "" };
        facts.push(("open in", format!("{} ({}), {access}{stopped}", user.process, user.command)));
    }
    for (label, text) in facts {
        output.line(&format!("  {label:9} {}", escaped(&text)))?;
    }
    for Finding { severity, text, cure } in findings {
        let (mark, ink) = match severity {
            Severity::Fault => ("fault", Ink::Bad),
            Severity::Warning => ("warning", Ink::Warning),
            Severity::Note => ("note", Ink::Faint),
        };
        let mark = output.ink(ink, mark);
        output.line(&format!("{mark}: {}", escaped(text)))?;
        if let Some(cure) = cure {
            output.line(&format!("  {}", escaped(cure)))?;
        }
    }
    Ok(())
}

pub(super) fn path_of(place: &Place) -> String {
    place.path().map_or_else(|| place.to_string(), |path| path.display().to_string())
}

pub(super) fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Returns a word as a shell reads it. Characters that are not printed as they are become bytes in the notation of bash and zsh.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "._-/+:@%".contains(one);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if escaped(word) != word {
        let byte = |byte: u8| match byte {
            b'\\' | b'\'' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        format!("$'{}'", word.bytes().map(byte).collect::<String>())
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
