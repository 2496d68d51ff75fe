"""Typed values in shared memory, with locks that survive their owner."""

from shared_value._core import names

__all__ = ["names"]
