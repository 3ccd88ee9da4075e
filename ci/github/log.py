"""The log of a job on GitHub, where some lines are commands.

What others wrote (names, descriptions, a plan's text) is shown between two lines that switch
commands off, with a word that nobody could have guessed.
"""

from __future__ import annotations

import secrets
import sys


def remark(kind: str, text: str) -> None:
    """Say something at the top of the run: `error`, `warning` or `notice`."""
    print(f"::{kind} title=keyrec::{_value(text)}", flush=True)  # noqa: T201 - the log is the result


def quoted(text: str) -> None:
    """Show foreign text: nothing in it is a command."""
    word = secrets.token_hex(16)
    sys.stdout.write(f"::stop-commands::{word}\n{text.rstrip()}\n::{word}::\n")
    sys.stdout.flush()


def commands(text: str) -> None:
    """Show annotations that keyrec made; lines that are none are left out."""
    for line in text.splitlines():
        if line.startswith(("::error ", "::warning ", "::notice ")):
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _value(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
