use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::{env, fs, process};

use shared_value::{Error, SharedValue};

// A module in place of the crate, whose functions of other names do not look at fields.
mod other {
    pub mod __private {
        pub use shared_value::__private::*;

        pub struct Describe;

        impl Describe {
            pub const fn field<F>(self, _: &'static str, _: usize) {}
            pub const fn pod<F>(self, _: &'static str, _: usize) {}
        }

        pub fn visit<T, F, V>(_: &mut V, _: usize) {}
    }
}

#[derive(SharedValue, Clone, Copy)]
#[shared(crate = "other")]
#[repr(C)]
struct Flags {
    first: bool,
    others: [bool; 7],
    nested: Nested,
}

#[derive(SharedValue, Clone, Copy)]
#[shared(crate = "other")]
#[repr(C)]
struct Nested {
    flags: [bool; 8],
}

fn main() {
    let path: PathBuf = env::temp_dir().join(format!("shared-value-ui-other-crate-{}", process::id()));
    let value = Flags { first: true, others: [true; 7], nested: Nested { flags: [true; 8] } };
    let flags = SynchronizedFlags::create(&path, value).unwrap();
    assert!(flags.load().is_ok());
    // Bytes that are not a `bool`.
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let mut bytes = [0; 8];
    let mut damaged = 0;
    for offset in (0..file.metadata().unwrap().len()).step_by(8) {
        if file.read_exact_at(&mut bytes, offset).is_ok() && bytes == [1; 8] {
            file.write_all_at(&[77; 8], offset).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    assert!(matches!(flags.load(), Err(Error::InvalidBits { .. })));
    assert!(matches!(flags.in_nested().load(), Err(Error::InvalidBits { .. })));
}
