//! Names that lead nowhere: the error names the cure.

use std::path::Path;

use shared_value::{Arena, DynValue, Error, Lock, RLock, SharedArray, Source, Synchronized, unlink};
use shared_value_tests::SegmentName;

/// The reason why no value can have this name, for each function that takes one.
#[track_caller]
fn reasons(name: &str) -> Vec<&'static str> {
    [
        Synchronized::create(name, 1_u64).map(drop),
        Synchronized::open_or_create(name, 1_u64).map(drop),
        Synchronized::<u64>::open(name).map(drop),
        Synchronized::<u64>::open_read_only(name).map(drop),
        Synchronized::<u64>::open(name.to_owned()).map(drop),
        SharedArray::<u64>::open(name).map(drop),
        DynValue::open(name).map(drop),
        Arena::create(name, 1 << 16).map(drop),
        Arena::open(name).map(drop),
        RLock::create(name).map(drop),
        Lock::open(name).map(drop),
        unlink(name),
    ]
    .into_iter()
    .map(|refused| match refused {
        Err(Error::InvalidName { name: told, reason }) if told == name => reason,
        other => panic!("{other:?}"),
    })
    .collect()
}

/// A path as a string would otherwise become a strange name in `/dev/shm`.
#[test]
fn a_name_with_a_slash_names_the_path() {
    for name in ["a/b", "/tmp/value", "./value", "value/"] {
        for reason in reasons(name) {
            assert_eq!(reason, "it contains `/`: for a file pass a `Path`, as in `Path::new(..)`");
        }
    }
    // The cure works.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");
    let text = path.to_str().unwrap();
    Synchronized::create(Path::new(text), 7_u64).unwrap();
    assert_eq!(Synchronized::<u64>::open(Path::new(text)).unwrap().get(), 7);
}

/// The text of a token would otherwise be looked for as a name, and never be found.
#[test]
fn a_name_with_the_prefix_of_a_token_names_the_token() {
    let name = SegmentName::new("prefix");
    let values = [Synchronized::new(7_u64).unwrap(), Synchronized::create(&name, 7_u64).unwrap()];
    for value in values {
        let text = value.token().unwrap().to_string();
        for reason in reasons(&text) {
            assert_eq!(reason, "it is a token: open it by `Source::token(..)`");
        }
        assert_eq!(Synchronized::<u64>::open(Source::token(text)).unwrap().get(), 7, "the cure works");
    }
    for reason in reasons("shared-value:anything") {
        assert_eq!(reason, "it is a token: open it by `Source::token(..)`");
    }
    // Other names may begin alike.
    let similar = SegmentName::of(format!("shared-value-{}", &*name));
    Synchronized::create(&similar, 1_u64).unwrap();
}
