"""Counts the steps of a backtracking match, so that a slow pattern is found without a clock.

A plain interpreter of the parse trees of ``re``: each character that is looked at, and each way that is taken
up again, is a step. The engine of ``re`` takes the same ways in the same order, with a smaller constant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

Rest = Callable[[int], bool]
Matcher = Callable[[int, Rest], bool]

_ONE = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}
_LOOPS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}


class TooManyStepsError(Exception):
    """More steps than were allowed."""


class _Taken(dict[str, bool]):
    """Whether one item of a pattern takes a character; none takes the end of a text, which is ""."""

    def __init__(self, one: re.Pattern[Any], of_bytes: bool) -> None:
        super().__init__({"": False})
        self._one, self._of_bytes = one, of_bytes

    def __missing__(self, c: str) -> bool:
        given = c.encode() if self._of_bytes else c
        self[c] = found = self._one.fullmatch(given) is not None
        return found


class Steps:
    """Matches one pattern at any place of a text and counts."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self.over("")
        self._bytes = isinstance(pattern.pattern, bytes)
        self._tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self._flags = self._tree.state.flags
        self._match = self._series(list(self._tree))

    def over(self, text: str, most: float = math.inf) -> Steps:
        """Return itself over another text, with no step counted yet and at most so many to come."""
        self.text, self.most, self.steps, self.far = text, most, 0, 0
        self._characters = [*text, ""]
        self._groups: dict[int, tuple[int, int]] = {}
        return self

    def match(self) -> bool:
        """Return whether the pattern matches at the beginning."""
        return self._from(0)

    def search(self) -> bool:
        """Return whether the pattern matches at any place."""
        return any(self._from(k) for k in range(len(self.text) + 1))

    def _from(self, place: int) -> bool:
        self._begin = place
        return self._match(place, lambda end: True)

    def _step(self, place: int) -> None:
        """Count a step, and keep how far from where a match begins it looks."""
        self.steps += 1
        if place - self._begin > self.far:
            self.far = place - self._begin
        if self.steps > self.most:
            raise TooManyStepsError(self.steps)

    def _single(self, item: Any) -> re.Pattern[Any]:
        tree = _parser.SubPattern(self._tree.state, [item])
        return _compiler.compile(tree, self._flags)

    def _character(self, item: Any) -> Callable[[int], bool]:
        """Whether the character at a place is one that a literal or a set takes."""
        taken = _Taken(self._single(item), self._bytes)
        return lambda place: taken[self._characters[place]]

    def _series(self, items: list[Any]) -> Matcher:
        parts = [self._part(item) for item in items]
        if len(parts) == 1:
            return parts[0]

        def run(place: int, rest: Rest, k: int = 0) -> bool:
            if k == len(parts):
                return rest(place)
            return parts[k](place, lambda end: run(end, rest, k + 1))

        return run

    def _part(self, item: Any) -> Matcher:
        kind, value = item
        if kind in _ONE:
            return self._one(self._character(item))
        if kind is _constants.AT:
            return self._place(self._single(item))
        if kind is _constants.BRANCH:
            return self._branch([self._series(list(way)) for way in value[1]])
        if kind is _constants.SUBPATTERN:
            outside, self._flags = self._flags, (self._flags | value[1]) & ~value[2]
            inner = self._series(list(value[3]))
            self._flags = outside
            return self._group(value[0], inner)
        if kind is _constants.ATOMIC_GROUP:
            return self._atomic(self._series(list(value)))
        if kind in _LOOPS:
            low, high, inner = value
            return self._repeat(kind, low, high, list(inner))
        if kind in {_constants.ASSERT, _constants.ASSERT_NOT}:
            return self._look(kind is _constants.ASSERT, value[0], value[1])
        if kind is _constants.GROUPREF:
            return self._again(value)
        raise NotImplementedError(kind)

    def _one(self, takes: Callable[[int], bool]) -> Matcher:
        def run(place: int, rest: Rest) -> bool:
            self._step(place)
            return takes(place) and rest(place + 1)

        return run

    def _place(self, one: re.Pattern[Any]) -> Matcher:
        def run(place: int, rest: Rest) -> bool:
            self._step(place)
            text = self.text.encode() if self._bytes else self.text
            return one.match(text, place) is not None and rest(place)

        return run

    def _branch(self, ways: list[Matcher]) -> Matcher:
        return lambda place, rest: any(way(place, rest) for way in ways)

    def _group(self, number: int | None, inner: Matcher) -> Matcher:
        if number is None:
            return inner

        def run(place: int, rest: Rest) -> bool:
            def after(end: int) -> bool:
                self._groups[number] = (place, end)
                return rest(end)

            return inner(place, after)

        return run

    def _atomic(self, inner: Matcher) -> Matcher:
        def run(place: int, rest: Rest) -> bool:
            ends: list[int] = []
            return inner(place, lambda end: not ends.append(end)) and rest(ends[0])

        return run

    def _again(self, number: int) -> Matcher:
        def run(place: int, rest: Rest) -> bool:
            begin, end = self._groups.get(number, (0, -1))
            self._step(place + max(end - begin, 0))
            same = end >= begin and self.text.startswith(self.text[begin:end], place)
            return same and rest(place + end - begin)

        return run

    def _look(self, wanted: bool, direction: int, inner: Any) -> Matcher:
        back = inner.getwidth()[1] if direction < 0 else 0
        match = self._series(list(inner))

        def run(place: int, rest: Rest) -> bool:
            begin = place - back
            found = begin >= 0 and match(begin, lambda end: True)
            return found == wanted and rest(place)

        return run

    def _repeat(self, kind: Any, low: int, high: Any, inner: list[Any]) -> Matcher:
        most = int(high)
        if len(inner) == 1 and inner[0][0] in _ONE:
            return self._run_of(kind, low, most, self._character(inner[0]))
        part = self._series(inner)

        def run(place: int, rest: Rest, done: int = 0) -> bool:
            def more() -> bool:
                return done < most and part(
                    place, lambda end: (end > place or done < low) and run(end, rest, done + 1)
                )

            if kind is _constants.MIN_REPEAT:
                return (done >= low and rest(place)) or more()
            return more() or (done >= low and rest(place))

        return self._atomic(run) if kind is _constants.POSSESSIVE_REPEAT else run

    def _run_of(self, kind: Any, low: int, most: int, takes: Callable[[int], bool]) -> Matcher:
        def run(place: int, rest: Rest) -> bool:
            end = place
            while end - place < most and takes(end):
                self._step(end)
                end += 1
                if kind is _constants.MIN_REPEAT and end - place > low and rest(end - 1):
                    return True
            if kind is _constants.POSSESSIVE_REPEAT or kind is _constants.MIN_REPEAT:
                return end - place >= low and rest(end)
            for stop in range(end, place + low - 1, -1):
                self._step(stop)
                if rest(stop):
                    return True
            return False

        return run
