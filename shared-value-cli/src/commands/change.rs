//! `set`, `compare-and-set` and `add`: changes, each as one commit.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use shared_value::{Arena, DynData, DynGuard, DynLayout, DynValue, Error};

use crate::failure::{Code, Failure, Result};
use crate::output::{Output, escaped};
use crate::target::{
    Brackets, Locking, Place, Step, Target, Writable, in_arena, open_writable, parse_path, parts, refuse_inside, shown,
    split,
};
use crate::value::{bare, parse_assignment, parse_data};

/// Change parts of a value, all in one commit
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The value: `account`, `bank[alice]`, or a whole arena: `bank`
    name: String,
    /// `PATH=VALUE`, as in `balance=5`, `limits[2]=7`, `owner=Ann`; `=VALUE` for the whole value; for an arena
    /// `[alice].balance=5`. JSON gives structs and arrays
    #[arg(required = true)]
    assignments: Vec<String>,
    /// Change nothing, and exit with code 1, unless this part has this value: it is compared under the lock
    #[arg(long = "if", value_name = "PATH=VALUE")]
    conditions: Vec<String>,
    #[command(flatten)]
    lock: LockArguments,
}

/// Replace one part if it has an expected value; otherwise print what it has, and exit with code 1
#[derive(Debug, Args)]
pub(crate) struct CompareAndSet {
    /// The value
    name: String,
    /// The part
    path: String,
    /// The value that it must have
    expected: String,
    /// The value that it gets
    new: String,
    #[command(flatten)]
    lock: LockArguments,
}

/// Add to a number, and print the sum
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The value
    name: String,
    /// The part: an integer or a float. An atomic field is changed without the lock
    path: String,
    /// How much to add
    #[arg(allow_hyphen_values = true)]
    number: String,
    #[command(flatten)]
    lock: LockArguments,
}

/// How to take the lock.
#[derive(Debug, Args)]
pub(crate) struct LockArguments {
    /// Give up after this many seconds, and exit with code 5. Without it, wait for the lock as long as it takes
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Take the lock even if it is a pthread mutex: the C library trusts all processes that may write to the value
    #[arg(long)]
    pub(crate) pthread: bool,
}

/// Reads a number of seconds.
pub(crate) fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "expected a number of seconds, such as 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl LockArguments {
    pub(crate) fn locking(&self) -> Locking {
        Locking { timeout: self.timeout, takes_mutexes: self.pthread }
    }
}

/// A part of a value, and data for it.
struct Assignment {
    path: String,
    data: DynData,
}

pub(crate) fn set(Set { name, assignments, conditions, lock }: &Set) -> Result<()> {
    let target = split(name)?;
    let locking = lock.locking();
    let split_all = |texts: &[String]| -> Result<Vec<Part>> {
        let split_one = |text: &String| {
            let (path, value) = parse_assignment(text)?;
            Ok((parse_path(path)?, value.to_owned()))
        };
        texts.iter().map(split_one).collect()
    };
    let (changes, conditions) = (split_all(assignments)?, split_all(conditions)?);
    match open(&target, &locking)? {
        Opened::Value(value, prefix) => {
            let changes = assignments_of(value.layout(), &prefix, &changes)?;
            let conditions = assignments_of(value.layout(), &prefix, &conditions)?;
            change(&value, name, &locking, &conditions, &changes).map(drop)
        }
        Opened::Arena(arena) => set_in_arena(&arena, name, &locking, &conditions, &changes),
    }
}

/// Sets one part, and gives up after a time.
pub(crate) fn set_one(name: &str, path: &str, text: &str, timeout: Duration) -> Result<()> {
    let locking = Locking { timeout: Some(timeout), takes_mutexes: false };
    let (value, path) = one_part(name, path, &locking)?;
    let data = parse_data(value.layout().part(&path)?.layout(), text);
    change(&value, name, &locking, &[], &[Assignment { path, data }])
}

/// A path, and text for the part that it names.
type Part = (Vec<Step>, String);

/// The target of a change.
enum Opened {
    /// A value, and the steps to a part of it.
    Value(Writable, Vec<Step>),
    Arena(Arena),
}

fn open(target: &Target, locking: &Locking) -> Result<Opened> {
    let Target { place, steps } = target;
    let is_arena = match place {
        Place::Token(_) => false,
        _ => shared_value::inspect(place.location()?)?.is_arena(),
    };
    if !is_arena {
        return Ok(Opened::Value(open_writable(place, None, locking)?, steps.clone()));
    }
    match steps.split_first() {
        None => Ok(Opened::Arena(Arena::open(place.source())?)),
        Some((step, steps)) => {
            let entry = entry_of(step)?;
            Ok(Opened::Value(open_writable(place, Some(&entry), locking)?, steps.to_vec()))
        }
    }
}

/// Returns the key of a value in an arena.
pub(crate) fn entry_of(step: &Step) -> Result<Brackets> {
    match step {
        Step::Brackets(brackets) if !step.is_pattern() => Ok(brackets.clone()),
        _ => Err(Failure::usage("name one value of the arena by its key, as in `bank[alice]`")),
    }
}

impl Writable {
    fn layout(&self) -> &DynLayout {
        match self {
            Self::Locked(value) => value.layout(),
            Self::Unlocked(value) => value.layout(),
        }
    }
}

/// Reads data for the parts that paths name.
fn assignments_of(layout: &DynLayout, prefix: &[Step], texts: &[Part]) -> Result<Vec<Assignment>> {
    let mut found = Vec::new();
    for (steps, text) in texts {
        let steps: Vec<_> = prefix.iter().chain(steps).cloned().collect();
        for path in parts(layout, &steps)? {
            let data = parse_data(layout.part(&path)?.layout(), text);
            found.push(Assignment { path, data });
        }
    }
    Ok(found)
}

/// Makes all changes in one commit, if all conditions hold.
///
/// # Errors
/// `No` if a condition does not hold. Then nothing was changed.
fn change(
    value: &Writable,
    label: &str,
    locking: &Locking,
    conditions: &[Assignment],
    changes: &[Assignment],
) -> Result<()> {
    match value {
        Writable::Unlocked(value) => {
            for Assignment { path, data } in conditions {
                hold_true(&value.get(path)?, value.layout(), path, data)?;
            }
            for Assignment { path, data } in changes {
                value.set(path, data.clone())?;
            }
            Ok(())
        }
        Writable::Locked(value) => {
            let guard = locking.hold(label, value)?;
            let result = change_held(&guard, conditions, changes);
            if result.is_err() {
                guard.rollback();
            }
            result
        }
    }
}

fn change_held(guard: &DynGuard<'_>, conditions: &[Assignment], changes: &[Assignment]) -> Result<()> {
    for Assignment { path, data } in conditions {
        hold_true(&guard.get(path)?, guard.layout(), path, data)?;
    }
    // Atomic fields cannot be rolled back, so all data must be known to fit before the first change.
    for Assignment { path, data } in changes {
        guard.layout().part(path)?.layout().encode(data).map_err(|error| named(error, path))?;
    }
    for Assignment { path, data } in changes {
        guard.set(path, data.clone())?;
    }
    Ok(())
}

/// Makes the field in an error the path in the value.
fn named(error: Error, path: &str) -> Failure {
    match error {
        Error::WrongData { expected, found, .. } if !path.is_empty() => {
            Error::WrongData { field: path.to_owned(), expected, found }.into()
        }
        other => other.into(),
    }
}

/// Checks that a part has an expected value.
fn hold_true(found: &DynData, layout: &DynLayout, path: &str, expected: &DynData) -> Result<()> {
    let layout = layout.part(path)?.layout().clone();
    let expected = layout.decode(&layout.encode(expected).map_err(|error| named(error, path))?)?;
    if *found == expected {
        return Ok(());
    }
    let part = if path.is_empty() { "the value" } else { path };
    let message = format!("`{part}` is {}, not {}: nothing was changed", bare(found), bare(&expected));
    Err(Failure::new(Code::No, message))
}

/// Changes several values of an arena, all in one commit.
fn set_in_arena(arena: &Arena, name: &str, locking: &Locking, conditions: &[Part], changes: &[Part]) -> Result<()> {
    if locking.timeout.is_some() {
        return Err(Failure::usage("`--timeout` is for a single value: a transaction of an arena waits"));
    }
    let mut values: BTreeMap<String, (DynValue, Vec<Part>, Vec<Part>)> = BTreeMap::new();
    let all = conditions.iter().map(|one| (true, one)).chain(changes.iter().map(|one| (false, one)));
    for (is_condition, (steps, text)) in all {
        let (step, rest) = steps
            .split_first()
            .ok_or_else(|| Failure::usage(format!("`{name}` is an arena: name a value, as in `[key].field=VALUE`")))?;
        let entry = entry_of(step)?;
        let key = shown(&entry);
        if !values.contains_key(&key) {
            values.insert(key.clone(), (in_arena(arena, &entry)?, Vec::new(), Vec::new()));
        }
        if let Some((_, conditions, changes)) = values.get_mut(&key) {
            let part = (rest.to_vec(), text.clone());
            if is_condition { conditions.push(part) } else { changes.push(part) }
        }
    }
    for (value, ..) in values.values() {
        refuse_inside(name, value.lock_state())?;
    }
    let read = |value: &DynValue, parts: &[Part]| assignments_of(value.layout(), &[], parts);
    let mut all = Vec::new();
    for (value, conditions, changes) in values.values() {
        all.push((value, read(value, conditions)?, read(value, changes)?));
    }
    arena.try_transaction(|tx| {
        let mut guards = Vec::new();
        for (value, ..) in &all {
            guards.push(tx.lock(value)?);
        }
        for (guard, (_, conditions, _)) in guards.iter().zip(&all) {
            for Assignment { path, data } in conditions {
                hold_true(&guard.get(path).map_err(Stop::Error)?, guard.layout(), path, data)?;
            }
        }
        for (guard, (_, _, changes)) in guards.iter().zip(&all) {
            change_held(guard, &[], changes)?;
        }
        Ok::<_, Stop>(())
    })?;
    Ok(())
}

/// Why a transaction ends. The library must see its own errors, because one of them makes it begin again.
enum Stop {
    Error(Error),
    Failure(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Error(error) => error.into(),
            Stop::Failure(failure) => failure,
        }
    }
}

pub(crate) fn compare_and_set(arguments: &CompareAndSet, output: &mut Output) -> Result<()> {
    let CompareAndSet { name, path, expected, new, lock } = arguments;
    let (value, path) = one_part(name, path, &lock.locking())?;
    let layout = value.layout().part(&path)?;
    let [expected, new] = [expected, new].map(|text| parse_data(layout.layout(), text));
    let kind = layout.layout().clone();
    let expected = kind.decode(&kind.encode(&expected).map_err(|error| named(error, &path))?)?;
    kind.encode(&new).map_err(|error| named(error, &path))?;
    let swap = |data: &mut DynData| {
        if *data == expected {
            *data = new.clone();
            return None;
        }
        Some(data.clone())
    };
    match update(&value, name, &path, &lock.locking(), swap)? {
        None => Ok(()),
        Some(found) => {
            output.line(&escaped(&bare(&found)))?;
            Err(Failure::no())
        }
    }
}

pub(crate) fn add(Add { name, path, number, lock }: &Add, output: &mut Output) -> Result<()> {
    let (value, path) = one_part(name, path, &lock.locking())?;
    let mut sum = Err(Failure::usage(format!("`{number}` is no number")));
    update(&value, name, &path, &lock.locking(), |data| {
        sum = sum_of(data, number, &path).inspect(|sum| *data = sum.clone());
    })?;
    output.line(&bare(&sum?))
}

/// Returns the sum of a number and a number as text.
fn sum_of(data: &DynData, number: &str, path: &str) -> Result<DynData> {
    let invalid = || Failure::usage(format!("`{number}` is no number that can be added to `{path}`"));
    let overflow =
        || Failure::unfit(format!("the sum of `{path}`, which is {}, and {number} does not fit", bare(data)));
    match data {
        DynData::Newtype { name, inner } => {
            let inner = Box::new(sum_of(inner, number, path)?);
            Ok(DynData::Newtype { name: name.clone(), inner })
        }
        DynData::Signed(value) => {
            let number: i128 = number.parse().map_err(|_| invalid())?;
            let sum = i128::from(*value).checked_add(number).and_then(|sum| i64::try_from(sum).ok());
            sum.map(DynData::Signed).ok_or_else(overflow)
        }
        DynData::Unsigned(value) => {
            let number: i128 = number.parse().map_err(|_| invalid())?;
            let sum = i128::from(*value).checked_add(number).and_then(|sum| u64::try_from(sum).ok());
            sum.map(DynData::Unsigned).ok_or_else(overflow)
        }
        DynData::F32(value) => number.parse().map(|number: f32| DynData::F32(value + number)).map_err(|_| invalid()),
        DynData::F64(value) => number.parse().map(|number: f64| DynData::F64(value + number)).map_err(|_| invalid()),
        _ => Err(Failure::unfit(format!("`{path}` is no number: it is {}", bare(data)))),
    }
}

/// Opens a value for writing, and returns the path of one part of it.
fn one_part(name: &str, path: &str, locking: &Locking) -> Result<(Writable, String)> {
    let mut target = split(name)?;
    target.steps.extend(parse_path(path)?);
    let Opened::Value(value, steps) = open(&target, locking)? else {
        return Err(Failure::usage(format!("`{name}` is an arena: name one of its values, as in `[key].field`")));
    };
    let mut paths = parts(value.layout(), &steps)?;
    match (paths.pop(), paths.is_empty()) {
        (Some(path), true) => Ok((value, path)),
        _ => Err(Failure::usage(format!("`{path}` names several parts"))),
    }
}

/// Lets the closure change one part, and commits if it does.
fn update<R>(
    value: &Writable,
    label: &str,
    path: &str,
    locking: &Locking,
    mut change: impl FnMut(&mut DynData) -> R,
) -> Result<R> {
    match value {
        Writable::Unlocked(value) => Ok(value.update(path, change)?),
        // It is changed by one atomic operation.
        Writable::Locked(value) if value.layout().part(path)?.is_atomic() => Ok(value.update(path, change)?),
        Writable::Locked(value) => {
            let guard = locking.hold(label, value)?;
            let mut data = guard.get(path)?;
            let before = data.clone();
            let result = change(&mut data);
            // An unchanged value needs no commit.
            if data != before {
                guard.set(path, data).map_err(|error| named(error, path)).inspect_err(|_| guard.rollback())?;
            }
            Ok(result)
        }
    }
}
