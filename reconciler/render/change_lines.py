"""One change as lines: where and what, each action with its sign, its fields, its secret.

Everything shown is in the plan's document too, so a saved plan reads the same. What a review says
stands behind the address and below the fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.model.keys import RemovalReason
from reconciler.planning.actions import Action, Reason
from reconciler.planning.plan import Change, FieldChange, SecretEffect
from reconciler.render.field_lines import field_lines, value_text
from reconciler.render.review_lines import review_lines, verdict_text
from reconciler.render.reviewed import ReviewedChange
from reconciler.render.style import Style, Tint, escape, padded
from reconciler.render.words import works_until

UNDECLARED_WORDS = "no manifest declares it any more"
REMOVAL_WORDS = {
    RemovalReason.INTEGRATION_REMOVED.value: "the integration was removed",
    RemovalReason.SYSTEM_RETIRED.value: "the system no longer exists",
    RemovalReason.CREATED_BY_MISTAKE.value: "the key was created by mistake",
    RemovalReason.POLICY.value: "the organization's policy requires permanent removal",
    RemovalReason.UNDECLARED.value: UNDECLARED_WORDS,
}
"""The console page's words for its reasons."""

_TINTS = {
    Action.CREATE: Tint.GREEN,
    Action.REISSUE: Tint.MAGENTA,
    Action.RENAME: Tint.BLUE,
    Action.UPDATE: Tint.YELLOW,
    Action.ACTIVATE: Tint.GREEN,
    Action.DEACTIVATE: Tint.RED,
    Action.ROTATE: Tint.CYAN,
    Action.REMOVE: Tint.RED,
    Action.ADOPT: Tint.BLUE,
}
_NO_MANIFEST = "(no manifest)"
_LONGEST_LOCATION = 60
_WORD_WIDTH = 10
_NAME_WIDTH = 12


def changes_lines(changes: Sequence[ReviewedChange], now: datetime, style: Style) -> Iterator[str]:
    """Give the lines of all changes, their addresses in one column, with what a review says."""
    locations = [_location(reviewed.change) for reviewed in changes]
    width = min(max(map(len, locations), default=0), _LONGEST_LOCATION)
    for location, reviewed in zip(locations, changes, strict=True):
        head = style.paint(_name(reviewed.change), Tint.BOLD) + verdict_text(reviewed, style)
        yield f"{style.paint(padded(location, width), Tint.DIM)}  {head}"
        yield from change_lines(reviewed.change, now, style)
        yield from review_lines(reviewed, style)


def _location(change: Change) -> str:
    if change.source is None:
        return _NO_MANIFEST
    return f"{escape(change.source.file)}:{change.source.line}"


def _name(change: Change) -> str:
    last = change.last_characters
    return escape(change.address) + ("" if last is None else f" (…{escape(last)})")


def change_lines(change: Change, now: datetime, style: Style) -> Iterator[str]:
    """Give the lines of one change below its head."""
    fields, secret = list(_field_details(change)), list(_secret_details(change))
    width = max([_NAME_WIDTH, *(len(name) + 2 for name, _ in fields)])
    last = change.actions[-1]
    carrier = Action.UPDATE if Action.UPDATE in change.actions else last
    for action in change.actions:
        yield _action_line(action, _note(change, action, now), style)
        details = (fields if action is carrier else []) + (secret if action is last else [])
        yield from (f"      {padded(name, width)}{_painted(text, style)}" for name, text in details)


def _painted(text: str, style: Style) -> str:
    """Tint what comes and what goes; the sign stands before it in any case."""
    tints = {"+ ": (Tint.GREEN,), "- ": (Tint.RED,)}
    return style.paint(text, *tints.get(text[:2], ()))


def _action_line(action: Action, note: str, style: Style) -> str:
    word = f"{action.sign} {action.value}"
    gap = " " * (_WORD_WIDTH + 3 - len(word)) if note else ""
    return f"  {style.paint(word, _TINTS.get(action, Tint.DIM))}{gap}{note}"


def _note(change: Change, action: Action, now: datetime) -> str:
    """Say behind an action's word what it does beyond the fields."""
    match action:
        case Action.ADOPT:
            return _listed(_former_owner(change), _written_over(change))
        case Action.ROTATE:
            why = _counter(change, "rotation.generation") or _why(change)
            return _listed(why, _previous(change, now))
        case Action.REISSUE:
            new = "a new key with a new id and expiration"
            return _listed(_counter(change, "reissue"), new, _previous(change, now))
        case Action.RENAME:
            return f"from {escape(change.previous_address or '')}"
        case Action.DEACTIVATE if change.reason is Reason.UNDECLARED:
            return UNDECLARED_WORDS
        case Action.REMOVE:
            return _removal_words(change)
        case _:
            return ""


def _former_owner(change: Change) -> str:
    if change.adoption is None:
        return ""
    former = change.adoption.former_manager
    return "nobody's until now" if former is None else f"managed by {escape(former)} until now"


def _written_over(change: Change) -> str:
    """Say which version of a stranger goes; it stays in the sink's own history."""
    secret = change.secret
    if secret is None or secret.adopts is None:
        return ""
    return f"version {secret.adopts} of {escape(secret.path)} is written over"


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _counter(change: Change, field: str) -> str:
    """Give `generation 3 → 4`; empty where the counter stays."""
    found = next((f for f in change.fields if f.name == field), None)
    if found is None:
        return ""
    word = field.rpartition(".")[2]
    return f"{word} {value_text(found.before)} → {value_text(found.after)}"


def _why(change: Change) -> str:
    if change.reason is Reason.DECLARED:
        return ""
    return "the secret's path changes" if change.reason in _MOVES else change.reason.value


_MOVES = {Reason.RENAMED, Reason.SINK_PATH_CHANGED}


def _previous(change: Change, now: datetime) -> str:
    secret = change.secret
    if secret is None or secret.from_version is None or secret.previous_works_for is None:
        return ""
    return f"previous secret works {works_until(now, escape(secret.previous_works_for))}"


def _removal_words(change: Change) -> str:
    if change.removal is None:
        return UNDECLARED_WORDS
    return REMOVAL_WORDS.get(change.removal, escape(change.removal))


_SAID_BY = {
    "rotation.generation": {Action.ROTATE},
    "reissue": {Action.REISSUE},
    "active": {Action.ACTIVATE, Action.DEACTIVATE},
}
"""Fields that an action's own line already says."""


def _field_details(change: Change) -> Iterator[tuple[str, str]]:
    """Give name and line of every field that no other line says; an end says none."""
    is_new = Action.CREATE in change.actions
    if Action.REMOVE in change.actions:
        return
    for field in change.fields:
        if not _is_said(field, change):
            lines = field_lines(field, is_one_sided=is_new)
            yield from ((escape(field.name), text) for text in lines)


def _is_said(field: FieldChange, change: Change) -> bool:
    if field.name == "secret.path":
        return change.secret is not None
    return change.is_key and not _SAID_BY.get(field.name, set()).isdisjoint(change.actions)


def _secret_details(change: Change) -> Iterator[tuple[str, str]]:
    if change.secret is None:
        return
    yield from (("secret", text) for text in _secret_texts(change.secret))


def _secret_texts(secret: SecretEffect) -> Iterator[str]:
    if secret.ends:
        yield f"no secret works any more, {escape(secret.path)} is emptied"
        return
    yield f"new secret at {escape(secret.path)}"
    if secret.left_path is not None:
        yield f"{escape(secret.left_path)} is emptied after the overlap"
