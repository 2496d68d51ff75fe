//! `Peer`: another thread, in the part of a process that writes to the memory all the time.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::futex;

use crate::hostile::damage::{Damage, LOCK};
use crate::hostile::memory::Memory;

/// A write that is going on until this is dropped, or for as long as a peer goes on.
#[derive(Debug)]
pub(crate) struct Peer {
    job: Arc<Job>,
    done: Receiver<()>,
}

#[derive(Debug)]
struct Job {
    memory: Arc<Memory>,
    cell: usize,
    writes: Vec<Damage>,
    begun: AtomicBool,
    stop: AtomicBool,
}

/// After that, a peer stops by itself: whoever waits for the lock, or for a version that stays, can go on.
const LONGEST: Duration = Duration::from_millis(1);

type Queue = SyncSender<(Arc<Job>, SyncSender<()>)>;

impl Peer {
    /// Begins to do all these writes again and again. At least one round of them is done.
    pub(crate) fn begin(memory: &Arc<Memory>, cell: usize, writes: Vec<Damage>) -> Self {
        static QUEUE: OnceLock<Mutex<Queue>> = OnceLock::new();
        let queue = QUEUE.get_or_init(|| {
            let (sender, jobs) = mpsc::sync_channel::<(Arc<Job>, SyncSender<()>)>(0);
            thread::spawn(move || {
                for (job, done) in jobs {
                    job.run();
                    // Whoever asked for it may have failed meanwhile.
                    let _ = done.send(());
                }
            });
            Mutex::new(sender)
        });
        let (begun, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let job = Arc::new(Job { memory: Arc::clone(memory), cell, writes, begun, stop });
        let (sender, done) = mpsc::sync_channel(1);
        let queue = queue.lock().expect("no holder panics").clone();
        queue.send((Arc::clone(&job), sender)).expect("the peer is there");
        while !job.begun.load(Relaxed) {
            thread::yield_now();
        }
        Self { job, done }
    }

    /// Ends the writes; the lock is free then.
    pub(crate) fn end(self) {
        self.job.stop.store(true, Relaxed);
        self.done.recv().expect("the peer is there");
    }
}

impl Job {
    fn run(&self) {
        let start = Instant::now();
        loop {
            for write in &self.writes {
                write.apply(&self.memory);
            }
            self.begun.store(true, Relaxed);
            if self.stop.load(Relaxed) || start.elapsed() >= LONGEST {
                break;
            }
        }
        free(&self.memory, self.cell);
    }
}

/// Makes the lock of a cell look free, and wakes who waits for it.
pub(crate) fn free(memory: &Memory, cell: usize) {
    let word = memory.half(cell + LOCK);
    word.store(0, Relaxed);
    let _ = futex::wake(word, futex::Flags::empty(), 100);
}
