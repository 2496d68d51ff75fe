//! `show` and `get`.

use shared_value::{Arena, Filled, SharedArray, Synchronized};
use shared_value_tests::SegmentName;

use crate::run::{fails, json, ok};
use crate::values::{Account, SynchronizedAccount};

#[test]
fn a_value_is_shown_as_a_tree() {
    let name = SegmentName::new("show-account");
    let value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    value.set_balance(-5).unwrap();
    let expected = format!(
        "{}: Account\n  balance: i64 = -5\n  state: State = Open\n  owner: FixedStr<11> = \"Ann\"\n  limits: [u32; 4] = [10, 20, \
         30, 40]\n  corners: [Point; 2]\n    [0]: Point\n      x: f32 = 0.5\n      y: f32 = 1.5\n    [1]: Point\n      x: f32 = \
         2.5\n      y: f32 = 3.5\n  requests: atomic u64 = 7\n  version 1, {} bytes\n",
        &*name,
        size_of::<Account>()
    );
    assert_eq!(ok(&["show", &name]), expected);
    assert_eq!(ok(&["show", &format!("{}.limits[2]", &*name)]), format!("{}.limits[2]: u32 = 30\n", &*name));
    let shown = json(&["show", "--json", &format!("{}.corners[1]", &*name)]);
    let corner = serde_json::json!([{
        "target": format!("{}.corners[1]", &*name), "type": "Point", "size": 8, "version": 1, "value": {"x": 2.5, "y": 3.5},
    }]);
    assert_eq!(shown, corner);
}

#[test]
fn one_part_is_printed_bare() {
    // A name may contain dots: the longest name that exists counts.
    let name = SegmentName::new("show.get.v1");
    let _value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    for (path, text) in [
        ("balance", "100"),
        ("state", "Open"),
        ("owner", "Ann"),
        ("limits", "[10,20,30,40]"),
        ("corners[0]", "{\"x\":0.5,\"y\":1.5}"),
        ("corners[1].y", "3.5"),
        ("requests", "7"),
    ] {
        assert_eq!(ok(&["get", &name, path]), format!("{text}\n"), "{path}");
        assert_eq!(ok(&["get", &format!("{}.{path}", &*name)]), format!("{text}\n"), "{path}");
    }
    assert_eq!(ok(&["get", "--json", &name, "owner"]), "\"Ann\"\n");
    assert_eq!(ok(&["get", "--raw", &name, "owner"]), "Ann");
    let matches = ok(&["get", &name, "corners[*].x"]);
    assert_eq!(matches, format!("{0}.corners[0].x\t0.5\n{0}.corners[1].x\t2.5\n", &*name));
    assert_eq!(ok(&["get", &name, "limits[1..3]"]).lines().count(), 2);
    assert_eq!(ok(&["get", &name, "l*"]), format!("{}.limits\t[10,20,30,40]\n", &*name));
}

#[test]
fn values_of_an_arena_are_named_by_key() {
    let name = SegmentName::new("show-bank");
    let bank = Arena::create(&name, 1 << 20).unwrap();
    for (key, balance) in [("alice", 1), ("bob", 2), ("a.b]\"", 3), ("al*", 4)] {
        bank.insert(key, Account::new(balance)).unwrap();
    }
    let id = bank.alloc(5_u32).unwrap();
    let get = |path: &str| ok(&["get", &name, path]);
    assert_eq!(get("[alice].balance"), "1\n");
    assert_eq!(get("[\"a.b]\\\"\"].balance"), "3\n");
    assert_eq!(get("[\"al*\"].balance"), "4\n");
    assert_eq!(get(&format!("[#{}]", id.to_bits())), "5\n");
    let matches = get("[al*].balance");
    assert_eq!(matches, format!("{0}[alice].balance\t1\n{0}[\"al*\"].balance\t4\n", &*name));

    let table = ok(&["show", &name]);
    assert!(table.starts_with(&format!("{}: Arena, 5 values", &*name)), "{table}");
    for key in ["alice", "\"a.b]\\\"\"", "\"al*\"", &format!("#{}", id.to_bits())] {
        assert!(table.lines().any(|line| line.starts_with(&format!("{key} "))), "{key}:\n{table}");
    }
    let shown = json(&["show", "--json", &name]);
    assert_eq!((&shown[0]["values"], &shown[0]["entries"][0]["key"]), (&5.into(), &"alice".into()));
    assert_eq!(shown[0]["entries"][4]["id"], id.to_bits().get());
    let shown = json(&["show", "--json", &format!("{}[*].balance", &*name).replace("[*]", "[b*]")]);
    assert_eq!(shown[0]["value"], 2);

    assert!(fails(3, &["get", &name, "[carol].balance"]).contains("no value"));
    assert!(fails(2, &["get", &name, "alice"]).contains("by its key"));
    assert!(fails(2, &["get", &name]).contains("is an arena"));
}

#[test]
fn faults_have_their_codes() {
    let name = SegmentName::new("show-faults");
    let _value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    assert!(fails(3, &["show", "shared-value-tests-no-such-name"]).contains("shared-value list"));
    assert!(fails(3, &["get", &name, "balence"]).contains("no such field, but `balance`"));
    assert!(fails(3, &["get", &name, "limits[4]"]).contains("4 elements"));
    assert!(fails(2, &["get", &name, "limits["]).contains("is not a path"));
    fails(2, &["get"]);
    let other = SegmentName::new("show-no-segment");
    std::fs::write(other.path(), "no segment").unwrap();
    assert!(fails(4, &["show", &other]).contains("is not a usable segment"));
}

/// A value of a gigabyte must be shown too, in part.
#[test]
fn long_arrays_are_shortened() {
    let name = SegmentName::new("show-long");
    let _value = SharedArray::create(&name, Filled(0.5_f64, 1000)).unwrap();
    assert!(ok(&["show", &name]).contains("0.5, .. 968 more]"));
    assert!(!ok(&["show", "--all", &name]).contains("more"));
    // More than can be read at once.
    let huge = SegmentName::new("show-huge");
    let _huge = SharedArray::create(&huge, Filled(7_u8, 5_000_000)).unwrap();
    let sevens = ["7"; 32].join(", ");
    let start = format!("{}: [u8; 5000000] = [{sevens}, .. 4999968 more]\n", &*huge);
    assert_eq!(ok(&["show", &huge]), format!("{start}  never changed, 5000000 bytes\n"));
    assert!(fails(4, &["show", "--all", &huge]).contains("parts of the value"));
    assert_eq!(ok(&["get", &huge, "[4999999]"]), "7\n");
}

/// Text in a value comes from other processes.
#[test]
fn control_characters_in_values_are_escaped() {
    let name = SegmentName::new("show-escapes");
    let text = shared_value::FixedStr::<16>::new("a\u{1b}[2J\n\u{202e}").unwrap();
    let _value = Synchronized::create(&name, text).unwrap();
    for arguments in [&["show", &name][..], &["get", &name], &["show", "--json", &name], &["get", "--json", &name]] {
        let out = ok(arguments);
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {out:?}");
    }
    assert_eq!(ok(&["get", &name]), "a\\u{1b}[2J\\n\\u{202e}\n");
    assert_eq!(ok(&["get", "--raw", &name]), "a\u{1b}[2J\n\u{202e}");
}
