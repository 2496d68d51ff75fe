"""How values reach the processes that multiprocessing starts."""

import atexit
import copyreg
import ctypes
import os
import weakref
from multiprocessing import context
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

from shared_value._core import Lock, Memory, RLock, RobustLock, Segment, begin_generation, lock_of, rlock_of


def attach(kind: Any, memory: Any) -> Any:
    """Returns an object of a ctypes type that lies in this memory, and that multiprocessing can hand over."""
    ForkingPickler.register(kind, _reduce_object)
    # The memory may be that of Python's own values: both modules register their reducers for the types of ctypes.
    obj = kind.from_buffer(memory if isinstance(memory, Memory) else memory.create_memoryview())
    obj._wrapper = memory
    return obj


def register() -> None:
    """Tells pickle how memory and locks are handed over, and the memory who its process is."""
    copyreg.pickle(Memory, _reduce_memory)
    copyreg.pickle(Segment, _reduce_segment)
    copyreg.pickle(RLock, _reduce_lock)
    copyreg.pickle(Lock, _reduce_lock)
    os.register_at_fork(after_in_child=begin_generation)
    atexit.register(begin_generation)


def _reduce_object(obj: Any) -> Any:
    context.assert_spawning(obj)
    memory = obj._wrapper
    if isinstance(obj, ctypes.Array):
        return _rebuild_array, (obj._type_, obj._length_, memory)
    return attach, (type(obj), memory)


def _rebuild_array(kind: Any, length: int, memory: Any) -> Any:
    # pickle does not find the class of an array by its name.
    return attach(kind * length, memory)


def _reduce_memory(memory: Memory) -> Any:
    context.assert_spawning(memory)
    _keep_for_child(memory)
    return Memory.open, memory.place()


def _reduce_segment(segment: Segment) -> Any:
    context.assert_spawning(segment)
    return _open_segment, (DupFd(segment.fileno()), segment.is_arena)


def _open_segment(duplicate: Any, is_arena: bool) -> Segment:
    descriptor = duplicate.detach()
    try:
        return Segment.open(descriptor, is_arena)
    finally:
        os.close(descriptor)


def _reduce_lock(lock: RobustLock) -> Any:
    context.assert_spawning(lock)
    return _rebuild_lock, (lock.memory(), isinstance(lock, RLock))


def _rebuild_lock(memory: Memory, is_recursive: bool) -> RobustLock:
    return rlock_of(memory) if is_recursive else lock_of(memory)


# What each child was given: this process may drop a value before the child has opened it.
_kept: "weakref.WeakKeyDictionary[Any, list[Memory]]" = weakref.WeakKeyDictionary()


def _keep_for_child(memory: Memory) -> None:
    """Keeps memory as long as multiprocessing keeps its record of the child that is being started."""
    _kept.setdefault(context.get_spawning_popen(), []).append(memory)
