"""How a run of the program that failed says so.

Whatever is written here is searched once more for anything that looks like one of our keys: an
argument that a person pasted, or the text of an exception nobody expected.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from reconciler.cli.session import Session
from reconciler.errors import KeyrecError
from reconciler.model.token import TOKEN_PATTERN
from reconciler.render.errors import error_json, error_text

_TOKEN = re.compile(TOKEN_PATTERN)
_REDACTED = "[redacted]"
_SHOWN_TRACEBACK = 2
"""From so many -v on."""


def write_error(error: KeyrecError, session: Session) -> None:
    """Write an expected error: to stdout as JSON where the result would be JSON, else to stderr."""
    if session.format == "json":
        session.show(_redacted(error_json(error)))
        return
    session.warn(_redacted(error_text(error, session.error_style)))


def write_fault(error: BaseException, session: Session) -> None:
    """Write an unexpected error as one line; -vv adds the traceback, never with locals."""
    session.warn(f"Error: keyrec met a fault of its own: {_place(error)}")
    if session.verbosity >= _SHOWN_TRACEBACK:
        session.warn(_redacted("".join(traceback.format_exception(error))))
    else:
        session.warn("  Run it again with -vv, and report what it shows.")


def _place(error: BaseException) -> str:
    """Name the exception and where it came from; its text may hold anything and is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno} ({last.name})"


def _redacted(text: str) -> str:
    return _TOKEN.sub(_REDACTED, text)
