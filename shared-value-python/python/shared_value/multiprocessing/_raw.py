"""Values without a lock: ctypes objects in shared memory."""

import ctypes
import operator
from typing import Any

from shared_value._core import Memory
from shared_value.multiprocessing._handing_over import attach
from shared_value.multiprocessing._types import type_of


def RawValue(typecode_or_type: Any, *args: Any) -> Any:
    """Returns a ctypes object in shared memory, without a lock.

    `typecode_or_type` is a ctypes type, or a typecode as of the module `array`. `args` go to the type's constructor.
    """
    obj = _new(type_of(typecode_or_type))
    obj.__init__(*args)
    return obj


def RawArray(typecode_or_type: Any, size_or_initializer: Any) -> Any:
    """Returns a ctypes array in shared memory, without a lock.

    `size_or_initializer` is the length, and then all elements are zero; or a sequence of the elements.
    """
    kind = type_of(typecode_or_type)
    try:
        length = operator.index(size_or_initializer)
    except TypeError:
        items = size_or_initializer
        result = _new(kind * len(items))
        result.__init__(*items)
        return result
    return _new(kind * length)


def copy(obj: Any) -> Any:
    """Returns a copy of a ctypes object, in shared memory, without a lock."""
    result = _new(type_of(type(obj)))
    ctypes.pointer(result)[0] = obj
    return result


def _new(kind: Any) -> Any:
    """Returns an object of the type whose bytes are zero."""
    memory = Memory(ctypes.sizeof(kind))
    return attach(kind, memory)
