"""The README's `Account`, declared in Python."""

from typing import Annotated

import shared_value as sv


@sv.struct
class Account:
    """An account."""

    balance: sv.i64
    frozen: sv.bool
    limits: Annotated[list[int], sv.array(sv.u32, 4)]
    requests: sv.Atomic[sv.u64] = 0


START = Account(100, False, [10, 20, 30, 40])
