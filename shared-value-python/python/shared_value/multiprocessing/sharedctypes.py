"""`multiprocessing.sharedctypes`: values and arrays of ctypes in shared memory, with and without a lock."""

from shared_value.multiprocessing._raw import RawArray, RawValue, copy
from shared_value.multiprocessing._wrappers import Array, Value, synchronized

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]
