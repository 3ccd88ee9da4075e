"""Sharing long work with a second process: we begin at the front, it begins at the end, and where
the two meet all is done.

So neither has to know how fast the other one is: one that is slow, or ends too early, has done
less. What it has done comes as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from operator import is_
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

LEAST = 128 * 1024
"""Bytes of files that are worth a second process."""
_LOOK_EVERY = 32 * 1024
"""Bytes of files after which it is asked what has come."""


class Arrivals(Protocol):
    """What comes from the other process."""

    def arrived(self) -> Iterator[bytes | None]:
        """Give what has come by now and was not given yet; waits for nothing."""


class Sharing(Protocol):
    """Another process to share work with."""

    def backwards(
        self, items: Sequence[Item], work: Callable[[Item], bytes | None]
    ) -> AbstractContextManager[Arrivals] | None:
        """Have it work from the last item to the first, and end it with the context; None where
        there is none to be had.
        """


@dataclass(frozen=True, slots=True)
class Begun:
    """Another process that was lent some work before we come to it ourselves."""

    items: Sequence[object]
    arrivals: Arrivals

    def backwards(
        self, items: Sequence[Item], work: Callable[[Item], bytes | None]
    ) -> AbstractContextManager[Arrivals] | None:
        """Give what it works at, to whoever comes with the same items; it ends with its own
        context.
        """
        del work
        is_it = len(items) == len(self.items) and all(map(is_, items, self.items))
        return nullcontext(self.arrivals) if is_it else None


def met(
    items: Sequence[Item],
    size: Callable[[Item], int],
    other: Arrivals,
    *,
    here: Callable[[Item], Done],
    come: Callable[[Item, bytes | None], Done],
) -> list[Done]:
    """Do all of the work, in order: `here` what we come to first, `come` with what came of it where
    the other process did. `size` says how much of an item there is.
    """
    front: list[Done] = []
    back: list[Done] = []
    unseen = 0
    while len(front) + len(back) < len(items):
        if unseen >= _LOOK_EVERY:
            unseen = 0
            for content in other.arrived():
                back.append(come(items[-1 - len(back)], content))
                if len(front) + len(back) == len(items):
                    break
            continue
        item = items[len(front)]
        unseen += size(item)
        front.append(here(item))
    back.reverse()
    return front + back
