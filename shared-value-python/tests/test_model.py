"""Random programs against a model: the value is always that of a dictionary that is changed in the same way."""

import copy
from typing import Annotated, Any

import pytest
import shared_value as sv
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule


@sv.struct
class Point:
    x: sv.f64
    tag: sv.u8


@sv.struct
class Model:
    balance: sv.i64
    frozen: sv.bool
    title: Annotated[str, sv.text(12)]
    limits: Annotated[list[int], sv.array(sv.u16, 5)]
    points: Annotated[list[Point], sv.array(Point, 3)]


titles = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-(1 << 63), (1 << 63) - 1)
small = st.integers(0, (1 << 16) - 1)
floats = st.floats(allow_nan=False)
points = st.builds(Point, floats, st.integers(0, 255))


class Machine(RuleBasedStateMachine):
    """Changes a value and a record in the same ways. Blocks may be nested, and end with or without an exception."""

    @initialize()
    def begin(self) -> None:
        self.model: Any = Model(0, False, "", [0] * 5, [Point(0.0, 0) for _ in range(3)])
        self.value = sv.new(self.model)
        self.reader = self.value.read_only()
        self.committed = copy.deepcopy(self.model)
        self.depth = 0
        self.is_rolled_back = False

    def changed(self) -> None:
        """A change outside of a block is a commit."""
        if self.depth == 0:
            self.committed = copy.deepcopy(self.model)

    def change(self, write: Any, model: Any) -> None:
        if self.is_rolled_back:
            try:
                write()
            except RuntimeError:
                return
            raise AssertionError("a write after an exception in an inner block")
        write()
        model()
        self.changed()

    @rule(number=integers)
    def balance(self, number: int) -> None:
        self.change(lambda: setattr(self.value, "balance", number), lambda: setattr(self.model, "balance", number))

    @rule(title=titles)
    def title(self, title: str) -> None:
        if len(title.encode()) > 12:
            version = self.value.version
            try:
                self.value.title = title
            except (ValueError, RuntimeError):
                assert self.value.version == version
                return
            raise AssertionError("the text is too long")
        self.change(lambda: setattr(self.value, "title", title), lambda: setattr(self.model, "title", title))

    @rule(index=st.integers(-5, 4), number=small)
    def limit(self, index: int, number: int) -> None:
        self.change(
            lambda: self.value.limits.__setitem__(index, number), lambda: self.model.limits.__setitem__(index, number)
        )

    @rule(start=st.integers(0, 5), numbers=st.lists(small, max_size=5))
    def limits(self, start: int, numbers: list[int]) -> None:
        numbers = numbers[: 5 - start]
        place = slice(start, start + len(numbers))
        self.change(
            lambda: self.value.limits.__setitem__(place, numbers), lambda: self.model.limits.__setitem__(place, numbers)
        )

    @rule(index=st.integers(0, 2), point=points)
    def point(self, index: int, point: Point) -> None:
        self.change(
            lambda: self.value.points[index].set(point), lambda: self.model.points.__setitem__(index, copy.copy(point))
        )

    @rule(index=st.integers(0, 2), x=floats)
    def part_of_a_point(self, index: int, x: float) -> None:
        self.change(
            lambda: self.value.__setitem__(f"points[{index}].x", x), lambda: setattr(self.model.points[index], "x", x)
        )

    @rule(number=st.integers(-1000, 1000))
    def add(self, number: int) -> None:
        if -(1 << 63) <= self.model.balance + number < 1 << 63:
            self.change(
                lambda: self.value.part("balance").add(number),
                lambda: setattr(self.model, "balance", self.model.balance + number),
            )

    @rule()
    def enter(self) -> None:
        if self.is_rolled_back:
            with pytest.raises(RuntimeError, match="inner block"):
                self.value.lock().__enter__()
        elif self.depth < 4:
            self.value.lock().__enter__()
            self.depth += 1

    @rule(failed=st.booleans())
    def leave(self, failed: bool) -> None:
        if self.depth == 0:
            return
        self.depth -= 1
        block = self.value.lock()
        was_rolled_back = self.is_rolled_back
        if failed:
            block.__exit__(KeyError, KeyError(), None)
            self.model = copy.deepcopy(self.committed)
            self.is_rolled_back = self.depth > 0
        elif was_rolled_back and self.depth == 0:
            try:
                block.__exit__(None, None, None)
            except RuntimeError:
                self.is_rolled_back = False
            else:
                raise AssertionError("the outer block does not tell that its changes are lost")
        else:
            block.__exit__(None, None, None)
        self.changed()

    @rule(rolls_back=st.booleans())
    def end_of_a_step(self, rolls_back: bool) -> None:
        if self.depth == 0 or (self.is_rolled_back and not rolls_back):
            return
        if rolls_back:
            self.value.rollback()
            self.model = copy.deepcopy(self.committed)
            self.is_rolled_back = False
        else:
            self.value.commit()
            self.committed = copy.deepcopy(self.model)

    @invariant()
    def the_holder_sees_its_writes_and_others_the_commits(self) -> None:
        assert self.value.load() == self.model
        assert self.reader.load() == self.committed
        assert self.value.lock_state == ("held here" if self.depth else "free")

    def teardown(self) -> None:
        while self.depth:
            self.leave(failed=True)


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestMachine = Machine.TestCase
