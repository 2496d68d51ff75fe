//! Freeing the space of removed values, while any number of processes have the arena open.
//!
//! A removed block is free as soon as no process claims it (see `heap/claim.rs`). Each change of the arena looks at the blocks
//! that it has removed, and at some that wait since an earlier change.

use crate::arena::editor::Editor;
use crate::heap::space::waiting::Waiting;
use crate::heap::{Heap, State, Trailer, changes};
use crate::segment::{Layout, Search};

/// How many processes one sweep asks the kernel for.
const ASKS: usize = 2;

/// Returns whether a block is not found by look-ups, and free when no process claims it. A block in the state `Made` is out of use only if
/// it waits: then a transaction claims it.
fn is_out_of_use(block: &Trailer) -> bool {
    matches!(block.state, State::Removed | State::Made)
}

impl<'a> Editor<'a> {
    /// Returns the blocks that wait; `None` in an arena that never had a block, whose notes have no memory yet.
    pub(super) fn waiting(&self) -> Option<Waiting<'a>> {
        Waiting::of(self.heap).filter(|_| self.directory.allocated != 0)
    }

    /// Notes which blocks were removed by the last owner of the lock. It may have died before it noted them.
    pub(super) fn remember_removed(&self) {
        let removed = changes::last(self.heap, &self.directory).filter_map(|change| self.heap.trailer(change.at()));
        removed.filter(|block| block.state == State::Removed).for_each(|block| self.wait(block.at));
    }

    /// Notes that a block is free as soon as no process claims it.
    pub(in crate::arena) fn wait(&self, at: usize) {
        if let Some(waiting) = self.waiting() {
            waiting.begin(at);
        }
    }

    /// Notes that a block does not wait to be free.
    pub(super) fn end_wait(&self, at: usize) {
        if let Some(waiting) = self.waiting() {
            waiting.end(at);
        }
    }

    /// Frees some of the blocks that wait and that no process claims.
    pub(in crate::arena) fn sweep(&mut self) {
        if let Some(waiting) = self.waiting() {
            let some = waiting.some(self.cursor());
            self.free_some(&some);
        }
    }

    /// Frees all blocks that wait and that no process claims.
    pub(super) fn sweep_all(&mut self) {
        if let Some(waiting) = self.waiting() {
            let Some(mut search) = self.heap.search(usize::MAX) else { return };
            for some in waiting.all(self.cursor()).filter(|some| !some.is_empty()) {
                self.free(&some, &mut search);
            }
        }
    }

    /// Frees blocks which were just removed, unless a process claims them.
    pub(super) fn free_removed(&mut self, removed: &[usize]) {
        // The next owner of the lock does this too, if this thread dies before.
        for at in removed {
            self.wait(*at);
        }
        self.free_some(removed);
    }

    fn free_some(&mut self, waiting: &[usize]) {
        if !waiting.is_empty()
            && let Some(mut search) = self.heap.search(ASKS)
        {
            self.free(waiting, &mut search);
        }
    }

    /// Frees blocks that wait and that no process claims. They were removed before the search began.
    fn free(&mut self, waiting: &[usize], search: &mut Search<'_>) {
        let heap = self.heap;
        let blocks: Vec<_> = waiting.iter().filter_map(|at| heap.trailer(*at)).collect();
        for block in blocks.iter().filter(|block| !is_out_of_use(block) && !block.is_undecided()) {
            // It was added after all.
            self.end_wait(block.at);
        }
        let out_of_use = blocks.iter().filter(|block| is_out_of_use(block));
        let unclaimed: Vec<_> = out_of_use.filter(|block| !search.is_counted(Layout::unit(block.at))).collect();
        if unclaimed.is_empty() {
            return;
        }
        let is_locked = search.is_locked();
        for block in unclaimed.into_iter().filter(|block| !is_locked(Layout::unit(block.at))) {
            self.settle_changes();
            self.forget(block.at);
            self.give_back(block);
            if let Some(waiting) = self.waiting() {
                waiting.count_down();
            }
        }
    }

    /// Counts the last changes in the directory, so that it does not name blocks that are about to be free.
    pub(super) fn settle_changes(&mut self) {
        self.directory.values = changes::count(self.heap, &self.directory);
        (self.directory.changes, self.directory.listed) = (Default::default(), 0);
    }

    /// Ends the use of a block that a transaction has made, but not added. If `is_private`, no handle of it was given out.
    pub(in crate::arena) fn discard(&mut self, made: &Trailer, is_private: bool) {
        let heap: Heap<'_> = self.heap;
        // Another process may have found that no process claims it, and freed it.
        let is_it = |block: &Trailer| block.generation == made.generation && block.state == State::Made;
        let Some(block) = heap.trailer(made.at).filter(is_it) else { return };
        if is_private {
            let is_waiting = heap.is_waiting(block.at);
            self.give_back(&block);
            if let Some(waiting) = self.waiting().filter(|_| is_waiting) {
                waiting.count_down();
            }
        } else {
            heap.set_state(&block, State::Removed);
            self.free_removed(&[block.at]);
        }
    }
}
