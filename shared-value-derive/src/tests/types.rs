//! Types of fields that cannot be shared, and what their messages propose.

use super::problems;

/// Asserts that `ty` is refused with `message`, as a field and as the element of an array.
#[track_caller]
fn refused(ty: &str, message: &str) {
    let named = format!("#[repr(C)] struct S {{\n    field: {ty},\n}}");
    assert_eq!(problems(&named), [format!("2:11 {message}")]);
    let in_tuple = format!("#[repr(C)] struct S(u8, {ty});");
    assert_eq!(problems(&in_tuple), [format!("1:24 {message}")]);
    let in_array = format!("#[repr(C)] struct S([[{ty}; 2]; 3]);");
    assert_eq!(problems(&in_array), [format!("1:22 {message}")]);
}

#[track_caller]
fn accepted(ty: &str) {
    let source = format!("#[repr(C)] struct S<T, Arc> {{ field: {ty} }}");
    assert_eq!(problems(&source), [""; 0], "{ty}");
}

/// Without this, a text would be shared by its address, which means nothing in another process.
#[test]
fn texts() {
    let cure = "keeps its text in the memory of one process: use `FixedStr<N>`";
    for name in ["String", "PathBuf", "OsString", "CString"] {
        refused(name, &format!("`{name}` {cure}"));
    }
    refused("std::string::String", &format!("`String` {cure}"));
    refused("::alloc::string::String", &format!("`String` {cure}"));
    refused("str", "`str` has no fixed size: use `FixedStr<N>`");
}

/// Without this, elements would be shared by their address.
#[test]
fn collections() {
    let elements = "keeps its elements in the memory of one process: use";
    refused("Vec<u16>", &format!("`Vec` {elements} `[u16; N]`"));
    refused("Vec<Vec<u8>>", &format!("`Vec` {elements} `[T; N]`"));
    refused("VecDeque<T>", &format!("`VecDeque` {elements} `[T; N]`"));
    let entries = "keeps its entries in the memory of one process: use an array of entries";
    for name in ["HashMap", "BTreeMap"] {
        refused(&format!("{name}<u8, u8>"), &format!("`{name}` {entries}"));
    }
    for name in ["HashSet", "BTreeSet"] {
        refused(&format!("{name}<u8>"), &format!("`{name}` {entries}"));
    }
}

/// Without this, a value would be shared by its address, or freed by one process under the others.
#[test]
fn owners() {
    let points = "points into the memory of one process: hold the value itself";
    refused("Box<u8>", &format!("`Box` {points}"));
    refused("Box<dyn Fn()>", &format!("`Box` {points}"));
    let counts = "counts owners in one process: hold the value itself, and clone the handle";
    refused("Rc<u8>", &format!("`Rc` {counts}"));
    refused("std::sync::Arc<u8>", &format!("`Arc` {counts}"));
}

/// Without this, a lock that other processes do not see would seem to guard the value.
#[test]
fn cells_and_locks() {
    let guards = "guards changes in one process: hold the value itself, which is changed under \
                  its lock";
    refused("Cell<u8>", &format!("`Cell` {guards}"));
    refused("core::cell::RefCell<u8>", &format!("`RefCell` {guards}"));
    let locks = "works in one process: hold the value itself, which has a lock of its own";
    refused("Mutex<u8>", &format!("`Mutex` {locks}"));
    refused("RwLock<u8>", &format!("`RwLock` {locks}"));
    refused("Condvar", "`Condvar` works in one process: remove the field, and wait with `wait_for`");
}

/// Without this, an atomic field would be copied between slots like any other.
#[test]
fn atomics() {
    for (name, integer) in [("AtomicU64", "u64"), ("AtomicUsize", "u64"), ("AtomicI64", "i64"), ("AtomicI32", "i64")] {
        let message = format!("write `#[shared(atomic)]` on a plain `{integer}`");
        refused(name, &format!("`{name}` is not needed: {message}"));
    }
    refused("AtomicBool", "`AtomicBool` is not needed: write `#[shared(atomic)]` on a plain `bool`");
}

/// Without this, an instant of one process would be read in another, where it may count from another origin.
#[test]
fn times() {
    for (name, cure) in [
        ("Duration", ": use `SharedDuration`"),
        ("SystemTime", ": use `Timestamp`"),
        ("Instant", ", and belongs to one machine: use `Timestamp`"),
    ] {
        let message = format!("`{name}` has no fixed layout{cure}");
        refused(name, &message);
        refused(&format!("std::time::{name}"), &message);
    }
}

/// Without this, two compilers could lay one type out differently.
#[test]
fn layouts_that_rust_does_not_fix() {
    refused("Option<Mode>", "`Option` has no fixed layout: use `SharedOption<Mode>`");
    refused("core::option::Option<bool>", "`Option` has no fixed layout: use `SharedOption<bool>`");
    refused(
        "Result<u8, u8>",
        "`Result` has no fixed layout: hold the value, and a fieldless enum that says what went \
         wrong",
    );
    refused("(u8, u8)", "a tuple has no fixed layout: use a `#[repr(C)]` struct that derives `SharedValue`");
    refused("Range<u8>", "`Range` has no fixed layout: hold its ends in two fields");
    refused("Ipv4Addr", "`Ipv4Addr` has no fixed layout: store its octets as `[u8; 4]`");
}

/// Without this, half of a value could be read.
#[test]
fn wide_integers() {
    for name in ["u128", "i128"] {
        let message = "is wider than the words that shared memory is accessed in: use `[u64; 2]`";
        refused(name, &format!("`{name}` {message}"));
    }
}

/// Without this, an address would be followed in a process where it means nothing.
#[test]
fn addresses() {
    let reference = "a reference points into the memory of one process:";
    refused("&'static u8", &format!("{reference} hold the value itself"));
    refused("&'static mut u8", &format!("{reference} hold the value itself"));
    refused("&'static str", &format!("{reference} use `FixedStr<N>`"));
    refused("&'static [u8]", &format!("{reference} use `[T; N]`"));
    let pointer = "is an address in one process: hold the value itself, or its index in an array";
    refused("*const u8", &format!("a pointer {pointer}"));
    refused("*mut u8", &format!("a pointer {pointer}"));
    refused("NonNull<u8>", &format!("`NonNull` {pointer}"));
    refused(
        "extern \"C\" fn(u8) -> u8",
        "a function pointer is an address in one process: hold a fieldless enum that selects the \
         function",
    );
}

/// Without this, rustc would complain about generated functions and not about the field.
#[test]
fn shapes_without_a_value() {
    refused("[u8]", "a slice has no fixed size: use `[T; N]`");
    refused("dyn Fn()", "a trait object points to the code of one process: hold a type that derives `SharedValue`");
    refused("impl Fn()", "a field needs a type that is written out");
    refused("_", "a field needs a type that is written out");
    refused("PhantomData<u8>", "`PhantomData` has no bytes that could be shared: remove the field");
    refused("()", "`()` holds nothing that could be shared: remove the field");
    refused("!", "`!` has no value that could be shared: remove the field");
}

/// Without this, the user's own types would be refused because of their names.
#[test]
fn other_types_are_left_to_the_compiler() {
    for ty in [
        "u64",
        "[[f32; 3]; 3]",
        "Option<NonZeroU32>",
        "Option<core::num::NonZero<u8>>",
        "Option<NonZeroI64>",
        "Option<Id<Node>>",
        "Option<shared_value::Id<[u8]>>",
        "my::String",
        "self::Duration",
        "crate::Vec<u8>",
        "Cell",
        "Weak",
        "Box",
        "<T as Trait>::String",
        "Arc",
        "macro_call!()",
        "FixedStr<16>",
    ] {
        accepted(ty);
    }
}

/// Without this, a type that `bytemuck` vouches for would be refused.
#[test]
fn pod_types_are_left_to_bytemuck() {
    for ty in ["u128", "Option<u8>", "MaybeUninit<u8>"] {
        let source = format!("#[repr(C)] struct S {{ #[shared(pod)] field: {ty} }}");
        assert_eq!(problems(&source), [""; 0]);
    }
    let source = "#[repr(C)] struct S { #[shared(pod)] field: String }";
    assert_eq!(problems(source).len(), 1);
}

/// Without this, an atomic field of another width would cause an error far from the field.
#[test]
fn atomic_fields() {
    let message = "`#[shared(atomic)]` works on `u64`, `i64`, `f64` and `bool`, and on arrays of them: use one of them";
    for ty in ["u32", "f32", "char", "[u16; 2]"] {
        let source = format!("#[repr(C)] struct S<T>(#[shared(atomic)] {ty});");
        assert_eq!(problems(&source), [format!("1:41 {message}")]);
    }
    for ty in ["u64", "core::primitive::i64", "f64", "bool", "[u64; 2]", "Alias"] {
        assert_eq!(problems(&format!("#[repr(C)] struct S(#[shared(atomic)] {ty});")), [""; 0], "{ty}");
    }
    let source = "#[repr(C)] struct S(#[shared(atomic)] AtomicU64);";
    assert_eq!(problems(source).len(), 1, "one mistake, one error");
}

/// Without this, an array without elements would be reported far from the field, or get a cell.
#[test]
fn empty_arrays() {
    for source in ["#[repr(C)] struct S(u8, [u8; 0]);", "#[repr(C)] struct S(u8, [[u8; 0]; 3]);"] {
        assert_eq!(
            problems(source),
            ["1:24 an empty array has no bytes that could be shared: remove the field"],
            "{source}"
        );
    }
}
