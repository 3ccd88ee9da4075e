"""Troubles on order: which call of a fake fails, and whether before or after its effect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Trouble:
    error: BaseException
    method: str
    is_after: bool


class Troubles:
    """Orders for failures, served one by one for each method."""

    def __init__(self) -> None:
        """Start without any."""
        self._waiting: list[_Trouble] = []

    def order(self, error: BaseException, *, method: str, after: bool) -> None:
        """Let the next call of `method` fail, before or after its effect."""
        self._waiting.append(_Trouble(error, method, after))

    def strike(self, method: str, *, after: bool) -> None:
        """Raise what is ordered for this moment of this method; its first order only."""
        trouble = next((t for t in self._waiting if t.method == method), None)
        if trouble is not None and trouble.is_after == after:
            self._waiting.remove(trouble)
            raise trouble.error
