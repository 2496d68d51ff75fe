//! `doctor`: the facts of a segment, the faults that were found, and what to do.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use shared_value::{Arena, Dyn, DynLayout, DynValue, LockOwner, LockState, Report, inspect};

use crate::commands::change::seconds;
use crate::commands::create::parse_layout;
use crate::failure::{Failure, Result};
use crate::output::{Ink, Output, escaped};
use crate::process::Users;
use crate::survey::{Entry, Kind, Owner};
use crate::target::{Brackets, Place, find_lock_object, shown, split};
use crate::value::differences;

/// Say what is wrong with a value, and what to do
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The name of a value, an arena or a lock, or a path with `/`
    name: String,
    /// The type that a program expects: a type, a typecode, a schema, `@FILE`, `-` or `like:NAME`, as for `create`
    #[arg(long, value_name = "TYPE")]
    expect: Option<String>,
    /// How long to watch the lock
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    watch: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// It cannot be used, or a process is stuck.
    Fault,
    /// It may be as it should be.
    Warning,
    /// For information.
    Note,
}

/// Something that was found, and what to do about it.
#[derive(Debug, Serialize)]
struct Finding {
    severity: Severity,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<String>,
}

/// The lock, as it was seen for a while.
#[derive(Debug, Serialize)]
struct Watched {
    /// How often it was looked at.
    looks: usize,
    /// At how many of these looks the owner that was seen last held it.
    held: usize,
    seconds: f64,
    /// Commits of the value meanwhile.
    commits: u64,
    owner: Option<Owner>,
}

/// The whole answer, for JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    identity: Option<String>,
    schema: &'a str,
    watched: &'a Option<Watched>,
    hidden_processes: usize,
    findings: &'a [Finding],
}

pub(crate) fn run(Doctor { name, expect, watch, json }: &Doctor, output: &mut Output) -> Result<()> {
    let target = split(name)?;
    if !target.steps.is_empty() {
        return Err(Failure::usage(format!("`doctor` looks at whole segments: `{}`", target.place)));
    }
    let place = target.place;
    let users = Users::look();
    let report = inspect(place.location()?)?;
    let entry = Entry::of(&place, &report, &users);
    let mut findings = Findings(Vec::new());
    let watched = if report.fault().is_none() {
        findings.value(&place, &entry, &report);
        if let Some(expected) = expect {
            findings.layout(&parse_layout(expected)?, &report);
        }
        findings.lock(&place, &entry, *watch)?
    } else {
        findings.fault(&place, &report);
        None
    };
    findings.users(&place, &entry, &report, users.hidden);
    let Findings(findings) = findings;
    let identity = report.identity().map(|identity| format!("{identity:032x}"));
    if *json {
        let schema = report.schema();
        let hidden_processes = users.hidden;
        output.json(&Answer {
            entry: &entry,
            identity,
            schema,
            watched: &watched,
            hidden_processes,
            findings: &findings,
        })?;
    } else {
        print(&place, &entry, identity.as_deref(), watched.as_ref(), &findings, output)?;
    }
    let is_fine = findings.iter().all(|finding| finding.severity == Severity::Note);
    if is_fine { Ok(()) } else { output.flush().and(Err(Failure::no())) }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, severity: Severity, text: impl Into<String>, cure: Option<String>) {
        self.0.push(Finding { severity, text: text.into(), cure });
    }

    /// Explains why a segment cannot be opened.
    fn fault(&mut self, place: &Place, report: &Report) {
        let Some(fault) = report.fault() else { return };
        let is_format = fault.to_string().contains("format version");
        let cure = match report.format() {
            None => {
                format!("it is no segment of this library: leave it, or remove it by `rm {}`", shell(&path_of(place)))
            }
            Some(_) if is_format => format!(
                "use the version of the library that made it, or remove it by `shared-value rm --force {0}`, and let its \
                 program create it again",
                shell(&place.to_string())
            ),
            Some(_) => format!(
                "its header is damaged, by a program that writes to the file without this library, or by a copy that was cut \
                 off: remove it by `shared-value rm --force {}`, and let its program create it again",
                shell(&place.to_string())
            ),
        };
        self.add(Severity::Fault, fault.to_string(), Some(cure));
    }

    /// Opens the value for reading, as a program would.
    fn value(&mut self, place: &Place, entry: &Entry, report: &Report) {
        if let Err(error) = DynLayout::parse(report.schema()) {
            let cure = "a program without this library has written the schema: create the value again";
            self.add(Severity::Fault, error.to_string(), Some(cure.to_owned()));
            return;
        }
        if report.is_retired() {
            let cure = "restart the programs that have it open: they work on a value that no other program finds";
            self.add(
                Severity::Warning,
                "it is retired: its name was unlinked, or leads to its successor",
                Some(cure.to_owned()),
            );
        }
        if report.is_unvouched() {
            let text = "a process takes locks here although nothing vouches for it (it has no `/proc`, no descriptor left, or no \
                        permission): if an owner vanishes unnoticed, its lock stays held";
            let cure = "end all programs that have it open: the first one that opens it again clears this";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
        }
        if entry.recoveries.is_some_and(|count| count > 0) {
            let text = format!(
                "owners died with the lock {}: the last committed value stayed",
                times(entry.recoveries.unwrap_or(0))
            );
            self.add(Severity::Note, text, None);
        }
        if entry.kind == Kind::Arena {
            self.arena(place);
            return;
        }
        match DynValue::open_read_only(place.source()) {
            Ok(value) => {
                if let Err(error @ shared_value::Error::InvalidBits { .. }) = value.load() {
                    let cure = "a program without this library has written to the value: set this part to a valid value, as by \
                                `shared-value set`";
                    self.add(Severity::Fault, error.to_string(), Some(cure.to_owned()));
                }
            }
            Err(error) => self.add(Severity::Fault, error.to_string(), None),
        }
    }

    fn arena(&mut self, place: &Place) {
        const SHOWN: usize = 10;
        let arena = match Arena::open_read_only(place.source()) {
            Ok(arena) => arena,
            Err(error) => return self.add(Severity::Fault, error.to_string(), None),
        };
        if arena.used() >= arena.capacity() / 10 * 9 {
            let text = format!("{} of {} bytes are taken", arena.used(), arena.capacity());
            let cure = "end all programs that have it open, and open it again: that frees the space of removed values. If that is \
                        not enough, create it with a larger capacity";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
        }
        let mut held = 0;
        for entry in arena.iter() {
            let Ok(Some(value)) = arena.get(entry.id::<Dyn>()) else { continue };
            let LockState::Held { thread_id } = value.lock_state() else { continue };
            held += 1;
            if held <= SHOWN {
                let key = entry.key().map_or_else(
                    || Brackets::Id(entry.id::<Dyn>().to_bits().get()),
                    |key| Brackets::Key(key.to_owned()),
                );
                let owner = Owner::of_thread(thread_id);
                let severity = if owner.stopped { Severity::Fault } else { Severity::Note };
                let cure = owner.stopped.then(|| format!("let it go on: `kill -CONT {}`", owner.process.unwrap_or(0)));
                self.add(
                    severity,
                    format!("the lock of `{place}[{}]` is held by {}", shown(&key), owner.short()),
                    cure,
                );
            }
        }
        if held > SHOWN {
            self.add(Severity::Note, format!("the locks of {} more values are held", held - SHOWN), None);
        }
    }

    /// Compares the layout with an expected one, field by field.
    fn layout(&mut self, expected: &DynLayout, report: &Report) {
        let Ok(found) = DynLayout::parse(report.schema()) else { return };
        for difference in differences(expected, &found) {
            let cure = "build both programs from one definition of the type, or create the value again";
            self.add(Severity::Fault, difference, Some(cure.to_owned()));
        }
    }

    /// Watches the lock for a while.
    fn lock(&mut self, place: &Place, entry: &Entry, time: Duration) -> Result<Option<Watched>> {
        let Some(lock) = &entry.lock else { return Ok(None) };
        if lock.kind == "none" {
            self.add(Severity::Note, "the value has no lock: nothing keeps several parts together", None);
            return Ok(None);
        }
        let mut locked = place.clone();
        if let Some(identity) = lock.object.as_deref().filter(|_| lock.kind == "object") {
            let Some(object) = find_lock_object(u64::from_str_radix(identity, 16).unwrap_or_default())? else {
                let text =
                    format!("lock object {identity} guards it, which has no name here: its owner cannot be seen");
                let cure = "ask the program that made it; the owner is a thread of a process that has the value open";
                self.add(Severity::Warning, text, Some(cure.to_owned()));
                return Ok(None);
            };
            locked = object;
        }
        let watched = watch(place, &locked, time)?;
        if locked != *place {
            self.add(Severity::Note, format!("the lock object `{locked}` guards it"), None);
        }
        if let Some(owner) = &watched.owner {
            self.owner(owner, &watched, entry);
        } else if lock.owner_died {
            self.add(Severity::Note, "the last owner of the lock died; the next one takes over", None);
        }
        Ok(Some(watched))
    }

    fn owner(&mut self, owner: &Owner, watched: &Watched, entry: &Entry) {
        let is_held_long = watched.held == watched.looks && watched.looks > 1;
        let Some(process) = owner.process else {
            let text = format!("thread {} holds the lock, and `/proc` does not show it", owner.thread);
            let cure = "it lives in another PID namespace (look there), or is gone: then a thread that waits for the lock takes it \
                        over after a second, unless the segment has unvouched users";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
            return;
        };
        let is_user = entry.users.is_empty()
            || entry.users.iter().any(|user| user.process == process)
            || entry.lock.as_ref().is_some_and(|lock| lock.kind == "object");
        if !is_user {
            let text = format!(
                "thread {} holds the lock, but process {process} of that id does not have the value open",
                owner.thread
            );
            let cure = "the owner lives in another PID namespace: look for it there";
            self.add(Severity::Warning, text, Some(cure.to_owned()));
            return;
        }
        if owner.stopped {
            let text = format!("{} holds the lock, and is stopped", owner.short());
            let cure = format!(
                "let it go on: `kill -CONT {process}`; or end it: `kill -KILL {process}` frees the lock, and the last committed \
                 value stays"
            );
            self.add(Severity::Fault, text, Some(cure));
        } else if is_held_long && watched.commits == 0 {
            let text = format!(
                "{} held the lock at each of {} looks in {:.1} s, and committed nothing",
                owner.short(),
                watched.looks,
                watched.seconds
            );
            let cure = format!(
                "if it should not take so long, see what it does: `cat /proc/{process}/task/{}/wchan`, or a debugger. \
                 `kill -KILL {process}` frees the lock, and the last committed value stays",
                owner.thread
            );
            self.add(Severity::Warning, text, Some(cure));
        }
    }

    fn users(&mut self, place: &Place, entry: &Entry, report: &Report, hidden: usize) {
        if report.is_being_opened() && entry.users.iter().any(|user| user.stopped) {
            let text = "a process is stopped while it opens the segment: others cannot open it";
            self.add(Severity::Fault, text, Some("let it go on: `kill -CONT` its process".to_owned()));
        }
        if report.fault().is_none() && !entry.in_use && !entry.read {
            let cure = format!("if it is not needed any more: `shared-value rm {}`", shell(&place.to_string()));
            self.add(Severity::Note, "no process has it open", Some(cure));
        }
        if hidden > 0 {
            let text = format!("processes that this user may not look into ({hidden}) may have it open too");
            self.add(Severity::Note, text, Some("run `doctor` as a user that may trace them, such as root".to_owned()));
        }
    }
}

/// Looks at a lock again and again.
fn watch(place: &Place, locked: &Place, time: Duration) -> Result<Watched> {
    const PAUSE: Duration = Duration::from_millis(20);
    let start = Instant::now();
    let version = inspect(place.location()?)?.version().unwrap_or(0);
    let mut looks = 0;
    let mut owners: Vec<Option<LockOwner>> = Vec::new();
    loop {
        owners.push(inspect(locked.location()?)?.owner());
        looks += 1;
        if start.elapsed() >= time {
            break;
        }
        thread::sleep(PAUSE.min(time.saturating_sub(start.elapsed())));
    }
    let last = owners.last().copied().flatten();
    let held = owners.iter().filter(|owner| owner.is_some() && **owner == last).count();
    let commits = inspect(place.location()?)?.version().unwrap_or(0).saturating_sub(version);
    Ok(Watched { looks, held, seconds: start.elapsed().as_secs_f64(), commits, owner: last.map(Owner::of) })
}

fn print(
    place: &Place,
    entry: &Entry,
    identity: Option<&str>,
    watched: Option<&Watched>,
    findings: &[Finding],
    output: &mut Output,
) -> Result<()> {
    let name = output.ink(Ink::Name, &place.to_string());
    let kind = match entry.kind {
        Kind::Arena => format!("Arena of {} values, version {}", entry.values.unwrap_or(0), entry.version.unwrap_or(0)),
        Kind::Unusable => "unusable".to_owned(),
        _ => format!("{}, {} bytes, version {}", entry.type_name, entry.size.unwrap_or(0), entry.version.unwrap_or(0)),
    };
    output.line(&format!("{name}: {}", escaped(&kind)))?;
    let format = entry.format.map_or_else(|| "none".to_owned(), |format| format.to_string());
    let mut facts = vec![("file", format!("{}, {} bytes, format {format}", path_of(place), entry.length))];
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
        let waiters = if lock.waiters { "; threads may be waiting" } else { "" };
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

fn path_of(place: &Place) -> String {
    place.path().map_or_else(|| place.to_string(), |path| path.display().to_string())
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Returns a word as a shell reads it.
fn shell(word: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "._-/+:@%".contains(one);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
