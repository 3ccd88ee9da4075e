"""Taking many things in lists of a few, so that no transaction grows without bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Give the items in lists of at most that many."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
