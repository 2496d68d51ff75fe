//! The random id by which lock words name this process, and what tells whether another process exists.
//!
//! A thread id is not enough to tell whether the owner of a lock exists: it is given out again when its thread ends, and
//! means another thread in another PID namespace. So a process draws 32 random bits before it takes its first lock, and a
//! forked child draws others.

use std::cell::Cell;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use crate::protocol::atomics::Ordering;
use crate::protocol::fault;
use crate::sys;

/// How long a waiter sees one owner of a lock before it asks whether that owner exists. Usually the kernel marks the lock of
/// an owner that died, within microseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The id; 0 before the first lock, and in a forked child.
static ID: AtomicU32 = AtomicU32::new(0);

/// The id that becomes `ID` when all segments show it. Threads that draw at once use the first one.
static DRAWN: AtomicU32 = AtomicU32::new(0);

/// What locks need from the code that maps their memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vouching {
    /// Shows in all segments that a process of this id exists, and then calls `set_id`. Does nothing if there is an id.
    pub(crate) begin: fn(u32),
    /// Returns whether the owner of the lock at this address is known not to exist.
    pub(crate) is_gone: fn(usize, u64) -> bool,
    /// Returns whether another segment has taken the place of the one in which the lock at this address lies.
    pub(crate) is_replaced: fn(usize) -> bool,
    /// Gives back the lanes of counters that this owner has, in all segments.
    pub(crate) give_back_lanes: fn(u64),
}

static VOUCHING: OnceLock<Vouching> = OnceLock::new();

thread_local! {
    /// It has no destructor, so it works until the thread is gone.
    static WATCHED: Cell<Option<Watched>> = const { Cell::new(None) };
}

/// The owner that this thread waited for last. It outlives a wait: someone may wait again and again for a short time.
#[derive(Clone, Copy)]
struct Watched {
    lock: usize,
    owner: u64,
    since: Instant,
}

/// Sets what vouches for this process. Segments call it before there is any lock.
pub(crate) fn set_up(vouching: Vouching) {
    VOUCHING.get_or_init(|| vouching);
}

/// Returns the id of this process; 0 if it has not taken any lock.
pub(crate) fn id() -> u32 {
    // Acquire: pairs with `set_id`, so that what vouches for the id was made before.
    ID.load(Ordering::Acquire)
}

pub(crate) fn set_id(id: u32) {
    ID.store(id, Ordering::Release);
}

/// Returns the id of this process, and draws one before its first lock or its first claim.
pub(crate) fn enter() -> io::Result<u32> {
    if id() == 0
        && let Some(vouching) = VOUCHING.get()
    {
        let [random, ..] = bytemuck::cast::<_, [u32; 4]>(sys::thread::random()?);
        let drawn = DRAWN.compare_exchange(0, random.max(1), Ordering::Relaxed, Ordering::Relaxed);
        (vouching.begin)(drawn.map_or_else(|drawn| drawn, |_| random.max(1)));
    }
    Ok(id())
}

/// Returns whether this process has drawn the id. Some segments may not show it yet.
pub(crate) fn is_own(id: u32) -> bool {
    id != 0 && DRAWN.load(Ordering::Relaxed) == id
}

/// Forgets the id: a forked child is another process.
pub(super) fn leave() {
    sys::fork::count_generation();
    DRAWN.store(0, Ordering::Relaxed);
    set_id(0);
}

/// Gives back the lanes of a thread that ends.
pub(super) fn give_back_lanes(owner: u64) {
    if let Some(vouching) = VOUCHING.get() {
        (vouching.give_back_lanes)(owner);
    }
}

/// Returns whether another segment has taken the place of the lock's own. For a thread that has taken the lock over.
#[cold]
pub(super) fn is_replaced(lock: usize) -> bool {
    VOUCHING.get().is_some_and(|vouching| (vouching.is_replaced)(lock))
}

/// Returns whether an owner of the lock, which a waiter has just seen, is known not to exist. Asks only after the thread has
/// seen this owner for a while.
#[cold]
pub(super) fn is_gone(lock: usize, owner: u64) -> bool {
    let now = Instant::now();
    match WATCHED.get() {
        Some(watched) if watched.lock == lock && watched.owner == owner => {
            if now.duration_since(watched.since) < PATIENCE {
                return false;
            }
        }
        _ => {
            WATCHED.set(Some(Watched { lock, owner, since: now }));
            return false;
        }
    }
    // If the owner exists, it is asked for again after the same time.
    WATCHED.set(None);
    !fault::is_chosen("no_backstop") && VOUCHING.get().is_some_and(|vouching| (vouching.is_gone)(lock, owner))
}
