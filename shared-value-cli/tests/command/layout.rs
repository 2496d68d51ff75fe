//! `layout`: each language is compiled, and reads the live value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use shared_value::{
    Arena, DynLayout, FixedStr, Id, Pod, SharedArray, SharedDuration, SharedOption, SharedValue, Synchronized,
    Timestamp,
};
use shared_value_tests::{SegmentName, python_with};

use crate::run::{json, ok};
use crate::values::{Account, Point, State, SynchronizedAccount};

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Cents(i64);

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pair<T>(T, T);

#[derive(SharedValue, Clone, Copy)]
#[repr(i64)]
enum Far {
    Low = i64::MIN,
    High = i64::MAX,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C, align(64))]
struct Aligned {
    byte: u8,
}

/// A value with each kind of part.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct All {
    cents: Cents,
    r#type: u8,
    far: Far,
    letter: char,
    is_open: bool,
    maybe: SharedOption<u32>,
    numbers: Pair<u16>,
    floats: Pair<f64>,
    aligned: Aligned,
    grid: [[Point; 2]; 3],
    name: FixedStr<5>,
    names: [FixedStr<3>; 2],
    at: Timestamp,
    took: SharedDuration,
    id: Option<Id<u64>>,
    nonzero: std::num::NonZeroU16,
    optional: Option<std::num::NonZeroI32>,
    #[shared(pod, typecode = "T{<f:x:<f:y:}")]
    speed: [f32; 2],
    #[shared(pod)]
    raw: [u16; 3],
    pods: [Pod<[u8; 2]>; 2],
    #[shared(atomic)]
    hits: u64,
    #[shared(atomic)]
    lanes: [i64; 3],
    #[shared(atomic)]
    is_on: bool,
}

fn all() -> All {
    All {
        cents: Cents(-5),
        r#type: 7,
        far: Far::Low,
        letter: 'é',
        is_open: true,
        maybe: SharedOption::some(9),
        numbers: Pair(1, 2),
        floats: Pair(1.5, 2.5),
        aligned: Aligned { byte: 3 },
        grid: [[Point { x: 1.0, y: 2.0 }, Point { x: 3.0, y: 4.0 }]; 3],
        name: FixedStr::new("Ann").unwrap(),
        names: [FixedStr::new("ab").unwrap(), FixedStr::new("c").unwrap()],
        at: Timestamp::UNIX_EPOCH,
        took: SharedDuration::from_nanos(5),
        id: None,
        nonzero: std::num::NonZeroU16::new(4).unwrap(),
        optional: None,
        speed: [0.5, 1.5],
        raw: [1, 2, 3],
        pods: [Pod([1, 2]), Pod([3, 4])],
        hits: 11,
        lanes: [-1, -2, -3],
        is_on: true,
    }
}

#[test]
fn typecodes_are_those_of_the_types() {
    let (name, other) = (SegmentName::new("layout-typecode"), SegmentName::new("layout-typecode-all"));
    let _value = SynchronizedAccount::create(&name, Account::new(100)).unwrap();
    let _other = Synchronized::create(&other, all()).unwrap();
    assert_eq!(ok(&["layout", &name, "--typecode"]), format!("{}\n", Account::TYPECODE));
    assert_eq!(ok(&["layout", &other, "--typecode"]), format!("{}\n", All::TYPECODE));
    assert_eq!(ok(&["layout", &name]), DynLayout::of::<Account>().unwrap().to_string());
    let described = json(&["layout", &name, "--json"]);
    assert_eq!(described["fingerprint"], format!("{:016x}", Account::FINGERPRINT));
    assert_eq!(
        (&described["type"], &described["size"], &described["align"]),
        (&"Account".into(), &64.into(), &8.into())
    );
    let parts = described["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["path"] == "corners[1].y").unwrap();
    assert_eq!((&part["offset"], &part["type"], &part["atomic"]), (&48.into(), &"f32".into(), &false.into()));
    let bank = SegmentName::new("layout-bank");
    let arena = Arena::create(&bank, 1 << 20).unwrap();
    arena.insert("one", [1_u16, 2]).unwrap();
    assert_eq!(ok(&["layout", &format!("{}[one]", &*bank), "--typecode"]), "(2)<H\n");
}

fn run_to_end(command: &mut Command) -> String {
    let output = command.output().expect("the compiler or program starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn a_c_program_reads_the_value() {
    let (name, account) = (SegmentName::new("layout-c"), SegmentName::new("layout-c-account"));
    let value = Synchronized::create(&name, all()).unwrap();
    value.set_cents(Cents(-6)).unwrap();
    let other = SynchronizedAccount::create(&account, Account::new(100)).unwrap();
    other.set_state(State::Frozen).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "layout.h"

int main(int count, char **arguments) {
  struct stat facts;
  int file = open(arguments[1], O_RDONLY);
  if (count < 2 || file < 0 || fstat(file, &facts)) return 1;
  void *segment = mmap(0, facts.st_size, PROT_READ, MAP_SHARED, file, 0);
  value_type value;
  if (read_value(segment, &value)) return 2;
  PRINT
  return 0;
}
"#;
    let compile = |name: &SegmentName, print: &str| {
        fs::write(folder.path().join("layout.h"), ok(&["layout", name, "--c"])).unwrap();
        fs::write(folder.path().join("main.c"), source.replace("PRINT", print)).unwrap();
        let program = folder.path().join("program");
        run_to_end(
            Command::new("cc")
                .args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-o"])
                .arg(&program)
                .arg(folder.path().join("main.c")),
        );
        program
    };
    let print = r#"printf("%ld %d %d %u %d %d %u %u %g %d %g %s %s %g %d %lu %ld %d", (long)value.cents, value.type, value.far == Far_Low,
         value.letter, value.is_open, value.maybe.is_some, value.maybe.value, value.numbers.field_1, value.floats.field_0,
         value.aligned.byte, value.grid[2][1].y, value.name, value.names[1], *(float *)(void *)value.speed, value.raw[2],
         (unsigned long)value.hits, (long)value.lanes[2], value.is_on);"#;
    let program = compile(&name, print);
    assert_eq!(run_to_end(Command::new(&program).arg(name.path())), "-6 7 1 233 1 1 9 2 1.5 3 4 Ann c 0.5 2 11 -3 1");
    let refused = Command::new(&program).arg(account.path()).status().unwrap();
    assert_eq!(refused.code(), Some(2), "another type");
    // Its slots do not follow each other without a gap.
    let six = SegmentName::new("layout-c-six");
    let numbers = Synchronized::create(&six, [1_i64, 2, 3, 4, 5, 6]).unwrap();
    numbers.set_at(5, 7).unwrap();
    let program = compile(&six, r#"printf("%ld %ld", (long)value[0], (long)value[5]);"#);
    assert_eq!(run_to_end(Command::new(program).arg(six.path())), "1 7");
    let program = compile(&account, r#"printf("%ld %d", (long)value.balance, value.state == State_Frozen);"#);
    assert_eq!(run_to_end(Command::new(program).arg(account.path())), "100 1");
}

#[test]
fn a_python_program_reads_the_value() {
    let name = SegmentName::new("layout-python");
    let value = Synchronized::create(&name, all()).unwrap();
    value.set_cents(Cents(-6)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("layout.py"), ok(&["layout", &name, "--python"])).unwrap();
    let python = |program: &str, script: &str| {
        run_to_end(Command::new(program).current_dir(folder.path()).args(["-c", script]).arg(name.path()))
    };
    let by_ctypes = "import sys, layout as l, ctypes\nv = l.Value.from_buffer_copy(l.read_bytes(sys.argv[1]))\nassert \
                     ctypes.sizeof(v) == len(l.read_bytes(sys.argv[1]))\nprint(v.cents, v.type, v.far == \
                     l.Far_NUMBERS['Low'], chr(v.letter), v.is_open, v.maybe.value, getattr(v.floats, '1'), v.aligned.byte, \
                     v.grid[2][1].y, v.name, v.names[1].value, v.hits, list(v.lanes), v.is_on)";
    let expected = "-6 7 True é True 9 2.5 3 4.0 b'Ann' b'c' 11 [-1, -2, -3] True\n";
    assert_eq!(python("python3", by_ctypes), expected);
    if let Some(program) = python_with("numpy") {
        let by_numpy = "import sys, numpy, layout as l\nv = numpy.frombuffer(l.read_bytes(sys.argv[1]), l.DTYPE)[0]\nprint(v['cents'], \
                        v['type'], v['far'] == l.Far_NUMBERS['Low'], v['letter'], v['is_open'], v['maybe']['value'], \
                        v['floats']['1'], v['aligned']['byte'], v['grid'][2][1]['y'], v['name'], v['names'][1], v['hits'], \
                        v['lanes'].tolist(), v['is_on'])";
        assert_eq!(python(&program, by_numpy), expected);
    }
}

/// Finds the library as it was built for this test, among those of other builds.
fn compile_rust(source: &Path, program: &Path) {
    let dependencies = PathBuf::from(env!("CARGO_BIN_EXE_shared-value")).parent().unwrap().join("deps");
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("libshared_value-") && path.extension().is_some_and(|extension| extension == "rlib")
    };
    let mut libraries: Vec<_> =
        fs::read_dir(&dependencies).unwrap().map(|entry| entry.unwrap().path()).filter(is_library).collect();
    libraries.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().modified().unwrap()));
    let mut failures = Vec::new();
    for library in libraries {
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition", "2024", "-A", "dead_code", "-o"])
            .arg(program)
            .arg("--extern")
            .arg(format!("shared_value={}", library.display()))
            .arg("-L")
            .arg(format!("dependency={}", dependencies.display()))
            .arg(source)
            .output()
            .unwrap();
        if output.status.success() {
            return;
        }
        failures.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    panic!("no library fits:\n{}", failures.join("\n"));
}

#[test]
fn a_rust_program_opens_the_value() {
    let (name, list) = (SegmentName::new("layout-rust"), SegmentName::new("layout-rust-list"));
    let _value = Synchronized::create(&name, all()).unwrap();
    let _list = SharedArray::create(&list, [Point { x: 1.0, y: 2.0 }; 3].as_slice()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("main.rs"), folder.path().join("program"));
    let types = ok(&["layout", &name, "--rust"]);
    let elements = ok(&["layout", &list, "--rust"]);
    let main = "fn main() {\n    let mut names = std::env::args().skip(1);\n    let value = \
                shared_value::Synchronized::<one::Value>::open(names.next().unwrap()).unwrap();\n    \
                value.set_cents(one::Cents(-7)).unwrap();\n    assert_eq!(value.hits().fetch_add(1), 11);\n    let list = \
                shared_value::Synchronized::<two::Value>::open(names.next().unwrap()).unwrap();\n    assert_eq!(list.len(), \
                3);\n    assert_eq!(list.at(2).y, 2.0);\n}\n";
    fs::write(&source, format!("mod one {{\n{types}\n}}\nmod two {{\n{elements}\n}}\n{main}")).unwrap();
    compile_rust(&source, &program);
    run_to_end(Command::new(&program).args([&*name, &*list]));
    assert_eq!(ok(&["get", &name, "cents"]), "-7\n");
    assert_eq!(ok(&["get", &name, "hits"]), "12\n");
}
