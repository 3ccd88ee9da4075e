"""The room of a comment: what fits is taken, what does not is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Page:
    """Lines as long as there is room."""

    def __init__(self, room: int) -> None:
        self.lines: list[str] = []
        self.room = room

    def fits(self, lines: Iterable[str], spare: int = 0) -> bool:
        """Take the lines where all of them fit, with as many characters to spare.

        They are drawn one by one, and no further than there is room.
        """
        new: list[str] = []
        left = self.room
        for line in lines:
            left -= len(line) + 1
            if left < spare:
                return False
            new.append(line)
        self.lines += new
        self.room = left
        return True

    def take(
        self, items: Iterable[_T], drawn: Callable[[_T], Iterable[str]], spare: int
    ) -> list[_T]:
        """Draw in order each item that fits as a whole, and give those that did not.

        One that is too large keeps out no smaller one behind it.
        """
        return [item for item in items if not self.fits(drawn(item), spare)]

    def fold(
        self, title: str, items: Sequence[_T], drawn: Callable[[_T], Iterable[str]], spare: int
    ) -> None:
        """Fold a list away; nothing where there is none."""
        if not items or not self.fits(_opening(title, items), spare):
            return
        self.rest(len(self.take(items, drawn, spare)))
        self.fits(["", "</details>", ""])

    def rest(self, number: int) -> None:
        """Say how many items of a list did not fit."""
        if number:
            self.fits([f"- … and {number} more in the saved plan."])


def _opening(title: str, items: Sequence[object]) -> tuple[str, str]:
    return f"<details><summary>{title}: {len(items)}</summary>", ""
