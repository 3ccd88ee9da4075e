"""A sink that could not be opened: it says why wherever a secret would be needed.

What needs no sink goes on without one: ending access, and maintenance of the store alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from reconciler.errors import KeyrecError
from reconciler.model.policy import SinkKind
from reconciler.ports import CheckResult, SecretPayload


class AbsentSink:
    """Raises the error of its opening; implements `reconciler.ports.SecretSink`."""

    custody = ""

    def __init__(self, kind: SinkKind, error: KeyrecError) -> None:
        """Keep the error that every use of the sink is answered with."""
        self.kind = kind
        self._error = error

    def identity(self) -> NoReturn:
        """Raise the error."""
        raise self._error

    def preflight(self) -> tuple[CheckResult, ...]:
        """Give the error as one failed check."""
        error = self._error
        return (CheckResult(name="sink", passed=False, message=error.message, advice=error.advice),)

    def write(self, path: str, payload: SecretPayload, *, expected: int) -> NoReturn:
        """Raise the error."""
        del path, payload, expected
        raise self._error

    def observe(self, path: str) -> NoReturn:
        """Raise the error."""
        del path
        raise self._error

    def destroy(self, path: str, versions: Sequence[int]) -> NoReturn:
        """Raise the error."""
        del path, versions
        raise self._error

    def read_anchor(self) -> NoReturn:
        """Raise the error."""
        raise self._error

    def write_anchor(self, text: str, *, expected: int) -> NoReturn:
        """Raise the error."""
        del text, expected
        raise self._error

    def close(self) -> None:
        """Nothing was opened."""
