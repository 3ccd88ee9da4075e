"""Which fields differ, in the words of the manifest. No decision about actions lives here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, overload

from reconciler.model.canonical import Document
from reconciler.model.keys import KeyFields, fields_document
from reconciler.model.resources import Body, document_of
from reconciler.planning.plan import FieldChange

FIELD_NAMES = {
    "environment": "environment",
    "sinkPath": "secret.path",
    "scopes": "scopes",
    "allowlist": "allowlist",
    "ranges": "allowlist (resolved)",
    "expiration": "expiration",
    "active": "active",
    "protected": "protected",
    "generation": "rotation.generation",
    "every": "rotation.every",
    "overlap": "rotation.overlap",
    "retire": "rotation.retire",
    "reissue": "reissue",
    "owner": "owner",
    "description": "description",
    "labels": "labels",
}
"""Stored field → the name that people know from the manifest, in the order of showing."""


def diff_fields(before: KeyFields | None, after: KeyFields | None) -> tuple[FieldChange, ...]:
    """Compare two states of a key's fields; None stands for a key that is not there.

    Fields that are empty on the present side are left out where the other side is absent.
    """
    old = _document(before)
    new = _document(after)
    one_sided = before is None or after is None
    changes = []
    for stored, shown in FIELD_NAMES.items():
        was, will_be = old.get(stored), new.get(stored)
        is_shown = was != will_be and not (one_sided and _says_nothing(shown, was, will_be))
        if is_shown:
            changes.append(field_change(shown, was, will_be))
    return _without_repeats(tuple(changes))


class FieldsDiff(Sequence[FieldChange]):
    """What `diff_fields` finds, found anew whenever somebody asks: of a hundred thousand changes
    few are looked at twice, and what was found of each would take more room than the key.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, before: KeyFields | None, after: KeyFields | None) -> None:
        """Take both states."""
        self._before = before
        self._after = after

    @overload
    def __getitem__(self, index: int) -> FieldChange: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FieldChange, ...]: ...
    def __getitem__(self, index: int | slice) -> FieldChange | tuple[FieldChange, ...]:
        return self._found()[index]

    def __iter__(self) -> Iterator[FieldChange]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._found() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._found())

    def __repr__(self) -> str:
        return repr(self._found())

    def _found(self) -> tuple[FieldChange, ...]:
        return diff_fields(self._before, self._after)


def diff_bodies(before: Body | None, after: Body | None) -> tuple[FieldChange, ...]:
    """Compare two states of a resource, leaf by leaf, with dotted names."""
    old = {} if before is None else _leaves(cast("Mapping[str, Any]", document_of(before)))
    new = {} if after is None else _leaves(cast("Mapping[str, Any]", document_of(after)))
    names = sorted(old.keys() | new.keys())
    return tuple(field_change(n, old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n))


def _document(fields: KeyFields | None) -> Mapping[str, Any]:
    return {} if fields is None else cast("Mapping[str, Any]", fields_document(fields))


def field_change(name: str, before: Document, after: Document) -> FieldChange:
    """Give the change of one field; what came and what went follows from before and after."""
    if isinstance(before, _ONE) and isinstance(after, _ONE):
        return FieldChange(name=name, before=before, after=after)
    old, new = _members(before), _members(after)
    return FieldChange(
        name=name,
        before=before,
        after=after,
        added=tuple(sorted(new - old)),
        removed=tuple(sorted(old - new)),
    )


def _members(value: Document) -> set[str]:
    """Give the members of a list or mapping as texts; a scalar has none."""
    if isinstance(value, Mapping):
        return {f"{k}: {v}" for k, v in value.items()}
    if isinstance(value, list | tuple):
        return {str(v) for v in value}
    return set()


def _says_nothing(name: str, before: Document, after: Document) -> bool:
    """Whether a field of a new or ended key is at its empty default and not worth a line."""
    value = after if before is None else before
    if value in (None, "", [], {}):
        return True
    return name in _QUIET_DEFAULTS and value == _QUIET_DEFAULTS[name]


_QUIET_DEFAULTS: Mapping[str, Document] = {
    "active": True,
    "protected": False,
    "rotation.generation": 1,
    "rotation.overlap": "1d",
    "reissue": 1,
}
_ONE = (str, int, type(None))


def _without_repeats(changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """Drop the resolved ranges where the entries themselves say the same.

    An entry that names a network says nothing of its ranges, and they may change with the entry
    staying as it is.
    """
    declared = next((c for c in changes if c.name == "allowlist"), None)
    if declared is None:
        return changes
    entries = _members(declared.before) | _members(declared.after)
    if any(entry.startswith("network:") for entry in entries):
        return changes
    return tuple(c for c in changes if c.name != "allowlist (resolved)")


def _leaves(document: Mapping[str, Any], prefix: str = "") -> dict[str, Document]:
    leaves: dict[str, Document] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            leaves.update(_leaves(value, f"{prefix}{name}."))
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves
