//! The locks that this thread holds for Python code.
//!
//! To the lock, all tasks and greenlets of a thread are that thread. So the holder is noted here, and compared when the thread uses
//! a value whose lock it holds: by the task or greenlet that runs, and by a mark in a context variable. The function of a
//! transaction is no coroutine, so for the locks of transactions the greenlet alone is compared.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use shared_value::{DetachedHold, DynValue, LockState};

use crate::native::error::{OrRaise, Patience, patiently};
use crate::native::handle::runner::{self, Runner};

thread_local! {
    static HOLDS: RefCell<Vec<Hold>> = const { RefCell::new(Vec::new()) };
    static JOINED: RefCell<Vec<Joined>> = const { RefCell::new(Vec::new()) };
    /// The lengths of both lists, which are looked at on each access.
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { holds: 0, joined: 0 }) };
}

#[derive(Clone, Copy)]
struct Counts {
    holds: usize,
    joined: usize,
}

impl Counts {
    #[inline]
    fn are_zero() -> bool {
        let Self { holds, joined } = COUNTS.get();
        holds | joined == 0
    }
}

/// A lock that this thread holds. If the thread ends inside of a block, its changes are not complete, and the next owner discards
/// them: nothing here releases the lock.
struct Hold {
    lock: usize,
    /// The hold of the outer block.
    outer: DetachedHold,
    /// Those of the blocks inside of it. There are seldom any, and an empty vector takes no memory.
    inner: Vec<DetachedHold>,
    holder: Holder,
    /// Whether an exception has left an inner block: what was written before is lost.
    is_rolled_back: bool,
}

/// A transaction in progress on this thread, or a lock that it has taken.
struct Joined {
    /// Tells transactions apart.
    transaction: usize,
    /// `None` stands for the transaction itself. When it begins again it may take locks before its function asks for them.
    lock: Option<usize>,
    greenlet: usize,
}

/// A transaction in progress: until it is dropped, other greenlets of this thread cannot use what the transaction has locked.
pub(crate) struct InTransaction(usize);

impl InTransaction {
    /// Notes a transaction, which no other one in progress has the number of, and its greenlet.
    pub(crate) fn begin(transaction: usize, greenlet: usize) -> Self {
        change_joined(|joined| joined.push(Joined { transaction, lock: None, greenlet }));
        Self(transaction)
    }
}

impl Drop for InTransaction {
    fn drop(&mut self) {
        change_joined(|joined| joined.retain(|joined| joined.transaction != self.0));
    }
}

/// Notes that a transaction has locked a value.
pub(crate) fn join(value: &DynValue, transaction: usize, greenlet: usize) {
    let lock = Some(value.lock_id());
    change_joined(|joined| {
        if !joined.iter().any(|joined| joined.transaction == transaction && joined.lock == lock) {
            joined.push(Joined { transaction, lock, greenlet });
        }
    });
}

fn change_joined(change: impl FnOnce(&mut Vec<Joined>)) {
    JOINED.with_borrow_mut(|joined| {
        change(joined);
        COUNTS.set(Counts { joined: joined.len(), ..COUNTS.get() });
    });
}

/// The code that took the lock.
#[derive(Clone, Copy, Default)]
struct Holder {
    /// The value of the context variable, which is 0 in a context that is no copy of the holder's, and if the program could not run
    /// several tasks then.
    mark: u64,
    runner: Runner,
}

impl Holder {
    /// Returns the holder that is running, and marks its context.
    fn enter(py: Python<'_>) -> PyResult<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if !runner::may_differ(py)? {
            return Ok(Self::default());
        }
        let mut mark = mark(py)?;
        if mark == 0 {
            mark = NEXT.fetch_add(1, Ordering::Relaxed);
            variable(py)?.set.bind(py).call1((mark,))?;
        }
        Ok(Self { mark, runner: runner::current(py)? })
    }

    /// Returns whether the code that is running is another task or greenlet.
    fn is_another(self, py: Python<'_>) -> PyResult<bool> {
        if !runner::may_differ(py)? {
            return Ok(false);
        }
        Ok(self.mark != mark(py)? || !self.runner.is(runner::current(py)?))
    }
}

/// The functions of the context variable.
struct Variable {
    get: Py<PyAny>,
    set: Py<PyAny>,
}

fn variable(py: Python<'_>) -> PyResult<&'static Variable> {
    static VARIABLE: PyOnceLock<Variable> = PyOnceLock::new();
    VARIABLE.get_or_try_init(py, || {
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        let arguments = PyDict::new(py);
        arguments.set_item("default", 0)?;
        let variable = class.call(("shared_value_holder",), Some(&arguments))?;
        Ok(Variable { get: variable.getattr("get")?.unbind(), set: variable.getattr("set")?.unbind() })
    })
}

fn mark(py: Python<'_>) -> PyResult<u64> {
    variable(py)?.get.bind(py).call0()?.extract()
}

/// Checks that the running code may use a value: no other task of this thread holds its lock.
#[inline]
pub(crate) fn check(py: Python<'_>, value: &DynValue) -> PyResult<()> {
    if Counts::are_zero() { Ok(()) } else { check_holder(py, value, true) }
}

/// Checks that the running code may read a value: it does not belong to another task than the holder.
#[inline]
pub(crate) fn check_read(py: Python<'_>, value: &DynValue) -> PyResult<()> {
    if Counts::are_zero() || !runner::may_differ(py)? { Ok(()) } else { check_holder(py, value, false) }
}

#[inline(never)]
fn check_holder(py: Python<'_>, value: &DynValue, is_write: bool) -> PyResult<()> {
    let lock = value.lock_id();
    let found = HOLDS.with_borrow(|holds| {
        holds.iter().find(|hold| hold.lock == lock).map(|hold| (hold.holder, hold.is_rolled_back))
    });
    if COUNTS.get().joined != 0 {
        check_transaction(py, value, found.is_none())?;
    }
    let Some((holder, is_rolled_back)) = found else { return Ok(()) };
    let may_fail = runner::may_differ(py)? || (is_write && is_rolled_back);
    // In a forked child, the holds of the parent's thread mean nothing.
    if !may_fail || value.lock_state() != LockState::HeldHere {
        return Ok(());
    }
    if holder.is_another(py)? {
        return Err(PyRuntimeError::new_err(format!(
            "another task of this thread holds the lock of {}: do not keep a lock across an await",
            value.segment_name()
        )));
    }
    if is_write && is_rolled_back {
        return Err(rolled_back());
    }
    Ok(())
}

/// Checks that no other greenlet of this thread has locked a value in a transaction. `is_other` says that the lock is that of no
/// block: if this thread holds it, a transaction does.
#[cold]
fn check_transaction(py: Python<'_>, value: &DynValue, is_other: bool) -> PyResult<()> {
    let (lock, current) = (Some(value.lock_id()), runner::stack(py)?);
    let is_anothers = JOINED.with_borrow(|joined| match joined.iter().find(|joined| joined.lock == lock) {
        Some(joined) => joined.greenlet != current,
        None => is_other && joined.iter().all(|joined| joined.greenlet != current),
    });
    if !is_anothers || value.lock_state() != LockState::HeldHere {
        return Ok(());
    }
    Err(PyRuntimeError::new_err(format!(
        "a transaction of another greenlet of this thread has locked {}: do not switch in the function of a transaction",
        value.segment_name()
    )))
}

fn rolled_back() -> PyErr {
    PyRuntimeError::new_err(
        "an exception has left an inner block of this lock, so all changes under the lock were discarded: leave the outer \
         block too, or call rollback() to begin again",
    )
}

/// Takes the lock.
pub(crate) fn enter(py: Python<'_>, value: &DynValue, patience: Patience) -> PyResult<()> {
    let lock = value.lock_id();
    check(py, value)?;
    let is_first =
        Counts::are_zero() || HOLDS.with_borrow(|holds| !holds.iter().any(|hold| hold.lock == lock && hold.is_live()));
    let holder = if is_first { Some(Holder::enter(py)?) } else { None };
    let taken = patiently(py, patience, |timeout| {
        if timeout.is_zero() { DetachedHold::try_lock(value) } else { DetachedHold::lock_timeout(value, timeout) }
    })?;
    let is_noted = HOLDS.with_borrow_mut(|holds| {
        if let Some(holder) = holder {
            // In a forked child, the holds of the parent's thread mean nothing.
            if !holds.is_empty() {
                holds.retain(Hold::is_live);
            }
            holds.push(Hold { lock, outer: taken, inner: Vec::new(), holder, is_rolled_back: false });
            COUNTS.set(Counts { holds: holds.len(), ..COUNTS.get() });
        } else if let Some(hold) = holds.iter_mut().find(|hold| hold.lock == lock) {
            hold.inner.push(taken);
        } else {
            // A signal handler has left the outer block while this one waited.
            return Err(taken.release(value));
        }
        Ok(())
    });
    match is_noted {
        Ok(()) => Ok(()),
        Err(released) => released.or_raise(py).and(Err(not_held())),
    }
}

/// Releases the lock. The last release commits, or rolls back if the block has failed.
pub(crate) fn leave(py: Python<'_>, value: &DynValue, has_failed: bool) -> PyResult<()> {
    let lock = value.lock_id();
    let (released, was_rolled_back, is_last) = HOLDS.with_borrow_mut(|holds| {
        let found = holds.iter().position(|hold| hold.lock == lock && hold.is_live());
        let index = found.ok_or_else(not_held)?;
        let hold = &mut holds[index];
        let was_rolled_back = hold.is_rolled_back;
        hold.is_rolled_back |= has_failed;
        let innermost = hold.innermost();
        let rolled_back = if has_failed || was_rolled_back { innermost.rollback(value) } else { Ok(()) };
        let released = rolled_back.and(innermost.release(value));
        let is_last = hold.inner.pop().is_none();
        if is_last {
            holds.swap_remove(index);
            COUNTS.set(Counts { holds: holds.len(), ..COUNTS.get() });
        }
        Ok::<_, PyErr>((released, was_rolled_back, is_last))
    })?;
    // An exception may run Python code, which may come back here.
    released.or_raise(py)?;
    if is_last && was_rolled_back && !has_failed { Err(rolled_back()) } else { Ok(()) }
}

impl Hold {
    fn is_live(&self) -> bool {
        self.innermost().is_mine()
    }

    fn innermost(&self) -> &DetachedHold {
        self.inner.last().unwrap_or(&self.outer)
    }
}

fn not_held() -> PyErr {
    PyRuntimeError::new_err("this thread does not hold the lock")
}

/// Lets the work use the innermost guard of this thread.
fn with_guard(
    py: Python<'_>,
    value: &DynValue,
    work: impl FnOnce(&mut Hold) -> Result<(), shared_value::Error>,
) -> PyResult<()> {
    check_holder(py, value, false)?;
    let lock = value.lock_id();
    let worked = HOLDS.with_borrow_mut(|holds| {
        let hold = holds.iter_mut().find(|hold| hold.lock == lock && hold.is_live()).ok_or_else(not_held)?;
        Ok::<_, PyErr>(work(hold))
    })?;
    // An exception may run Python code, which may come back here.
    worked.or_raise(py)
}

/// Commits what this thread has written, and keeps the lock.
pub(crate) fn commit(py: Python<'_>, value: &DynValue) -> PyResult<()> {
    check(py, value)?;
    with_guard(py, value, |hold| hold.innermost().commit(value))
}

/// Discards what this thread has written, and keeps the lock.
pub(crate) fn rollback(py: Python<'_>, value: &DynValue) -> PyResult<()> {
    with_guard(py, value, |hold| {
        hold.innermost().rollback(value)?;
        hold.is_rolled_back = false;
        Ok(())
    })
}

/// Returns whether the lock was taken over from an owner that died.
pub(crate) fn recovered(value: &DynValue) -> bool {
    let lock = value.lock_id();
    HOLDS.with_borrow(|holds| {
        let mut holds = holds.iter().filter(|hold| hold.lock == lock && hold.is_live());
        holds.any(|hold| hold.outer.recovered())
    })
}
