//! Live values, which have no versions.

use shared_value::{Arena, Filled, Live};
use shared_value_tests::SegmentName;

use crate::run::{json, ok, run};

/// A command that took a live value for one with versions would show words that mean something else, or fail.
#[test]
fn a_live_value_is_shown_as_it_is() {
    let name = SegmentName::new("live");
    let value = Live::<[u16]>::create(&name, &[1, 2, 3]).unwrap();
    value.parts().set_at(1, 20).unwrap();
    let shown = ok(&["show", &name]);
    assert!(shown.contains("[1, 20, 3]"), "{shown}");
    assert!(shown.ends_with("  live: no versions, so parts may be of different moments, 6 bytes\n"), "{shown}");
    assert_eq!(ok(&["get", &name, "[1]"]), "20\n");
    assert_eq!(ok(&["get", &value.token().unwrap().to_string(), "[2]"]), "3\n");
    assert_eq!(json(&["show", "--json", &name])[0]["version"], serde_json::Value::Null);

    let listed = ok(&["list", &name]);
    let row: Vec<_> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..5], [&*name, "[u16]", "6", "-", "native"], "{listed}");
    let listed = json(&["list", "--json", &name]);
    assert_eq!(
        (&listed["values"][0]["kind"], &listed["values"][0]["version"]),
        (&"live".into(), &serde_json::Value::Null)
    );

    std::thread::scope(|scope| scope.spawn(|| value.lock().unwrap().keep()).join().unwrap());
    drop(value.lock().unwrap());
    let told = ok(&["doctor", &name]);
    assert!(told.contains("6 bytes, live") && told.contains("what they had written stayed"), "{told}");
}

/// A change by the command would not be one commit, and nothing could be waited for.
#[test]
fn a_live_value_is_only_read() {
    let name = SegmentName::new("live-read");
    let value = Live::create(&name, [1_u64, 2]).unwrap();
    let (arena_name, label) =
        (SegmentName::new("live-read-arena"), |key: &str, name: &SegmentName| format!("{}[{key}]", &**name));
    let arena = Arena::create(&arena_name, 1 << 20).unwrap();
    let kept = Live::options().insert(&arena, "key", [1_u64, 2]).unwrap();
    let one = label("key", &arena_name);
    for place in [&*name, &*one] {
        let refused = |arguments: &[&str]| {
            let ended = run(arguments);
            assert!(ended.code != 0 && ended.err.contains("is a live value"), "{arguments:?}: {ended:?}");
        };
        refused(&["set", place, "[0]=5"]);
        refused(&["add", place, "[0]", "5"]);
        refused(&["watch", "--count", "1", place]);
        refused(&["wait", "--timeout", "1", place, "[0] == 5"]);
    }
    assert_eq!((value.get(), kept.get()), ([1, 2], [1, 2]));
}

/// Values of both kinds are listed side by side.
#[test]
fn live_values_of_an_arena_are_shown() {
    let name = SegmentName::new("live-arena");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    arena.insert("plain", 7_u64).unwrap().set(8).unwrap();
    let live = Live::<[f64]>::options().insert(&arena, "live", Filled(0.5, 3)).unwrap();
    let lock = Live::<[u8]>::options().non_recursive().alloc(&arena, Vec::new()).unwrap();
    let table = ok(&["show", &name]);
    let row = |start: &str| {
        let found = table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {table}"));
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("live"), "live [f64] 24 live [0.5, 0.5, 0.5]");
    assert_eq!(row("plain"), "plain u64 8 1 8");
    assert_eq!(row(&format!("#{}", lock.id().unwrap().to_bits())).split(' ').nth(3), Some("live"));
    let shown = json(&["show", "--json", &name]);
    let lives: Vec<_> = shown[0]["entries"].as_array().unwrap().iter().map(|entry| entry["live"].clone()).collect();
    assert_eq!(lives, [false, true, true]);
    assert_eq!(ok(&["get", &name, "[live][1]"]), "0.5\n");
    assert!(ok(&["doctor", &format!("{}[live]", &*name)]).contains("24 bytes, live"));
    live.parts().set_at(1, 1.5).unwrap();
    assert_eq!(ok(&["get", &name, "[li*][1]"]).trim_end().split('\t').next_back(), Some("1.5"));
}
