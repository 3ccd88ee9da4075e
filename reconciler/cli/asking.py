"""Asking a person: only at a terminal, the question on stderr, the answer from stdin."""

from __future__ import annotations

import sys

from reconciler.config import environment


def is_attended() -> bool:
    """Whether somebody can answer; CI never does."""
    return sys.stdin.isatty() and not environment().get("CI")


def has_said_yes(question: str) -> bool:
    """Whether the answer is y or yes; the end of input is a no."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
