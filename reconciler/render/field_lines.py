"""What a change does to single fields, one line for each thing that comes, goes or changes.

Every line repeats its field's name, so that each can be found and compared by itself. What the
lines mean for privileges is not judged here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from reconciler.model.canonical import Document
from reconciler.planning.plan import FieldChange
from reconciler.render.style import escape

_PLAIN_VALUE = re.compile(r"[\w./:@+,%-]+", re.ASCII)
_LARGEST_COUNT = 2**32
_JOINTS = {"scopes": " ", "labels": ": "}
"""Fields that map names to values, and what stands between the two."""
_NOTHING = "(none)"
_UNRESTRICTED = "any address"


def field_lines(change: FieldChange, *, is_one_sided: bool) -> Iterator[str]:
    """Give the lines of one field without its name.

    `is_one_sided` says that the key or resource is new or ends: an absent side then means that
    nothing was there, not that a field was empty.
    """
    if change.name in _JOINTS:
        yield from _mapping_lines(change, _JOINTS[change.name])
    elif _is_ordered(change) or not (change.added or change.removed):
        yield _scalar_line(change, is_one_sided=is_one_sided)
    else:
        yield from _list_lines(change, is_one_sided=is_one_sided)


def _is_ordered(change: FieldChange) -> bool:
    """Whether the order of a list's members says something: levels, weakest first."""
    return change.name.startswith("resources.")


def _mapping_lines(change: FieldChange, joint: str) -> Iterator[str]:
    old, new = _mapping(change.before), _mapping(change.after)
    for name in sorted(old.keys() | new.keys()):
        before, after, shown = old.get(name), new.get(name), escape(name)
        if before is None:
            yield f"+ {shown}{joint}{value_text(after)}"
        elif after is None:
            yield f"- {shown}{joint}{value_text(before)}"
        elif before != after:
            yield f"{shown}{joint}{value_text(before)} → {value_text(after)}"


def _mapping(value: Document) -> Mapping[str, Document]:
    return value if isinstance(value, Mapping) else {}


def _list_lines(change: FieldChange, *, is_one_sided: bool) -> Iterator[str]:
    is_restriction = change.name == "allowlist" and not is_one_sided
    if is_restriction and change.before is None:
        yield f"{_UNRESTRICTED} → only these:"
    if is_restriction and change.after is None:
        yield f"only these → {_UNRESTRICTED}:"
    yield from (f"+ {_member_text(member)}" for member in change.added)
    yield from (f"- {_member_text(member)}" for member in change.removed)


def _member_text(member: str) -> str:
    """Give a member of a list; a range with how many addresses it holds."""
    if "/" not in member:
        return value_text(member)
    try:
        network = ipaddress.ip_network(member)
    except ValueError:
        return value_text(member)
    return f"{network} ({_size_text(network.num_addresses)})"


def _size_text(size: int) -> str:
    if size > _LARGEST_COUNT:
        return f"2^{size.bit_length() - 1} addresses"
    return "1 address" if size == 1 else f"{size:,} addresses"


def _scalar_line(change: FieldChange, *, is_one_sided: bool) -> str:
    before, after = value_text(change.before), value_text(change.after)
    if not is_one_sided:
        return f"{before} → {after}"
    return after if change.before is None else before


def value_text(value: Document) -> str:
    """Show one value as a manifest would: plain where that is clear, else in quotes."""
    match value:
        case None:
            return _NOTHING
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return _quoted(value)
        case Mapping():
            return "{" + ", ".join(f"{escape(k)}: {value_text(v)}" for k, v in value.items()) + "}"
        case _:
            return "[" + ", ".join(value_text(v) for v in value) + "]" if value else _NOTHING


def _quoted(text: str) -> str:
    if _PLAIN_VALUE.fullmatch(text) is not None:
        return text
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escape(inner)}"'
