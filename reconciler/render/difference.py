"""What differs between the plan that was approved and the one made now, change by change.

Both sides are compared by exactly what the digest covers, so equal digests give no line and
different ones at least one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from reconciler.model.canonical import Document
from reconciler.planning.effects import effects_document
from reconciler.planning.plan import Plan
from reconciler.render.field_lines import value_text
from reconciler.render.style import Style, Tint, escape, joined

_PLAIN_NAMES = {
    "actions": "actions",
    "reason": "reason",
    "previousAddress": "previous name",
    "removal": "reason of the removal",
}
_SECRET_NAMES = {
    "path": "new secret at",
    "ends": "secrets end",
    "leftPath": "path that is left",
    "previousWorksFor": "previous secret works for",
    "adopts": "version that is written over",
}
_ADOPTION_NAMES = {"formerManager": "manager until now"}

_UNTOUCHED: Mapping[str, Any] = {"ends": False}
"""What a change without an effect on the secret says of it."""


def plan_difference_text(approved: Plan, now: Plan, style: Style) -> str:
    """Show how the plan made now differs from the approved one."""
    return joined(_difference_lines(approved, now, style))


def _difference_lines(approved: Plan, now: Plan, style: Style) -> Iterator[str]:
    if approved.digest == now.digest:
        yield "Both plans declare the same."
        return
    yield from _bound_lines(approved, now)
    old, new = _effects(approved), _effects(now)
    for name in sorted(old.keys() | new.keys()):
        yield from _pair_lines(name[1], old.get(name), new.get(name), style)
    if _order(approved) != _order(now) and old == new:
        yield "The changes are the same, in another order."
    yield f"Approved: {approved.digest}"
    yield f"Now:      {now.digest}"


def _pair_lines(
    address: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, style: Style
) -> Iterator[str]:
    """Give the lines of one address: on one side alone, or on both and different."""
    if old is not None and new is None:
        yield style.paint(f"- only approved: {_headline(address, old)}", Tint.RED)
    elif old is None and new is not None:
        yield style.paint(f"+ only now: {_headline(address, new)}", Tint.GREEN)
    elif old is not None and new is not None and old != new:
        yield style.paint(f"~ differs: {escape(address)}", Tint.YELLOW)
        yield from (f"    {line}" for line in _effect_lines(old, new))


def _bound_lines(approved: Plan, now: Plan) -> Iterator[str]:
    pairs = (
        ("manager", approved.manager, now.manager),
        ("store", approved.target.store_id, now.target.store_id),
        ("sink", approved.target.sink_id, now.target.sink_id),
    )
    for name, old, new in pairs:
        if old != new:
            yield f"! another {name}: approved for {escape(old)}, now {escape(new)}"


def _effects(plan: Plan) -> dict[tuple[bool, str], Mapping[str, Any]]:
    """Give what the digest covers of each change; a key may be named as a resource is."""
    document = cast("Mapping[str, Any]", effects_document(plan))
    names = (change.thing for change in plan.changes)
    return dict(zip(names, document["changes"], strict=True))


def _order(plan: Plan) -> list[str]:
    return [change.address for change in plan.changes]


def _headline(address: str, effect: Mapping[str, Any]) -> str:
    return f"{escape(address)} ({', '.join(effect['actions'])})"


def _effect_lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["base"] != new["base"]:
        yield "the store holds another state of it than was approved"
    yield from _named_lines(_PLAIN_NAMES, old, new)
    yield from _named_lines(_ADOPTION_NAMES, old.get("adoption") or {}, new.get("adoption") or {})
    yield from _named_lines(_SECRET_NAMES, old["secret"] or _UNTOUCHED, new["secret"] or _UNTOUCHED)
    yield from _fields_lines(old["fields"], new["fields"])


def _named_lines(
    names: Mapping[str, str], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    for key, name in names.items():
        if old.get(key) != new.get(key):
            yield _line(name, value_text(old.get(key)), value_text(new.get(key)))


def _fields_lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield _line(escape(name), _change_text(old.get(name)), _change_text(new.get(name)))


def _line(name: str, approved: str, now: str) -> str:
    return f"{name}: approved {approved}, now {now}"


def _change_text(field: Mapping[str, Document] | None) -> str:
    if field is None:
        return "no change"
    return f"{value_text(field['before'])} → {value_text(field['after'])}"
