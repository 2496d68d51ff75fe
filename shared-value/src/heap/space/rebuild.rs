//! `rebuild`: finds all free space anew, while no process writes the arena.

use crate::heap::blocks::{Heap, TRAILER, Trailer};
use crate::heap::space::index::{Bits, PAGE, bit};
use crate::heap::space::journal::Batch;
use crate::heap::space::lists::{CLASSES, Free, link, write_free};
use crate::protocol::atomics::Ordering;

/// Makes the blocks that are not used free, merges those that are neighbours, and makes all lists anew.
///
/// If this process dies, the lists may be incomplete, and the next process that opens the arena calls this again. Blocks that
/// were merged stay so: a trailer says where its block starts before the places inside the block lose their bits.
pub(crate) fn rebuild(heap: Heap<'_>, cursor: usize, is_used: impl Fn(&Trailer) -> bool) {
    let store = |offset: usize, value: u64| {
        // A word that has this value already is not written: its page may be one that was never written.
        if let Some(word) = heap.word(offset).filter(|word| word.load(Ordering::Relaxed) != value) {
            word.store(value, Ordering::Release);
        }
    };
    (0..CLASSES).for_each(|class| store(heap.head_offset(class), 0));
    for place in (heap.start() / PAGE * PAGE..cursor).step_by(PAGE) {
        store(heap.bits_offset(Bits::Starts, place), 0);
        store(heap.bits_offset(Bits::Waiting, place), 0);
    }
    let mut run: Option<Free> = None;
    for block in heap.blocks(cursor).filter(|block| !is_used(block)) {
        if let Some(run) = &mut run
            && block.end() == run.start
        {
            run.start = block.start;
        } else if let Some(run) = run.replace(Free { start: block.start, end: block.end() }) {
            free(heap, run);
        }
    }
    if let Some(run) = run {
        free(heap, run);
    }
}

/// Makes one free block of all blocks in this space.
fn free(heap: Heap<'_>, space: Free) {
    let mut batch = Batch::new(heap);
    write_free(&mut batch, space);
    batch.make();
    // All places inside lose their bits, but not the last one.
    let last = space.end - TRAILER;
    let mut place = space.start;
    while place < last {
        let until = (place / PAGE * PAGE + PAGE).min(last / 64 * 64);
        if until <= place {
            break;
        }
        let bits = (place..until).step_by(64).fold(0, |bits, place| bits | bit(place));
        if let Some(word) = heap.word(heap.bits_offset(Bits::Ends, place)) {
            let before = word.load(Ordering::Relaxed);
            if before & bits != 0 {
                word.store(before & !bits, Ordering::Release);
            }
        }
        place = until;
    }
    let mut batch = Batch::new(heap);
    link(&mut batch, space);
    batch.make();
}
