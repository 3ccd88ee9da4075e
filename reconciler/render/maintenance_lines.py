"""What time brings, counted by kind and reason, or each by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from reconciler.model.moments import moment
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.plan import MaintenanceItem
from reconciler.render.style import escape
from reconciler.render.words import counted

_ROTATION_WORDS = {
    Reason.ROTATION_DUE: "due by schedule",
    Reason.SINK_CHANGED: "into the new sink",
    Reason.RECIPIENT_REMOVED: "after a recipient was removed",
    Reason.NO_LIVE_VERSION: "of keys without a working secret",
    Reason.SINK_PATH_DELETED: "of secrets that were deleted in the sink",
    Reason.SINK_ROLLED_BACK: "of secrets that were rolled back in the sink",
    Reason.STORE_RESTORED: "after the store was restored",
    Reason.REQUESTED: "asked for at the command line",
}


def maintenance_line(items: tuple[MaintenanceItem, ...]) -> str:
    """Count the items: `Maintenance: 3 rotations due by schedule, 1 secret past its overlap.`"""
    counts = Counter((item.kind, item.reason) for item in items)
    ordered = sorted(counts.items(), key=lambda entry: _rank(*entry[0]))
    texts = (_kind_text(kind, reason, number) for (kind, reason), number in ordered)
    return f"Maintenance: {', '.join(texts)}."


def _rank(kind: MaintenanceKind, reason: Reason | None) -> tuple[int, int]:
    return list(MaintenanceKind).index(kind), -1 if reason is None else list(Reason).index(reason)


def _kind_text(kind: MaintenanceKind, reason: Reason | None, number: int) -> str:
    match kind:
        case MaintenanceKind.RESUME:
            return counted(number, "interrupted operation") + " to finish"
        case MaintenanceKind.ROTATE:
            return f"{counted(number, 'rotation')} {_rotation_words(reason)}".rstrip()
        case MaintenanceKind.RETIRE:
            if reason is Reason.UNUSED:
                return counted(number, "replaced secret") + " that nobody uses any more"
            return counted(number, "secret past its overlap", "secrets past their overlap")
        case MaintenanceKind.DESTROY:
            return counted(number, "ended copy", "ended copies") + " to destroy in the sink"
        case MaintenanceKind.REPAIR:
            return counted(number, "changed path") + " that a person has to decide about"
        case _:
            assert_never(kind)


def _rotation_words(reason: Reason | None) -> str:
    return "" if reason is None else _ROTATION_WORDS.get(reason, f"({reason.value})")


def item_lines(items: tuple[MaintenanceItem, ...]) -> Iterator[str]:
    """Give one line for each item."""
    for item in items:
        parts = (
            f"  {item.kind.value:<8} {escape(item.address)}",
            "" if item.reason is None else item.reason.value,
            "" if item.version_id is None else f"version {escape(item.version_id)}",
            "" if item.path is None else f"at {_place(item.path, item.sink_version)}",
            "" if item.due_since is None else f"since {moment(item.due_since)}",
        )
        yield ", ".join(part for part in parts if part)


def _place(path: str, version: int | None) -> str:
    return escape(path) if version is None else f"{escape(path)} (version {version} there)"
