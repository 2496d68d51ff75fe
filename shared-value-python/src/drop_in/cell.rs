//! `Cell`: memory that lies at one place, beside a lock that survives its owner.

use std::time::Duration;

use shared_value::{Error, Filled, LockState, OwnedGuard, RLock, Recursive, SharedArray, Source, Unlocked};
use std::sync::{Mutex, PoisonError};

/// Memory that other processes may change at any time, and a lock, which guards it only for those that take it.
pub(super) struct Cell {
    memory: SharedArray<u8, Unlocked>,
    lock: RLock,
    holds: Mutex<Vec<OwnedGuard<Recursive>>>,
}

impl Cell {
    /// Makes a cell of at least this many bytes, which are zero.
    pub(super) fn new(length: usize) -> Result<Self, Error> {
        let memory = SharedArray::options().unlocked().new(Filled(0_u8, length.next_multiple_of(8)))?;
        Ok(Self { memory, lock: RLock::new()?, holds: Mutex::default() })
    }

    /// Opens the cell of another process by what `tokens` returned there.
    pub(super) fn open(memory: &str, lock: &str) -> Result<Self, Error> {
        let memory = SharedArray::options().unlocked().open(Source::token(memory))?;
        Ok(Self { memory, lock: RLock::open(Source::token(lock))?, holds: Mutex::default() })
    }

    pub(super) fn tokens(&self) -> Result<(String, String), Error> {
        Ok((self.memory.token()?.to_string(), self.lock.token()?.to_string()))
    }

    /// Returns where the memory lies. It is mapped as long as this cell lives.
    pub(super) fn pointer(&self) -> *mut u8 {
        self.memory.as_ptr()
    }

    pub(super) fn length(&self) -> usize {
        self.memory.len()
    }

    pub(super) fn try_acquire(&self) -> Result<(), Error> {
        self.lock.try_lock_owned().map(|guard| self.keep(guard))
    }

    pub(super) fn acquire_within(&self, timeout: Duration) -> Result<(), Error> {
        self.lock.lock_owned_timeout(timeout).map(|guard| self.keep(guard))
    }

    fn keep(&self, guard: OwnedGuard<Recursive>) {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.depth() == 1 {
            holds.clear();
        }
        holds.push(guard);
    }

    pub(super) fn release(&self) -> Result<(), Error> {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = holds.pop_if(|guard| guard.is_mine());
        guard.map_or(Err(Error::Lock(shared_value::LockError::NotHeld)), |guard| guard.release())
    }

    /// Returns how often the calling thread holds the lock.
    pub(super) fn depth(&self) -> u64 {
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.last().map_or(0, OwnedGuard::depth)
    }

    pub(super) fn lock_state(&self) -> LockState {
        self.lock.lock_state()
    }

    pub(super) fn recoveries(&self) -> u64 {
        self.lock.recoveries()
    }
}

impl Drop for Cell {
    /// A lock that is held when its object goes stays held until the thread ends.
    fn drop(&mut self) {
        self.holds.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(std::mem::forget);
    }
}
