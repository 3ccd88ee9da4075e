"""A secret text that cannot be shown by accident.

It is revealed in one named way (`reveal`) in the few places that hash it, send it to a sink or
check it. It cannot be printed, formatted, logged, pickled, compared, hashed as a mapping key or
serialised. What it does not do: wipe memory, which Python cannot promise.
"""

from __future__ import annotations

from typing import NoReturn, final


@final
class Secret:
    """Plain text of one key, for the time between its making and the sink's answer."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        """Wrap the text."""
        self.__text = text

    def reveal(self) -> str:
        """Give the plain text; the caller must not keep it, show it or put it in an error."""
        return self.__text

    def __repr__(self) -> str:
        """Say only that there is one."""
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Give the same stars, whatever the format."""
        del spec
        return repr(self)

    def __eq__(self, other: object) -> NoReturn:
        """Refuse: compare hashes in constant time instead."""
        raise TypeError("a Secret cannot be compared")

    def __hash__(self) -> NoReturn:
        """Refuse: a secret is no mapping key."""
        raise TypeError("a Secret cannot be hashed")

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a Secret cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        """Refuse: since 3.11 every object offers its slots to serialisers."""
        raise TypeError("a Secret has no state to give")

    def __len__(self) -> NoReturn:
        """Refuse: even the length is nobody's business."""
        raise TypeError("a Secret has no length")
