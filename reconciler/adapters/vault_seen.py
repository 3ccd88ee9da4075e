"""What Vault says of a path: its version count, and whether its latest value is there and ours.

Deleted and destroyed versions keep their numbers. No clock is asked: a time of deletion that the
path's own setting may have set for later does not count as a deletion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.vault_answers import Answer, Failure, Success, Trouble
from reconciler.adapters.vault_errors import error_of
from reconciler.model.secret import Secret
from reconciler.ports import SinkContent

_NEVER = {None, "", "0s"}


def version_seen(answer: Answer, path: str) -> int:
    """Read the version count from a path's metadata; 0 where there are none."""
    if isinstance(answer, Success):
        version = answer.body.get("current_version")
        if isinstance(version, int):
            return version
        answer = Failure(trouble=Trouble.NOT_VAULT)
    if answer.trouble is Trouble.ABSENT:
        return 0
    raise error_of(answer, f"looking at {path}")


def is_destroyed(answer: Answer, version: int) -> bool:
    """Whether the metadata says that the version's value was destroyed."""
    return _entry(answer, version).get("destroyed") is True


def is_deleted(answer: Answer, version: int) -> bool:
    """Whether the metadata says that somebody deleted the version's value."""
    entry = _entry(answer, version)
    may_be_later = isinstance(answer, Success) and (
        answer.body.get("delete_version_after") not in _NEVER
    )
    return bool(entry.get("deletion_time")) and not may_be_later


def _entry(answer: Answer, version: int) -> Mapping[str, Any]:
    versions = answer.body.get("versions") if isinstance(answer, Success) else None
    entry = versions.get(str(version)) if isinstance(versions, dict) else None
    return entry if isinstance(entry, dict) else {}


def ours(fields: object) -> SinkContent | None:
    """Read a value that has the form of ours; None for anybody else's."""
    names = ("api_key", "key_id", "version_id")
    if not isinstance(fields, dict):
        return None
    if not all(_is_word(fields.get(name)) for name in names):
        return None
    return SinkContent(
        api_key=Secret(fields["api_key"]),
        key_id=fields["key_id"],
        version_id=fields["version_id"],
    )


def _is_word(value: object) -> bool:
    """Whether it is a text that every store can be asked about: a stranger may write anything."""
    return isinstance(value, str) and value.isprintable()
