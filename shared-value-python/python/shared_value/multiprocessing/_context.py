"""Contexts of multiprocessing whose values and locks are those of this package."""

import multiprocessing
from multiprocessing import context
from multiprocessing.synchronize import Condition as PythonCondition
from typing import Any

from shared_value._core import Lock, RLock
from shared_value.multiprocessing import _raw, _wrappers


class _Robust(context.BaseContext):
    """The factories of a context that make values and locks."""

    def Value(self, typecode_or_type: Any, *args: Any, lock: Any = True) -> Any:
        """Returns a value in shared memory, with a lock."""
        return _wrappers.Value(typecode_or_type, *args, lock=lock)

    def Array(self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True) -> Any:
        """Returns an array in shared memory, with a lock."""
        return _wrappers.Array(typecode_or_type, size_or_initializer, lock=lock)

    def RawValue(self, typecode_or_type: Any, *args: Any) -> Any:
        """Returns a ctypes object in shared memory, without a lock."""
        return _raw.RawValue(typecode_or_type, *args)

    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        """Returns a ctypes array in shared memory, without a lock."""
        return _raw.RawArray(typecode_or_type, size_or_initializer)

    def Lock(self) -> Any:
        """Returns a lock that its holder may not take again."""
        return Lock()

    def RLock(self) -> Any:
        """Returns a lock that its holder may take again."""
        return RLock()

    def Condition(self, lock: Any = None) -> Any:
        """Returns a condition, whose lock is one of this package unless one is given."""
        return _condition(lock, self.get_context())

    def get_context(self, method: str | None = None) -> Any:
        """Returns the context of a start method. Without one, Python's own context of this start method.

        Python's queues, pools, events, semaphores, barriers and managers ask for that, and so keep Python's locks: a robust lock
        would let a process read on in a pipe in the middle of the message that a killed one has begun to read.
        """
        return multiprocessing.get_context(self.get_start_method()) if method is None else get_context(method)


class ForkContext(_Robust, context.ForkContext):
    """The context of the start method `fork`."""


class SpawnContext(_Robust, context.SpawnContext):
    """The context of the start method `spawn`."""


class ForkServerContext(_Robust, context.ForkServerContext):
    """The context of the start method `forkserver`."""


_contexts: dict[str, context.BaseContext] = {
    made._name: made for made in (ForkContext(), SpawnContext(), ForkServerContext())
}


def get_context(method: str | None = None) -> Any:
    """Returns the context of a start method; without one, that of the default start method."""
    # Python checks the method, and fixes the default one.
    return _contexts[multiprocessing.get_context(method).get_start_method()]


def Condition(lock: Any = None) -> Any:
    """Returns a condition, whose lock is one of this package unless one is given."""
    return _condition(lock, multiprocessing.get_context())


def _condition(lock: Any, ctx: Any) -> Any:
    chosen: Any = RLock() if lock is None else lock
    return PythonCondition(chosen, ctx=ctx)
