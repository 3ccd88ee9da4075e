"""Marks of uses as they are stored: one text to a version, read again when somebody looks.

What verifiers may write is not trusted further than it reaches: an entry that cannot be read is
left out, and keeps nobody from planning.

Compatibility: the text is a JSON list of `[kind, subject, last_at, times]`, newest first. Kinds are
only added; a program that does not know one leaves it out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from reconciler.adapters.sql_records import json_text
from reconciler.model.canonical import instant
from reconciler.model.uses import UseKind, UseMark, newest_first

NO_MARKS = "[]"


class StoredMarks(Mapping[str, tuple[UseMark, ...]]):
    """The marks of many versions by version id, each read when it is looked up: a plan of many
    keys looks at few.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts`: the stored text of each version that has one."""
        self._texts = texts

    def __getitem__(self, version_id: str) -> tuple[UseMark, ...]:
        return marks_of(version_id, self._texts[version_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def marks_of(version_id: str, text: str) -> tuple[UseMark, ...]:
    """Read the marks of one version, newest first."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    listed = entries if isinstance(entries, list) else ()
    found = (_mark_of(version_id, entry) for entry in listed)
    return newest_first(mark for mark in found if mark is not None)


def marks_text(marks: Iterable[UseMark]) -> str:
    """Write the marks of one version."""
    return json_text([[m.kind.value, m.subject, instant(m.last_at), m.times] for m in marks])


def _mark_of(version_id: str, entry: Any) -> UseMark | None:
    """Read one mark; None where it is none that can be shown."""
    try:
        kind, subject, last_at, times = entry
        mark = UseMark(
            version_id=version_id,
            kind=UseKind(kind),
            subject=str(subject),
            last_at=datetime.fromisoformat(last_at),
            times=int(times),
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return mark if mark.is_legible and mark.last_at.tzinfo is not None else None
