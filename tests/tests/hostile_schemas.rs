//! Schemas whose author wants to use up the memory or the time of other processes.
//!
//! All of it is one test, because the allocator counts for the whole process.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use shared_value::{DynData, DynLayout, DynValue, Error};
use shared_value_tests::{SegmentName, longer_if_emulated};

/// Counts the bytes that are allocated.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(size: usize) {
    PEAK.fetch_max(NOW.fetch_add(size, Relaxed) + size, Relaxed);
}

// SAFETY: all functions pass their arguments on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller promises what this function asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller promises what this function asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller promises what this function asks for.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old and the new memory may exist at once.
        grow(size);
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller promises what this function asks for.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Calls `work`, and returns the most memory that it held at once.
fn memory<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (result, PEAK.load(Relaxed) - before)
}

const ORDER: &str = if cfg!(target_endian = "little") { "little-endian" } else { "big-endian" };

/// The memory that each byte of a file may cost, and the memory that a small file may cost.
const EACH: usize = 200;
const FREE: usize = 16 << 20;

/// Far longer than the processor works on anything here, even without optimization.
const LONG: Duration = longer_if_emulated(Duration::from_secs(10));

/// Returns how long the processor has worked for this thread: other programs do not count.
fn worked() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes a `timespec`, and `time` is one.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    let seconds = u64::try_from(time.tv_sec).expect("not negative");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("less than a second"))
}

#[track_caller]
fn timed<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let start = worked();
    let result = work();
    let worked = worked().saturating_sub(start);
    println!("{what}: {worked:?}");
    assert!(worked < LONG, "{what} took {worked:?}");
    result
}

/// Does with a value all that a curious program does. `is_read` says whether the whole value is small enough.
#[track_caller]
fn look(what: &str, schema: &str, is_read: bool) {
    let name = SegmentName::new("hostile-schema");
    drop(DynValue::create(&name, DynLayout::parse(schema).unwrap()).unwrap());
    let file = usize::try_from(fs::metadata(name.path()).unwrap().len()).unwrap();
    let looked = || {
        let value = DynValue::open(&name).unwrap();
        match value.load() {
            Ok(data) => assert!(is_read && value.set("", data).is_ok(), "{what}: it is read"),
            Err(Error::Unsupported { what: reason }) => assert!(!is_read && reason.contains("ask for"), "{reason}"),
            Err(error) => panic!("{what}: {error}"),
        }
        let mut bytes = vec![0; value.layout().size()];
        value.read_bytes("", &mut bytes).unwrap();
        value.write_bytes("", &bytes).unwrap();
        assert!(format!("{value:?}").len() <= EACH * file + FREE);
        value.layout().fields().take(1000).count()
    };
    let (_, peak) = timed(what, || memory(looked));
    println!("{what}: a file of {file} bytes costs {peak} bytes, {} each", peak / file);
    assert!(peak <= EACH * file + FREE, "{what}: a file of {file} bytes costs {peak} bytes");
}

/// Without limits, a file of 120 KB costs a gigabyte, or a minute.
#[test]
fn memory_and_time_are_in_proportion_to_the_file() {
    // Each element repeats the name.
    let long = "n".repeat(100_000);
    let names = |count: usize| {
        format!("[S; {count}]\n[].{long}: u8 @0\n[]: 1 bytes, align 1\n[S; {count}]: {count} bytes, align 1\n{ORDER}\n")
    };
    look("a long name", &names(10_000), false);
    look("a long name, seldom", &names(10), true);
    let variant = format!("E(u8: {long}=0)");
    look(
        "a long name of a variant",
        &format!("[{variant}; 20000]\n[{variant}; 20000]: 20000 bytes, align 1\n{ORDER}\n"),
        false,
    );
    // Each element is wrapped many times.
    let wrapped = |ty: &str, open: &str, close: &str, count: usize| {
        let element = format!("{}{ty}{}", open.repeat(120), close.repeat(120));
        format!("[{element}; {count}]\n[{element}; {count}]: {count} bytes, align 1\n{ORDER}\n")
    };
    look("arrays of one element", &wrapped("u8", "[", "; 1]", 100_000), false);
    look("arrays of one element, whose bits are checked", &wrapped("bool", "[", "; 1]", 200_000), false);
    look("arrays of one element, seldom", &wrapped("u8", "[", "; 1]", 500), true);
    look("newtypes", &wrapped("u8", "A(", ")", 100_000), false);
    let thrice = "A(B(C(u8)))";
    let schema = format!("[{thrice}; 200000]\n[{thrice}; 200000]: 200000 bytes, align 1\n{ORDER}\n");
    look("three newtypes", &schema, true);
    // Types that are as heavy as the limits allow.
    let pair = "[].a: Meters(u8) @0\n[].b: u8 @1\n[]: 2 bytes, align 1";
    look("pairs", &format!("[Pair; 200000]\n{pair}\n[Pair; 200000]: 400000 bytes, align 1\n{ORDER}\n"), true);
    look("bytes", &format!("[u8; 1000000]\n[u8; 1000000]: 1000000 bytes, align 1\n{ORDER}\n"), true);
    // Typecodes describe parts in a few bytes.
    let code = "T{(250)B:x:B:a:B:b:B:c:B:d:B:e:B:f:}";
    look("a typecode", &format!("S\nx: bytes<256, align 1> as {code} @0\nS: 256 bytes, align 1\n{ORDER}\n"), true);

    // Enums with variants in any order, and an array of them: a search for each element would take minutes.
    let variants: Vec<_> = (0..30_000_u32).rev().map(|number| format!("V{number}={number}")).collect();
    let name = format!("E(u32: {})", variants.join(", "));
    let schema = format!("[{name}; 300000]\n[{name}; 300000]: 1200000 bytes, align 4\n{ORDER}\n");
    let layout = timed("parsing variants", || DynLayout::parse(&schema).unwrap());
    let data = timed("decoding variants", || layout.decode(&vec![0; 1_200_000]).unwrap());
    timed("encoding variants", || layout.encode(&data).unwrap());

    // Fields in another order than in memory.
    let mut fields = String::new();
    for field in 0..50_000 {
        writeln!(fields, "f{field}: u8 @{field}").unwrap();
    }
    let schema = format!("S\n{fields}S: 50000 bytes, align 1\n{ORDER}\n");
    let layout = timed("parsing fields", || DynLayout::parse(&schema).unwrap());
    let Ok(DynData::Struct { name, mut fields }) = layout.decode(&vec![0; 50_000]) else { panic!("it is a struct") };
    fields.reverse();
    timed("encoding fields", || layout.encode(&DynData::Struct { name, fields }).unwrap());
}
