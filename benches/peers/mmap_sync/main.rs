//! The contestants of mmap-sync.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use mmap_sync::synchronizer::Synchronizer;
use rkyv::{Archive, Deserialize, Serialize};

#[path = "../protocol.rs"]
mod protocol;

use protocol::{Offer, serve};

const NAME: &str = "mmap-sync";

#[derive(Archive, Clone, Copy, Debug, Deserialize, Serialize)]
#[archive_attr(derive(bytecheck::CheckBytes))]
struct Record {
    words: [u64; 8],
}

fn main() -> Result<(), Box<dyn Error>> {
    // In memory, like the values of the other contestants.
    let path = Path::new("/dev/shm").join(format!("benches-mmap-sync-{}", std::process::id()));
    let grace = Duration::from_secs(1);
    let mut written: Synchronizer = Synchronizer::new(path.with_extension("written").as_os_str());
    let mut read: Synchronizer = Synchronizer::new(path.with_extension("read").as_os_str());
    read.write(&Record { words: [7; 8] }, grace)?;
    let mut count = 0;
    let write = move || {
        count += 1;
        written.write(&black_box(Record { words: [count; 8] }), grace).expect("a file");
    };
    let snapshot = move || {
        // SAFETY: only this program writes to the file, and it writes valid records.
        let record = unsafe { read.read::<Record>(false) }.expect("a file");
        black_box(record.words);
    };
    serve(
        "mmap-sync",
        include_str!("Cargo.lock"),
        vec![Offer::new("snapshot-64", NAME, snapshot), Offer::new("commit-64", NAME, write)],
    )?;
    for kind in ["written", "read"] {
        for file in ["state", "data_0", "data_1"] {
            // Fails if the library did not create this file.
            let _ = std::fs::remove_file(path.with_extension(format!("{kind}_{file}")));
        }
    }
    Ok(())
}
