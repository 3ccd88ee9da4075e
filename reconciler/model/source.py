"""Where something stands in a manifest, what is wrong there, and of which revision it is.

Positions count lines and columns from 1. Nothing here reads files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SourceRef:
    """A place in a manifest file."""

    file: str
    """Path as the reader named it: relative to the repository, with forward slashes."""
    line: int
    column: int
    end_line: int = 0
    """Last line of the document, 0 where it is not known."""

    def __str__(self) -> str:
        """Give `file:line:column`, the form that terminals and editors link."""
        return f"{self.file}:{self.line}:{self.column}"


FieldPlace: TypeAlias = tuple[str, int, int]
"""A field's dotted manifest path, its line and its column, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One reason why a manifest is refused, with its mend."""

    where: SourceRef
    code: str
    """Stable kebab-case name of the rule, for machines and for the reference."""
    message: str
    """One sentence that says what is wrong; never a suspected secret."""
    advice: str = ""
    """What to write instead."""
    snippet: str = ""
    """The offending line, redacted where it holds anything token-shaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Where manifests came from."""

    commit: str | None = None
    """Full git commit id, None outside a repository."""
    dirty: bool = False
    """Whether the working tree differs from that commit."""


def counted(problems: tuple[Problem, ...]) -> str:
    """Say how many there are: `1 problem`, `3 problems`."""
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
