//! `Peer`: a thread that plays another process, which writes to the memory all the time.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::futex;

use crate::hostile::damage::{Damage, LOCK};
use crate::hostile::memory::Memory;

/// Writes that go on until `end` is called, or until the time is over.
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

/// After this time a peer stops by itself, and threads that wait for the lock or for a stable version can go on.
const LONGEST: Duration = Duration::from_millis(1);

type Queue = SyncSender<(Arc<Job>, SyncSender<()>)>;

impl Peer {
    /// Begins to repeat all these writes, and returns after the first round.
    pub(crate) fn begin(memory: &Arc<Memory>, cell: usize, writes: Vec<Damage>) -> Self {
        static QUEUE: OnceLock<Mutex<Queue>> = OnceLock::new();
        let queue = QUEUE.get_or_init(|| {
            let (sender, jobs) = mpsc::sync_channel::<(Arc<Job>, SyncSender<()>)>(0);
            thread::spawn(move || {
                for (job, done) in jobs {
                    job.run();
                    // The thread that began the job may have failed meanwhile.
                    let _ = done.send(());
                }
            });
            Mutex::new(sender)
        });
        let (begun, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let job = Arc::new(Job { memory: Arc::clone(memory), cell, writes, begun, stop });
        let (sender, done) = mpsc::sync_channel(1);
        let queue = queue.lock().expect("no owner of the mutex panics").clone();
        queue.send((Arc::clone(&job), sender)).expect("the peer runs");
        while !job.begun.load(Relaxed) {
            thread::yield_now();
        }
        Self { job, done }
    }

    /// Ends the writes, and leaves the lock free.
    pub(crate) fn end(self) {
        self.job.stop.store(true, Relaxed);
        self.done.recv().expect("the peer runs");
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

/// Frees the lock of a cell, and wakes its waiters.
pub(crate) fn free(memory: &Memory, cell: usize) {
    let word = memory.half(cell + LOCK);
    word.store(0, Relaxed);
    let _ = futex::wake(word, futex::Flags::empty(), 100);
}
