"""The smallest change of a manifest that says one thing more, or says it differently.

Values alone: what is wanted is decided in `credentials/advice.py`, where it stands is found in
`manifest/line_changes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.source import SourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedField:
    """What one field of a manifest should say."""

    path: tuple[str, ...]
    """Such as `("spec", "scopes", "Webhooks")`."""
    text: str
    """What is to stand there, as YAML writes it."""
    is_entry: bool = False
    """Whether it is one more entry of the list at the path."""
    beside: tuple[str, ...] = ()
    """Entries that are written with it where the manifest has no such list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """One line of a manifest that is replaced, or lines that are put in above it."""

    where: SourceRef
    before: str | None
    """The line as it stands; None where new lines go above it."""
    after: tuple[str, ...]
    """The lines that stand there afterwards."""
