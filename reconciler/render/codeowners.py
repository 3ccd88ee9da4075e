"""CODEOWNERS lines of workspaces: whose review a change of their keys needs on a forge.

The rule that lives here: nobody is guessed. A principal has the handle that was given for it;
without one, whoever logs in by an issuer is called by their name there, and a user of an operating
system by nothing, for that name means nobody on a forge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.workspaces import LOCAL, Principal, Workspace
from reconciler.render.style import escape

HANDLE = re.compile(
    r"@[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*"
    r"|[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)
"""`@name`, `@group/team`, or an address of mail."""

Handles = Mapping[Principal, Sequence[str]]

_HEAD = (
    "# Made by `keyrec export --codeowners` from the admins that the store holds.",
    "# The last line that fits a file wins: put general rules above these.",
)


def codeowners_text(workspaces: Sequence[Workspace], handles: Handles) -> str:
    """Give one line for each workspace, by name; who has no handle is named in a comment."""
    lines = (line for each in sorted(workspaces, key=_name) for line in _lines(each, handles))
    return "".join(f"{line}\n" for line in (*_HEAD, *lines))


def handles_of(principal: Principal, handles: Handles) -> tuple[str, ...]:
    """Give the handles of a principal, none where nobody knows."""
    if principal in handles:
        return tuple(handles[principal])
    how, _, name = principal.partition(":")
    own = f"@{name}"
    return (own,) if how != LOCAL and HANDLE.fullmatch(own) else ()


def _lines(workspace: Workspace, handles: Handles) -> Iterator[str]:
    found: dict[str, None] = {}
    for admin in sorted(workspace.admins):
        known = handles_of(admin, handles)
        found.update(dict.fromkeys(known))
        if not known:
            yield _nobody(workspace, admin)
    if not workspace.admins:
        yield f"# {escape(workspace.name)} has no admin of its own: only platform admins apply it."
    if found:
        yield f"keys/{escape(workspace.name)}/ {' '.join(found)}"


def _nobody(workspace: Workspace, admin: Principal) -> str:
    who = escape(admin)
    return f"# {who}, admin of {escape(workspace.name)}, has no handle here: --handle {who}=@…"


def _name(workspace: Workspace) -> str:
    return workspace.name
