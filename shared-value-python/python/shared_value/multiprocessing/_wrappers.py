"""Values with a lock: wrappers of ctypes objects in shared memory."""

import ctypes
import weakref
from multiprocessing import context
from typing import Any

from shared_value._core import GuardedElements, Memory, RLock, SynchronizedBase, guard_attributes, rlock_of
from shared_value.multiprocessing._raw import RawArray, RawValue
from shared_value.multiprocessing._types import names_of


def Value(typecode_or_type: Any, *args: Any, lock: Any = True, ctx: Any = None) -> Any:
    """Returns a value in shared memory, with a lock.

    `typecode_or_type` is a ctypes type, or a typecode as of the module `array`. `args` go to the type's constructor. `lock` is True
    for a recursive lock of the value's own, False for none (the result is then that of `RawValue`), or a lock, which may guard
    other values too.
    """
    obj = RawValue(typecode_or_type, *args)
    if lock is True:
        # The way of most programs, and much shorter.
        return _class_of(type(obj))(obj, rlock_of(obj._wrapper))
    return _guarded(obj, lock, ctx)


def Array(typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True, ctx: Any = None) -> Any:
    """Returns an array in shared memory, with a lock.

    `size_or_initializer` is the length, and then all elements are zero; or a sequence of the elements. The other arguments are
    those of `Value`.
    """
    return _guarded(RawArray(typecode_or_type, size_or_initializer), lock, ctx)


def synchronized(obj: Any, lock: Any = None, ctx: Any = None) -> Any:
    """Returns a wrapper of a ctypes object whose attributes, or elements, are read and written under a lock.

    Without a lock, the object's own one is used if it lies in memory of this module, else a new one.
    """
    assert not isinstance(obj, SynchronizedBase), "object already synchronized"
    return _class_of(type(obj))(obj, lock or _own_lock(obj))


def _own_lock(obj: Any) -> Any:
    memory = getattr(obj, "_wrapper", None)
    return rlock_of(memory) if isinstance(memory, Memory) else RLock()


def _guarded(obj: Any, lock: Any, ctx: Any) -> Any:
    if lock is False:
        return obj
    if lock in (True, None):
        lock = None
    elif not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    return synchronized(obj, lock, ctx)


class Synchronized(SynchronizedBase):
    """A number or a character, and its lock."""

    __slots__ = ()

    value: Any


guard_attributes(Synchronized, ["value"])


class SynchronizedArray(GuardedElements):
    """An array and its lock. An element or a slice is read and written under the lock."""

    __slots__ = ()

    def __dlpack__(self, **options: Any) -> Any:
        """Returns the array for torch, jax and other libraries that import arrays without a copy. It needs numpy."""
        return self._numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._numpy().__dlpack_device__()

    def _numpy(self) -> Any:
        import numpy

        return numpy.ctypeslib.as_array(self.get_obj())


class SynchronizedString(SynchronizedArray):
    """An array of characters and its lock."""

    __slots__ = ()

    value: Any
    raw: Any


guard_attributes(SynchronizedString, ["value", "raw"])


def reduce(wrapper: SynchronizedBase) -> Any:
    """Returns what pickle needs of a wrapper, for a child that is being started."""
    context.assert_spawning(wrapper)
    return synchronized, (wrapper.get_obj(), wrapper.get_lock())


_classes: "weakref.WeakKeyDictionary[type[Any], type[SynchronizedBase]]" = weakref.WeakKeyDictionary()


def _class_of(kind: Any) -> type[SynchronizedBase]:
    if issubclass(kind, ctypes._SimpleCData):
        return Synchronized
    if issubclass(kind, ctypes.Array):
        return SynchronizedString if kind._type_ is ctypes.c_char else SynchronizedArray
    try:
        return _classes[kind]
    except KeyError:
        return _classes.setdefault(kind, _new_class_of(kind))


def _new_class_of(kind: Any) -> type[SynchronizedBase]:
    names = names_of(kind)
    for name in names:
        if hasattr(SynchronizedBase, name):
            raise ValueError(
                f"field `{name}` of {kind.__name__} would hide `{name}` of the wrapper: rename the field, or use `lock=False` "
                "with a lock of your own"
            )
    made = type(f"Synchronized{kind.__name__}", (SynchronizedBase,), {"__slots__": ()})
    guard_attributes(made, names)
    return made
