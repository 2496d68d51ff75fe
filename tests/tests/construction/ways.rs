//! Every kind of handle is created and found in every way.

use std::env;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use shared_value::{Arena, DynValue, Error, Location, Lock, RLock, SharedArray, Source, Synchronized, Token, Unlocked};
use shared_value_tests::values::SynchronizedAccount;
use shared_value_tests::{SegmentName, in_time};

use crate::kinds::Kind;

/// The environment entries that tell the child its work.
const KIND: &str = "KIND";
const TOKEN: &str = "TOKEN";
const NAME: &str = "NAME";
const FILE: &str = "FILE";
const PASSED: &str = "PASSED";

/// A way that leads nowhere for one kind of handle would leave its users without that way.
#[test]
fn a_number_is_found_in_every_way() {
    in_time(is_found::<Synchronized<u64>>);
}

/// The handle of a derived struct is another name of the generic one.
#[test]
fn a_struct_is_found_in_every_way() {
    in_time(is_found::<SynchronizedAccount>);
}

/// A value without a lock must not need one to be found.
#[test]
fn a_value_without_a_lock_is_found_in_every_way() {
    in_time(is_found::<Synchronized<u64, Unlocked>>);
}

/// The length of an array comes from its segment, in every way.
#[test]
fn an_array_is_found_in_every_way() {
    in_time(is_found::<SharedArray<u64>>);
}

/// The layout of a dynamic value comes from its segment, in every way.
#[test]
fn a_dynamic_value_is_found_in_every_way() {
    in_time(is_found::<DynValue>);
}

/// An arena is handed over with all of its values.
#[test]
fn an_arena_is_found_in_every_way() {
    in_time(is_found::<Arena>);
}

/// A lock object that is found in one way must be the lock that is found in another.
#[test]
fn locks_are_found_in_every_way() {
    in_time(is_found::<RLock>);
    in_time(is_found::<Lock>);
}

/// Creates one without a name, one under a name and one in a file, and finds each in all ways.
fn is_found<K: Kind>() {
    let name = SegmentName::new("ways");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("value");

    let mut anonymous = Seen::of(K::new().expect("an anonymous one"));
    anonymous.is_found_when_handed_over(&[]);

    let mut named = Seen::of(K::create(Location::from(&name)).expect("a named one"));
    named.finds(&*name);
    let text = name.to_string();
    named.finds(&text);
    named.finds(text);
    named.finds(Location::from(&name));
    named.is_found_when_handed_over(&[(NAME, &name)]);
    named.is_created_once(|| Location::from(&name));

    let mut filed = Seen::of(K::create(Location::from(&path)).expect("one in a file"));
    filed.finds(path.as_path());
    filed.finds(&path);
    filed.finds(path.clone());
    filed.is_found_when_handed_over(&[(FILE, path.to_str().expect("a text"))]);
    filed.is_created_once(|| Location::from(&path));
}

/// A handle, and the number that it must show now.
struct Seen<K> {
    handle: K,
    number: u64,
}

impl<K: Kind> Seen<K> {
    fn of(handle: K) -> Self {
        Self { handle, number: 0 }
    }

    /// Asserts that others have added `more` to the number.
    #[track_caller]
    fn grew_by(&mut self, more: u64, way: &str) {
        self.number += more;
        let number = self.handle.number().expect("the number can be read");
        assert_eq!(number, self.number, "{} {way}", K::NAME);
    }

    /// Asserts that the source leads to this value, for writing and for reading.
    #[track_caller]
    fn finds<'s>(&mut self, source: impl Into<Source<'s>>) {
        let source = source.into();
        let way = format!("by {source}");
        let found = K::open(source.clone()).unwrap_or_else(|error| panic!("{} {way}: {error}", K::NAME));
        found.add().expect("the number can be changed");
        self.grew_by(1, &way);
        let read = K::read(source).unwrap_or_else(|error| panic!("{} read-only {way}: {error}", K::NAME));
        assert!(read.is_none_or(|read| read == self.number), "{} read-only {way}: {read:?}", K::NAME);
    }

    /// By tokens, over a socket, and in a program that inherits the value; the entries tell that program further ways.
    #[track_caller]
    fn is_found_when_handed_over(&mut self, entries: &[(&str, &str)]) {
        let token = self.handle.token().expect("a token");
        self.finds(&token);
        self.finds(token.clone());
        self.finds(Source::token(token.to_string()));
        self.finds(Token::from(token.to_string()));

        let (here, there) = UnixStream::pair().expect("a pair of sockets");
        // Once for the handle that writes, and once for the one that reads.
        self.handle.send_to(&here).expect("it can be sent");
        self.handle.send_to(&here).expect("it can be sent again");
        self.finds(&there);

        let mut command = Command::new(env::current_exe().expect("the path of this program"));
        command.args(["ways::the_child_finds_it_in_every_way", "--exact"]);
        command.env(KIND, K::NAME).env(TOKEN, &token).envs(entries.iter().copied());
        self.handle.pass_to(&mut command, PASSED).expect("it can be passed");
        let child = command.output().expect("the child starts");
        assert!(child.status.success(), "{}: {}", K::NAME, String::from_utf8_lossy(&child.stdout));
        // Inherited twice, by the token, and by each further entry.
        self.grew_by(3 + entries.len() as u64, "by a child");
    }

    /// Asserts that no second value is created where this one is.
    #[track_caller]
    fn is_created_once<'l>(&mut self, location: impl Fn() -> Location<'l>) {
        let refused = K::create(location()).map(drop);
        assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{}: {refused:?}", K::NAME);
        K::open_or_create(location()).expect("it exists").add().expect("the number can be changed");
        self.grew_by(1, "by `open_or_create`");
    }
}

/// The other process of the tests above, which start it. It adds 1 for each way in which it finds the value.
#[test]
fn the_child_finds_it_in_every_way() {
    match &*env::var(KIND).unwrap_or_default() {
        <Synchronized<u64>>::NAME => find_all::<Synchronized<u64>>(),
        SynchronizedAccount::NAME => find_all::<SynchronizedAccount>(),
        <Synchronized<u64, Unlocked>>::NAME => find_all::<Synchronized<u64, Unlocked>>(),
        <SharedArray<u64>>::NAME => find_all::<SharedArray<u64>>(),
        DynValue::NAME => find_all::<DynValue>(),
        Arena::NAME => find_all::<Arena>(),
        RLock::NAME => find_all::<RLock>(),
        Lock::NAME => find_all::<Lock>(),
        // It runs beside the others too, and has no value to find then.
        "" => {}
        kind => panic!("no kind `{kind}`"),
    }
}

fn find_all<K: Kind>() {
    let entry = |name| env::var(name).ok();
    let (name, file) = (entry(NAME), entry(FILE).map(PathBuf::from));
    let inherited = || Source::inherited(PASSED);
    let token = Source::token(entry(TOKEN).expect("the parent passes a token"));
    let others = [name.as_deref().map(Source::from), file.as_deref().map(|path: &Path| Source::from(path))];
    for source in [inherited(), inherited(), token].into_iter().chain(others.into_iter().flatten()) {
        let found = K::open(source.clone()).unwrap_or_else(|error| panic!("{source}: {error}"));
        found.add().expect("the number can be changed");
        let number = found.number().expect("the number can be read");
        let read = K::read(source.clone()).unwrap_or_else(|error| panic!("{source}, read-only: {error}"));
        assert!(read.is_none_or(|read| read == number), "{source}, read-only: {read:?} instead of {number}");
    }
}
