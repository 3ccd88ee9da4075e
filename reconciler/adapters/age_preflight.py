"""Whether an age folder could take secrets, and whether strangers could put their own in place."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.errors import KeyrecError
from reconciler.ports import CheckResult


def preflight_of(
    directory: Path, recipients: Sequence[str], identity: Callable[[], str]
) -> tuple[CheckResult, ...]:
    """Give one line per question; nothing is written."""
    readers = "recipient" if len(recipients) == 1 else "recipients"
    return (
        _identity(identity),
        _writable(directory),
        _guarded(directory),
        CheckResult(
            name="age recipients",
            passed=True,
            message=f"Secrets are encrypted to {len(recipients)} {readers}.",
        ),
    )


def _identity(identity: Callable[[], str]) -> CheckResult:
    name = "age folder"
    try:
        return CheckResult(name=name, passed=True, message=f"The folder is {identity()}.")
    except KeyrecError as error:
        return CheckResult(name=name, passed=False, message=error.message, advice=error.advice)


def _writable(directory: Path) -> CheckResult:
    passed = os.access(directory, os.W_OK | os.X_OK)
    return CheckResult(
        name="age folder writable",
        passed=passed,
        message="keyrec may write there." if passed else "keyrec may not write there.",
        advice="" if passed else "Give keyrec's user the right to write in sink.age.directory.",
    )


def _guarded(directory: Path) -> CheckResult:
    name = "age folder guarded"
    try:
        mode = stat.S_IMODE(directory.stat().st_mode)
    except OSError:
        return CheckResult(name=name, passed=False, message="The folder cannot be looked at.")
    passed = not mode & 0o002
    return CheckResult(
        name=name,
        passed=passed,
        message=f"The folder's mode is {mode:04o}.",
        advice="" if passed else "Run `chmod o-w` on it: everybody could replace what is there.",
    )
