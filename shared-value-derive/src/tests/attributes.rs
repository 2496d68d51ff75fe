//! Words in `#[shared(..)]`.

use super::problems;

fn on_field(words: &str) -> Vec<String> {
    problems(&format!("#[repr(C)] struct S {{\n#[shared({words})] x: u64 }}"))
}

fn on_type(words: &str) -> Vec<String> {
    problems(&format!("#[shared({words})]\n#[repr(C)] struct S {{ x: u64 }}"))
}

/// Without this, a misspelled word would be ignored, or refused without a hint.
#[test]
fn unknown_words() {
    let meant = "is unknown to `#[shared(..)]`: did you mean";
    for (word, name) in [("atomik", "atomic"), ("Pod", "pod"), ("typecodes", "typecode")] {
        assert_eq!(on_field(word), [format!("2:9 `{word}` {meant} `{name}`?")]);
    }
    assert_eq!(
        on_field("compressed"),
        ["2:9 `compressed` is unknown to `#[shared(..)]`, which takes `atomic`, `counter`, `pod`, `typecode` here"]
    );
    assert_eq!(on_type("fingerprints = \"0x0\""), [format!("1:9 `fingerprints` {meant} `fingerprint`?")]);
    assert_eq!(on_field("a::b").len(), 1);
}

/// Without this, the message would say that a word does not exist although it does.
#[test]
fn words_in_the_wrong_place() {
    assert_eq!(on_field("size = 8"), ["2:9 `size` belongs to the type: write it above the type"]);
    assert_eq!(on_type("atomic"), ["1:9 `atomic` belongs to a field: write it above the field"]);
}

/// Without this, the last of two contradictory words would win silently.
#[test]
fn repeated_words() {
    assert_eq!(on_field("atomic, atomic"), ["2:17 `atomic` is written twice: remove one"]);
    assert_eq!(on_field("pod)] #[shared(pod"), ["2:24 `pod` is written twice: remove one"]);
    assert_eq!(
        on_field("atomic, pod"),
        ["2:17 `pod` is for foreign types and `atomic` for numbers and `bool`: remove one of them"]
    );
}

/// Without this, an error would end the search for others in the same attribute.
#[test]
fn every_word_is_checked() {
    let columns = on_field("atomik, size = 8, pod = 1, typecode(x), layout")
        .iter()
        .map(|problem| problem.split_once(' ').unwrap().0.to_owned())
        .collect::<Vec<_>>();
    assert_eq!(columns, ["2:9", "2:17", "2:31", "2:36", "2:49"]);
}

/// Without this, a value of the wrong kind would be reported by the parser, in terms that do not help the user.
#[test]
fn values() {
    assert_eq!(on_field("atomic = true"), ["2:16 `atomic` takes no value: write `#[shared(atomic)]`"]);
    assert_eq!(on_field("pod(x)"), ["2:12 `pod` takes no value: write `#[shared(pod)]`"]);
    assert_eq!(on_field("pod, typecode"), ["2:14 a value is missing: write `typecode = \"(3)<f\"`"]);
    assert_eq!(on_field("pod, typecode = name"), ["2:25 expected a literal: write `typecode = \"(3)<f\"`"]);
    assert_eq!(on_type("size = \"8\""), ["1:16 expected a number of bytes: write `size = 8`"]);
    assert_eq!(on_type("size = 8u32").len(), 1);
    assert_eq!(on_type("size = -8").len(), 1);
    assert_eq!(on_type("layout = 3"), ["1:18 expected a string: write `layout = \"T{<q:balance:}\"`"]);
    assert_eq!(
        on_type("crate = \"not a path\""),
        ["1:17 expected the path of the `shared_value` crate, such as `\"::shared_value\"`"]
    );
    assert_eq!(on_type("size = 8, crate = \"a::b\", layout = \"\""), [""; 0]);
}

/// Without this, a fingerprint that was copied wrongly would pin nothing or panic the macro.
#[test]
fn fingerprints() {
    let message = "expected 64 bits in hexadecimal: write `fingerprint = \"0x0123456789abcdef\"`";
    for text in ["", "0x", "ff", "0x+f", "0xg", "0x1_0000_0000_0000_0000"] {
        assert_eq!(on_type(&format!("fingerprint = \"{text}\"")), [format!("1:23 {message}")]);
    }
    for text in ["0x0", "0xffff_ffff_ffff_ffff", "0xABC"] {
        assert_eq!(on_type(&format!("fingerprint = \"{text}\"")), [""; 0]);
    }
}

/// Without this, a typecode would be ignored if the library knows the type better than its user.
#[test]
fn typecodes() {
    assert_eq!(on_field("pod, typecode = \"(3)<f\""), [""; 0]);
    assert_eq!(
        on_field("typecode = \"<Q\""),
        ["2:20 the typecode of a `SharedValue` is known: remove it, or write `pod` too if the type is a foreign one"]
    );
    assert_eq!(on_field("atomic, typecode = \"<Q\""), ["2:28 the typecode of an atomic field is known: remove it"]);
    assert_eq!(on_field("pod, typecode = 3"), ["2:25 expected a string: write `typecode = \"(3)<f\"`"]);
}

/// Without this, an attribute without parentheses would be ignored.
#[test]
fn parentheses() {
    assert_eq!(
        problems("#[repr(C)] struct S { #[shared] x: u64 }"),
        ["1:22 `#[shared(..)]` needs its words in parentheses: `atomic`, `counter`, `pod`, `typecode`"]
    );
    assert_eq!(problems("#[shared = 3] #[repr(C)] struct S(u64);").len(), 1);
}

/// Without this, a pin would be checked for one of many layouts, or for none.
#[test]
fn pins_on_generic_types() {
    let source = "#[repr(C)] #[shared(\nsize = 8,\nlayout = \"\",\nfingerprint = \"0x0\")]\n";
    let message = |word| format!("a generic type has many layouts: remove `{word}`, or pin a type without parameters");
    for parameters in ["T", "const N: usize"] {
        assert_eq!(
            problems(&format!("{source} struct S<{parameters}>(u64);")),
            [
                format!("3:9 {}", message("layout")),
                format!("4:14 {}", message("fingerprint")),
                format!("2:7 {}", message("size")),
            ]
        );
    }
    assert_eq!(problems(&format!("{source} struct S(u64);")), [""; 0]);
}

#[test]
fn counters() {
    assert_eq!(on_field("counter = 4"), ["2:17 `counter` takes no value: write `#[shared(counter)]`"]);
    assert_eq!(on_field("counter, atomic"), ["2:9 a field is `counter` or `atomic`: remove one of them"]);
    assert_eq!(on_field("counter, pod"), ["2:9 a field is `counter` or `pod`: remove one of them"]);
    assert_eq!(on_field("counter, typecode = \"<Q\""), ["2:29 the typecode of a counter is known: remove it"]);
    let lanes = "expected a number of lanes from 1 to 4096: write `lanes = 16`";
    for (word, column) in [("lanes = 0", 17), ("lanes = 4097", 17), ("lanes = \"4\"", 17)] {
        assert_eq!(on_type(word)[0], format!("1:{column} {lanes}"));
    }
    let alone = "only counters have lanes: write `#[shared(counter)]` above a field, or remove `lanes`";
    assert_eq!(on_type("lanes = 4"), [format!("1:17 {alone}")]);
}
