//! The contestants of iceoryx2's blackboard.

use std::error::Error;
use std::hint::black_box;

use iceoryx2::prelude::*;

#[path = "../protocol.rs"]
mod protocol;

use protocol::{Offer, serve};

const NAME: &str = "iceoryx2 blackboard";

/// A value of `N` words.
#[derive(Clone, Copy, Debug, PartialEq, ZeroCopySend)]
#[repr(C)]
struct Words<const N: usize>([u64; N]);

fn main() -> Result<(), Box<dyn Error>> {
    set_log_level(LogLevel::Fatal);
    let node = NodeBuilder::new().create::<ipc::Service>()?;
    let service = node
        .service_builder(&format!("benches/{}", std::process::id()).as_str().try_into()?)
        .blackboard_creator::<u64>()
        .add::<u64>(0, 7)
        .add::<Words<8>>(1, Words([7; 8]))
        .add::<Words<64>>(2, Words([7; 64]))
        .add::<Words<512>>(3, Words([7; 512]))
        .add::<Words<8>>(4, Words([0; 8]))
        .create()?;
    let reader = service.reader_builder().create()?;
    let word = reader.entry::<u64>(&0)?;
    let field = reader.entry::<u64>(&0)?;
    let record = reader.entry::<Words<8>>(&1)?;
    let longer = reader.entry::<Words<64>>(&2)?;
    let longest = reader.entry::<Words<512>>(&3)?;
    let writer = service.writer_builder().create()?;
    let written = writer.entry::<Words<8>>(&4)?;
    let seen = reader.entry::<Words<8>>(&4)?;
    let mut count = 0;
    let write = move || {
        count += 1;
        black_box(&written).update_with_copy(black_box(Words([count; 8])));
    };
    assert_eq!((*record.get()).0, [7; 8]);
    assert_eq!((*seen.get()).0, [0; 8]);
    let offers = vec![
        Offer::new("read-field", NAME, move || _ = black_box(black_box(&field).get())),
        Offer::new("snapshot-8", NAME, move || _ = black_box(black_box(&word).get())),
        Offer::new("snapshot-64", NAME, move || _ = black_box(black_box(&record).get())),
        Offer::new("snapshot-512", NAME, move || _ = black_box(black_box(&longer).get())),
        Offer::new("snapshot-4096", NAME, move || _ = black_box(black_box(&longest).get())),
        Offer::new("commit-64", NAME, write),
    ];
    Ok(serve("iceoryx2", include_str!("Cargo.lock"), offers)?)
}
